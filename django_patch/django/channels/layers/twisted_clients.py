"""
The clients of a Twisted server, as it tells of them in what it sends, and what
they are told in a worker's place.
"""
from __future__ import absolute_import, unicode_literals

#: Pages: status, content, and for how many seconds a client does well to wait.
BUSY = 503, b'Too many requests are waiting for a worker.', b'10'
AWAY = 503, b'No worker can be reached just now.', b'2'
LOST = 503, b'The channel layer has lost its data.', b'2'
FAULTY = 500, b'The server failed to hand this request to a worker.', None


def response_of(page):
    """Return the message of a response, of one of the pages."""
    status, content, seconds = page
    headers = [[b'content-type', b'text/plain; charset=utf-8']]
    if seconds is not None:
        headers.append([b'retry-after', seconds])
    return {'status': status, 'content': content, 'headers': headers}


class TwistedClients(object):
    """Those that wait for a response, or hold a socket, by their reply channels."""

    def __init__(self):
        #: Reply channel -> whether the response to the request has begun.
        self.requests = {}
        self.sockets = set()

    def note_sent(self, channel, reply_channel):
        """Record that the server has sent a message of a client to `channel`."""
        if channel == 'http.request':
            self.requests[reply_channel] = False
        elif channel == 'http.disconnect':
            # daphne sends one for each request, answered or not.
            self.requests.pop(reply_channel, None)
        elif channel == 'websocket.connect':
            self.sockets.add(reply_channel)
        elif channel == 'websocket.disconnect':
            self.sockets.discard(reply_channel)

    def note_refused(self, reply_channel):
        """Record that a message had no room: daphne closes its socket, and says nothing of the end."""
        self.sockets.discard(reply_channel)

    def note_received(self, reply_channel):
        """Record that a message has come for a client."""
        if reply_channel in self.requests:
            self.requests[reply_channel] = True

    def unanswered(self, reply_channels):
        """Return those of `reply_channels` that wait for the first message of a response, as a list."""
        return [name for name in reply_channels if self.requests.get(name) is False]
