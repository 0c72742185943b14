"""
The life of a connection of HTTP/2, as a table of transitions.
"""
from __future__ import annotations

# The connection's life.
OPEN, DRAINING, LINGERING, CLOSED = "OPEN", "DRAINING", "LINGERING", "CLOSED"

# What happens: no new streams are taken; a client is told why it is sent away;
# the transport is gone.
NO_MORE, DISMISSED, ENDED = "NO_MORE", "DISMISSED", "ENDED"

#: State -> event -> the next state.
TRANSITIONS = {
    OPEN: {NO_MORE: DRAINING, DISMISSED: LINGERING, ENDED: CLOSED},
    # The streams there are, are finished (RFC 9113 section 6.8).
    DRAINING: {NO_MORE: DRAINING, DISMISSED: LINGERING, ENDED: CLOSED},
    # Nothing is read or said any more.
    LINGERING: {NO_MORE: LINGERING, DISMISSED: LINGERING, ENDED: CLOSED},
    CLOSED: {NO_MORE: CLOSED, DISMISSED: CLOSED, ENDED: CLOSED},
}
