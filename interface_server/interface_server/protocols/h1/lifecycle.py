"""
The life of a connection of HTTP/1, as a table of transitions.
"""
from __future__ import annotations

# The connection's life.
OPEN, LAST, LINGERING, CLOSED = "OPEN", "LAST", "LINGERING", "CLOSED"

# What happens.
NO_MORE, ANSWERED, ENDED = "NO_MORE", "ANSWERED", "ENDED"

#: State -> event -> the next state.
TRANSITIONS = {
    OPEN: {NO_MORE: LAST, ANSWERED: LINGERING, ENDED: CLOSED},
    # Nothing more is read; the answers to what was are given.
    LAST: {NO_MORE: LAST, ANSWERED: LINGERING, ENDED: CLOSED},
    # All is written; the client reads it.
    LINGERING: {NO_MORE: LINGERING, ANSWERED: LINGERING, ENDED: CLOSED},
    # The transport is closed, or another protocol has it.
    CLOSED: {NO_MORE: CLOSED, ANSWERED: CLOSED, ENDED: CLOSED},
}
