"""
The states of a WebSocket's session, as a table of transitions.

What matters is which workers have heard of the socket: those who have must
hear of its end, once, and nobody else does.
"""
from __future__ import annotations

# What has become of the socket: its connect message is on its way, or taken;
# the worker has accepted; nobody will hear of it; the client left before it
# was known which; the end of one that a worker knows, and of one that none does.
OFFERED, ANNOUNCED, OPEN, REFUSED, LEFT_EARLY, ENDED, UNHEARD = (
    "OFFERED", "ANNOUNCED", "OPEN", "REFUSED", "LEFT_EARLY", "ENDED", "UNHEARD"
)

# What happens: the layer took the connect message, or didn't; the worker
# accepted the socket; the connection is gone.
TAKEN, NOT_TAKEN, ACCEPTED, GONE = "TAKEN", "NOT_TAKEN", "ACCEPTED", "GONE"

#: State -> event -> the next state. What isn't here can't happen.
TRANSITIONS = {
    # A worker may answer before the layer says that it took the message.
    OFFERED: {TAKEN: ANNOUNCED, NOT_TAKEN: REFUSED, ACCEPTED: OPEN, GONE: LEFT_EARLY},
    ANNOUNCED: {ACCEPTED: OPEN, GONE: ENDED},
    # A send that seems to have failed can't have: a worker has accepted.
    OPEN: {TAKEN: OPEN, NOT_TAKEN: OPEN, GONE: ENDED},
    REFUSED: {GONE: UNHEARD},
    LEFT_EARLY: {TAKEN: ENDED, NOT_TAKEN: UNHEARD, GONE: LEFT_EARLY},
    ENDED: {TAKEN: ENDED, NOT_TAKEN: ENDED, GONE: ENDED},
    UNHEARD: {GONE: UNHEARD},
}

#: The states after the connection.
OVER = (LEFT_EARLY, ENDED, UNHEARD)
