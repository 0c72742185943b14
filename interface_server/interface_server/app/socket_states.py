"""
The states of a WebSocket's session, as a table of transitions.

What matters is which workers have heard of the socket: those who have must
hear of its end, once, and nobody else does.
"""
from __future__ import annotations

# What has become of the socket: its connect message is on its way, or taken;
# the worker has accepted, or denied; nobody will hear of it; the client left
# before it was known which, or while a worker may be at the connect message;
# the end of one that a worker knows, and of one that none does.
OFFERED, ANNOUNCED, OPEN, DENIED, REFUSED, LEFT_EARLY, LEFT_UNANSWERED, ENDED, UNHEARD = (
    "OFFERED", "ANNOUNCED", "OPEN", "DENIED", "REFUSED", "LEFT_EARLY", "LEFT_UNANSWERED", "ENDED", "UNHEARD"
)

# What happens: the layer took the connect message, or didn't; the worker
# accepted the socket, denied it, or answered after the client had left, if only
# by being late; the connection is gone.
TAKEN, NOT_TAKEN, ACCEPTED, DENIAL, ANSWERED, GONE = "TAKEN", "NOT_TAKEN", "ACCEPTED", "DENIAL", "ANSWERED", "GONE"

#: State -> event -> the next state. What isn't here can't happen.
TRANSITIONS = {
    # A worker may answer before the layer says that it took the message.
    OFFERED: {TAKEN: ANNOUNCED, NOT_TAKEN: REFUSED, ACCEPTED: OPEN, DENIAL: DENIED, GONE: LEFT_EARLY},
    ANNOUNCED: {ACCEPTED: OPEN, DENIAL: DENIED, GONE: LEFT_UNANSWERED},
    # A send that seems to have failed can't have: a worker has answered.
    OPEN: {TAKEN: OPEN, NOT_TAKEN: OPEN, GONE: ENDED},
    DENIED: {TAKEN: DENIED, NOT_TAKEN: DENIED, GONE: ENDED},
    REFUSED: {GONE: UNHEARD},
    LEFT_EARLY: {TAKEN: LEFT_UNANSWERED, NOT_TAKEN: UNHEARD, ANSWERED: ENDED, GONE: LEFT_EARLY},
    LEFT_UNANSWERED: {ANSWERED: ENDED, GONE: LEFT_UNANSWERED},
    ENDED: {TAKEN: ENDED, NOT_TAKEN: ENDED, GONE: ENDED},
    UNHEARD: {GONE: UNHEARD},
}

#: The states after the connection.
OVER = (LEFT_EARLY, LEFT_UNANSWERED, ENDED, UNHEARD)
