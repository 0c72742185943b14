"""
A request's body that comes in pieces on a channel of its own.

The one place of this package that waits. `ChunkReader` takes chunk messages
off the body channel, and `BodyStream` makes a file of them.
"""
from __future__ import absolute_import

import collections
import io
import tempfile

from ..exceptions import MalformedMessage, RequestAborted, RequestTimeout
from ..layers.clock import SYSTEM_CLOCK

#: Bytes moved at once from the channel to a temporary file.
_COPY_SIZE = 256 * 1024
#: How many chunks are asked for at once, which bounds what memory they take.
_CHUNKS_AT_ONCE = 4


class ChunkReader(object):
    """
    Takes the messages off `channel`, a body channel of `channel_layer`.

    `timeout` is how many seconds a chunk may be late.
    """

    def __init__(self, channel_layer, channel, timeout, clock=SYSTEM_CLOCK):
        self.channel_layer = channel_layer
        self.channel = channel
        self.timeout = timeout
        self._clock = clock
        self._waiting = collections.deque()

    def next(self):
        """Return the next message; raise RequestTimeout if there is none."""
        if not self._waiting:
            deadline = self._clock.monotonic() + self.timeout
            remaining = self.timeout
            while not self._fetch(remaining):
                remaining = deadline - self._clock.monotonic()
                if remaining <= 0:
                    raise RequestTimeout(
                        'No more of the request body came on %s in %s seconds.' % (self.channel, self.timeout)
                    )
        return self._waiting.popleft()

    def discard(self):
        """Drop what waits on the channel, without waiting for more."""
        self._waiting.clear()
        while self._fetch(0):
            self._waiting.clear()

    def _fetch(self, seconds):
        batch = self.channel_layer.receive_batch([self.channel], _CHUNKS_AT_ONCE, seconds)
        self._waiting.extend(message for channel, message in batch)
        return bool(self._waiting)


class BodyStream(io.IOBase):
    """
    A request body as a binary file that is read once, front to back.

    `first` is the part that came with the request, `reader` has the rest,
    and `length` is the value of Content-Length, or None. What can't be had
    is a RequestTimeout or RequestAborted, both ``IOError`` as under WSGI, and
    is kept as `failure`.

    buffer() has the rest fetched; beyond `memory_limit` bytes it goes to a
    temporary file in `temp_dir`.
    """

    def __init__(self, first, reader, length=None, memory_limit=2621440, temp_dir=None):
        super(BodyStream, self).__init__()
        self.failure = None
        self._chunks = collections.deque([first] if first else [])
        self._offset = 0
        self._reader = reader
        self._received = len(first)
        self._length = length
        self._more_content = True
        self._memory_limit = memory_limit
        self._temp_dir = temp_dir
        self._file = None
        self._size = None

    # Taking chunks in

    def _pull(self):
        """Take in one chunk; return whether there was any left to take."""
        if self.failure is not None:
            raise self.failure
        if not self._more_content:
            return False
        try:
            self._take(self._reader.next())
        except (RequestAborted, RequestTimeout) as failure:
            self.failure = failure
            raise
        return True

    def _take(self, message):
        if message.get('closed'):
            raise RequestAborted('The client went away before its request was complete.')
        content = message.get('content', b'')
        if not isinstance(content, bytes):
            raise MalformedMessage('The content of a body chunk must be bytes, not %r.' % (content,))
        self._received += len(content)
        if content:
            self._chunks.append(content)
        self._more_content = bool(message.get('more_content'))
        if not self._more_content and self._length is not None and self._received != self._length:
            raise RequestAborted(
                'The request body has %d bytes, and its Content-Length is %d.' % (self._received, self._length)
            )

    # Reading

    def readable(self):
        return True

    def read(self, size=-1):
        """Return up to `size` bytes; all that is left if it is negative."""
        self._check_open()
        if self._file is not None:
            return self._file.read(-1 if size is None else size)
        everything = size is None or size < 0
        taken = []
        while everything or size > 0:
            if not self._chunks and not self._pull():
                break
            if self._chunks:
                part = self._take_out(None if everything else size)
                taken.append(part)
                if not everything:
                    size -= len(part)
        return b''.join(taken)

    def readline(self, size=-1):
        """Return the next line, or `size` bytes of it."""
        self._check_open()
        if size is None:
            size = -1
        if self._file is not None:
            return self._file.readline(size)
        taken = []
        while size:
            if not self._chunks and not self._pull():
                break
            if self._chunks:
                head = self._chunks[0]
                end = head.find(b'\n', self._offset) + 1
                wanted = (end or len(head)) - self._offset
                if size > 0:
                    wanted = min(wanted, size)
                part = self._take_out(wanted)
                taken.append(part)
                size = size - len(part) if size > 0 else size
                if part.endswith(b'\n'):
                    break
        return b''.join(taken)

    def _take_out(self, size):
        head = self._chunks[0]
        end = len(head) if size is None else min(self._offset + size, len(head))
        part = head[self._offset:end]
        if end == len(head):
            self._chunks.popleft()
            self._offset = 0
        else:
            self._offset = end
        return part

    # The rest, all at once

    def buffer(self):
        """Fetch the rest and return its size; the stream can seek then."""
        self._check_open()
        if self._file is None:
            spool = tempfile.SpooledTemporaryFile(max_size=self._memory_limit, dir=self._temp_dir)
            try:
                for part in iter(lambda: self.read(_COPY_SIZE), b''):
                    spool.write(part)
            except BaseException:
                spool.close()
                raise
            self._size = spool.tell()
            spool.seek(0)
            self._file = spool
        return self._size

    def seekable(self):
        return self._file is not None

    def seek(self, offset, whence=io.SEEK_SET):
        if self._file is None:
            raise io.UnsupportedOperation('A body that is still coming in can only be read.')
        self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self):
        if self._file is None:
            raise io.UnsupportedOperation('A body that is still coming in has no position.')
        return self._file.tell()

    # The end

    def discard(self):
        """Close the stream and drop the chunks that nobody has read."""
        if self._more_content and self.failure is None:
            self._more_content = False
            self._reader.discard()
        self.close()

    def close(self):
        if not self.closed:
            self._chunks.clear()
            if self._file is not None:
                self._file.close()
        super(BodyStream, self).close()

    def _check_open(self):
        if self.closed:
            raise ValueError('I/O operation on closed file.')
