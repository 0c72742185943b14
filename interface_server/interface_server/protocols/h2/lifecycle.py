"""
The lives of a connection of HTTP/2 and of its streams, as tables of transitions.
"""
from __future__ import annotations

# The connection's life.
OPEN, LEAVING, DRAINING, LINGERING, CLOSED = "OPEN", "LEAVING", "DRAINING", "LINGERING", "CLOSED"

# What happens: a client is asked for no new streams; none are taken; a client
# is told why it is sent away; the transport is gone.
WARNED, NO_MORE, DISMISSED, ENDED = "WARNED", "NO_MORE", "DISMISSED", "ENDED"

#: State -> event -> the next state.
TRANSITIONS = {
    OPEN: {WARNED: LEAVING, NO_MORE: DRAINING, DISMISSED: LINGERING, ENDED: CLOSED},
    # Those on their way are taken (RFC 9113 section 6.8).
    LEAVING: {NO_MORE: DRAINING, DISMISSED: LINGERING, ENDED: CLOSED},
    # The streams there are, are finished.
    DRAINING: {NO_MORE: DRAINING, DISMISSED: LINGERING, ENDED: CLOSED},
    # Nothing is read or said any more.
    LINGERING: {NO_MORE: LINGERING, DISMISSED: LINGERING, ENDED: CLOSED},
    CLOSED: {NO_MORE: CLOSED, DISMISSED: CLOSED, ENDED: CLOSED},
}

# A request's body: some of it is still to come, all of it is here, all of it
# was handed to the application.
RECEIVING, COMPLETE, READ = "RECEIVING", "COMPLETE", "READ"

# What happens to it.
LAST_CAME, LAST_READ = "LAST_CAME", "LAST_READ"

BODY = {
    RECEIVING: {LAST_CAME: COMPLETE},
    # h2 says so again of a request that has no body.
    COMPLETE: {LAST_CAME: COMPLETE, LAST_READ: READ},
    READ: {LAST_CAME: READ},
}

# Its response: nothing was said, the client was told to send the body (100),
# the headers went out, all of it did, nobody is there to get it.
AWAITED, INVITED, STARTED, COMPLETED, ABANDONED = "AWAITED", "INVITED", "STARTED", "COMPLETED", "ABANDONED"

# What happens to it.
INVITE, START, COMPLETION, LOSS = "INVITE", "START", "COMPLETION", "LOSS"

RESPONSE = {
    AWAITED: {INVITE: INVITED, START: STARTED, LOSS: ABANDONED},
    INVITED: {START: STARTED, LOSS: ABANDONED},
    STARTED: {COMPLETION: COMPLETED, LOSS: ABANDONED},
    COMPLETED: {COMPLETION: COMPLETED, LOSS: ABANDONED},
    ABANDONED: {COMPLETION: ABANDONED, LOSS: ABANDONED},
}

# A WebSocket in a stream: data passes, what was written still goes out, it is
# over.
PASSING, FINISHING, OVER = "PASSING", "FINISHING", "OVER"

# What happens to it.
CLOSE, LOST = "CLOSE", "LOST"

TUNNEL = {
    PASSING: {CLOSE: FINISHING, LOST: OVER},
    FINISHING: {CLOSE: FINISHING, LOST: OVER},
    OVER: {CLOSE: OVER, LOST: OVER},
}
