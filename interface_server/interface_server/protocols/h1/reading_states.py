"""
The part of a request of HTTP/1 that is being read, as a table of transitions.
"""
from __future__ import annotations

# What is being read.
IDLE, HEADERS, BODY, UPGRADED, STOPPED = "IDLE", "HEADERS", "BODY", "UPGRADED", "STOPPED"

# What happens.
BEGUN, BODY_DUE, ENDED, LAST_ENDED, UPGRADING, FAILED = (
    "BEGUN", "BODY_DUE", "ENDED", "LAST_ENDED", "UPGRADING", "FAILED"
)

#: State -> event -> the next state. What isn't here can't happen.
TRANSITIONS = {
    IDLE: {BEGUN: HEADERS, UPGRADING: UPGRADED, FAILED: STOPPED},
    HEADERS: {BODY_DUE: BODY, ENDED: IDLE, LAST_ENDED: STOPPED, UPGRADING: UPGRADED, FAILED: STOPPED},
    BODY: {ENDED: IDLE, LAST_ENDED: STOPPED, FAILED: STOPPED},
    # Another protocol has the connection, or nothing more is read.
    UPGRADED: {},
    STOPPED: {FAILED: STOPPED},
}
