"""
The life of a connection of HTTP/1, as a table of transitions.
"""
from __future__ import annotations

# The connection's life.
OPEN, LAST, HALF_CLOSED, LINGERING, CLOSED = "OPEN", "LAST", "HALF_CLOSED", "LINGERING", "CLOSED"

# What happens.
NO_MORE, CLIENT_DONE, ANSWERED, ENDED = "NO_MORE", "CLIENT_DONE", "ANSWERED", "ENDED"

#: State -> event -> the next state.
TRANSITIONS = {
    OPEN: {NO_MORE: LAST, CLIENT_DONE: HALF_CLOSED, ANSWERED: LINGERING, ENDED: CLOSED},
    # Nothing more is read; the answers to what was are given.
    LAST: {NO_MORE: LAST, CLIENT_DONE: HALF_CLOSED, ANSWERED: LINGERING, ENDED: CLOSED},
    # The client says nothing more, and may be there for the answers.
    HALF_CLOSED: {CLIENT_DONE: HALF_CLOSED, ENDED: CLOSED},
    # All is written; the client reads it.
    LINGERING: {NO_MORE: LINGERING, ANSWERED: LINGERING, ENDED: CLOSED},
    # The transport is closed, or another protocol has it.
    CLOSED: {NO_MORE: CLOSED, ANSWERED: CLOSED, ENDED: CLOSED},
}
