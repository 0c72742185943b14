"""
The states of a WebSocket connection, as tables of transitions.

`SOCKET` is what may still be said, `LIVENESS` what is known of the client at
each tick of the keepalive timer.
"""
from __future__ import annotations

# What may be said.
CONNECTING, OPEN, CLOSING, FINISHING, LOST = "CONNECTING", "OPEN", "CLOSING", "FINISHING", "LOST"

# What happens.
ACCEPTED, CLOSE_SENT, DONE, GONE = "ACCEPTED", "CLOSE_SENT", "DONE", "GONE"

#: State -> event -> the next state. What isn't here can't happen.
SOCKET = {
    # The handshake isn't answered; DONE is a refusal.
    CONNECTING: {ACCEPTED: OPEN, DONE: FINISHING, GONE: LOST},
    OPEN: {CLOSE_SENT: CLOSING, DONE: FINISHING, GONE: LOST},
    # Our close frame is out; frames are read up to the client's.
    CLOSING: {DONE: FINISHING, GONE: LOST},
    # Nothing is read or said any more; what was said is still being written.
    FINISHING: {DONE: FINISHING, GONE: LOST},
    LOST: {DONE: LOST, GONE: LOST},
}

#: The states in which frames are read.
READING = (OPEN, CLOSING)

# What is known of the client: it has said something since the last tick, or
# not, or not even upon a ping.
HEARD, SILENT, PINGED, DEAD = "HEARD", "SILENT", "PINGED", "DEAD"

#: State -> the state after a tick. Any byte from the client makes it HEARD.
LIVENESS = {HEARD: SILENT, SILENT: PINGED, PINGED: DEAD}

#: Reasons for which nothing is read from the client; they add up.
BY_SESSION, BY_RATE = 1, 2
