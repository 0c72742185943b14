"""
The number of files that the system lets this process have.

A connection is one. The usual soft limit is 1,024, which any process may raise
to its hard limit; what is left beyond that is said once, at the start.
"""
from __future__ import annotations

import logging
import resource

logger = logging.getLogger(__name__)

#: Files beside those of connections: logs, Redis, listeners, bodies that wait.
SPARE = 100


def missing_files(max_connections: int) -> int:
    """Return how many files the hard limit lacks for so many connections."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if not max_connections or hard == resource.RLIM_INFINITY:
        return 0
    return max(max_connections + SPARE - hard, 0)


def raise_limit(max_connections: int) -> None:
    """Raise the soft limit to what so many connections need; say if the system doesn't let us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max_connections + SPARE if max_connections else hard
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            logger.warning("The number of files can't be raised from %d to %d: %s.", soft, wanted, error)
    if missing_files(max_connections):
        logger.warning(
            "The system lets this process have %d files, too few for %d connections; those that find none wait. "
            "Raise the limit (ulimit -n, LimitNOFILE=) or lower --max-connections.", hard, max_connections,
        )
