"""
Refusals: the answers of a WSGI front end itself.
"""
from __future__ import absolute_import

import math

from ..compat import six
from . import bridge

__all__ = ['REASONS', 'Refused', 'away', 'busy']

#: What the server itself answers -> what it tells the client.
DETAILS = {
    400: 'The path of the request is not UTF-8.',
    411: 'The body of the request needs a Content-Length.',
    413: 'The request is larger than the channel layer carries.',
    500: "The server got a response that it can't send.",
    504: 'No worker answered within the time limit.',
}

REASONS = six.moves.http_client.responses


class Refused(Exception):
    """
    Raised when a request is answered here, with the status given.

    `detail` is what the client is told instead of what DETAILS has, and
    `retry_after` for how many seconds it does well to wait, if it does.
    """

    def __init__(self, status, detail=None, retry_after=None):
        super(Refused, self).__init__(status)
        self.status = status
        self.detail = DETAILS[status] if detail is None else detail
        self.headers = [] if retry_after is None else [bridge.retry_after(retry_after)]


def away():
    """Return the Refused for a request that finds no layer, or has lost it."""
    return Refused(503, 'The server has lost its channel layer.', bridge.AWAY_SECONDS)


def busy(waited):
    """Return the Refused for a request that has found no room in `waited` seconds."""
    return Refused(503, 'Too many requests are waiting for a worker.', max(1, int(math.ceil(waited))))
