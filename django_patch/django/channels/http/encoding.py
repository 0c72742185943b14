"""
The reply messages for a response, as a handler makes them.
"""
from __future__ import absolute_import

import sys

from ..failures import is_of_operator
from .response import CHUNK_SIZE, encode_headers, encode_response, has_no_body, split_content

_END = object()


class ResponseEncoding(object):
    """The part of a handler that turns responses into messages; what they raise is its uncaught_error()."""
    #: Bytes of content in one reply message at most.
    chunk_size = CHUNK_SIZE

    @classmethod
    def encode_response(cls, response):
        """Return an iterator of the reply messages for `response` to a GET request."""
        return iter(encode_response(response, chunk_size=cls.chunk_size))

    @classmethod
    def chunk_bytes(cls, data):
        """Yield (chunk, whether it is the last) for the bytes `data`."""
        pieces = split_content(data, cls.chunk_size)
        for number, piece in enumerate(pieces, 1):
            yield piece, number == len(pieces)

    def has_body(self, request, response):
        """Return whether `response` goes on after its headers."""
        return not has_no_body(response.status_code, request.method if request else 'GET')

    def head_of(self, response):
        """Return the head of the first reply message for `response`, as a dict."""
        return {'status': response.status_code, 'headers': encode_headers(response)}

    def split(self, content):
        """Return `content` in pieces of at most `chunk_size` bytes."""
        return split_content(content, self.chunk_size)

    def encode(self, request, response):
        """Return an iterable of the reply messages for `response`; what it raises is logged and answered."""
        try:
            replies = encode_response(response, request.method if request else 'GET', self.chunk_size)
        except BaseException as error:
            if is_of_operator(error):
                raise
            return self.encode_response(self.uncaught_error(request, sys.exc_info()))
        # What streams may raise on the way to each of its parts.
        return replies if type(replies) is list else self._encode_parts(request, replies)

    def _encode_parts(self, request, replies):
        started = False
        while True:
            try:
                reply = next(replies, _END)
            except BaseException as error:
                if is_of_operator(error):
                    raise
                replies = self._end_of_broken(self.uncaught_error(request, sys.exc_info()), started)
                reply = next(replies)
            if reply is _END:
                return
            yield reply
            started = started or reply is not None

    def _end_of_broken(self, error, started):
        """Return an iterator of the replies that end a response; `error` is the one to what hasn't started."""
        if started:
            # As a WSGI server breaks off the connection: what came so far
            # must not look complete.
            return iter([{'content': b'', 'more_content': False, 'closed': True}])
        return self.encode_response(error)
