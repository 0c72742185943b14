"""
A response on its way from the worker to a client that may be slow.

The worker's part is over as soon as the queue has all of it: in memory, then in
a file. Beyond the limit of that, or of all files together, the worker has to
wait, as with streams that have no end.
"""
from __future__ import annotations

import collections
import logging
from typing import Any, Optional, Union

from ..backport import bridge, exceptions
from ..errors import Refused
from ..types import Message
from .context import Context
from .spool import Piece, Spool

logger = logging.getLogger(__name__)

#: Bytes that are handed to the client's connection at once. What isn't read
#: from there is in memory, whatever the limits here.
PIECE = 64 * 1024

#: Bytes for which it isn't worth while to wait for room.
SMALL = 4 * 1024

#: A part of the response whose content is in the spool.
Entry = tuple[Any, Any, Piece, bool]


class ResponseQueue:
    """The parts of one response that the client's connection hasn't taken yet."""

    __slots__ = ("reply", "_method", "entries", "_spool", "_budget", "_options", "_metrics", "_splits", "_views")

    def __init__(self, context: Context, method: str, splits: bool = False, views: bool = False) -> None:
        """
        With `splits` the head of a response comes before any large content, which stays here meanwhile.

        Content comes as bytes, and with `views` as views of a message, too.
        """
        self._splits = splits
        self._views = views
        self.reply = bridge.HttpReply(method)
        self._method = method
        #: The oldest first.
        self.entries: collections.deque[Union[Entry, Any]] = collections.deque()
        self._budget = context.budget
        #: Most need none.
        self._spool: Optional[Spool] = None
        self._options = context.options
        self._metrics = context.metrics

    @property
    def is_full(self) -> bool:
        """Whether the worker has to wait."""
        spool, limit = self._spool, self._options.response_spool
        if spool is None:
            return False
        if self._options.stream_responses:
            return 0 < self._options.response_buffer < spool.in_memory + spool.unread
        return bool(limit and spool.file_size > limit) or not spool.has_room(PIECE)

    @property
    def has_room_again(self) -> bool:
        """Whether a worker that waits can go on, for more than a piece."""
        spool, share = self._spool, 1 - bridge.FREE_AGAIN
        if spool is None:
            return True
        if self._options.stream_responses:
            return bool(spool.in_memory + spool.unread <= self._options.response_buffer * share)
        # A file gets its room back once all of it was read.
        return not spool.unread and spool.has_room(PIECE)

    @property
    def is_large(self) -> bool:
        """Whether the oldest part is worth waiting for room."""
        entry = self.entries[0]
        if type(entry) is not tuple:
            return False
        piece = entry[2]
        return (piece[1] if type(piece) is tuple else len(piece)) > SMALL

    def feed(self, message: Message, path: str) -> None:
        """
        Take what the worker sent about `path`; raise OSError if it can't be kept.

        get() raises Refused where the response breaks off, after what came before.
        """
        try:
            part = self.reply.feed(message)
        except bridge.BrokenOff as error:
            self.entries.append(Refused(500, str(error)))
            return
        except exceptions.MalformedMessage as error:
            self._metrics.dropped["malformed_reply"] += 1
            logger.error("The response for %s %s is malformed: %s", self._method, path, error)
            self.entries.append(Refused(500, "The server got a response that it can't send."))
            return
        if isinstance(part, bridge.ResponsePart):
            self._put(part)
        elif part is not None:
            self.entries.append(part)

    def _put(self, part: Any) -> None:
        if self._method == "HEAD":
            # It has no more than this, whose client waits for no end of a stream.
            part = part._replace(more_content=False)
        status, headers, content, more = part
        if type(content) is memoryview and (not self._views or len(content) <= PIECE):
            content = bytes(content)
            part = bridge.ResponsePart(status, headers, content, more)
        if not more and len(content) <= SMALL:
            # The end, and most often all of it; not worth an account.
            self.entries.append(part)
            return
        spool = self._spool
        if spool is None:
            spool = self._spool = Spool(self._budget, self._options.response_buffer)
        if self._splits and status is not None and len(content) > SMALL:
            self.entries.append((status, headers, b"", True))
            status = headers = None
        if len(content) <= PIECE:
            self.entries.append((status, headers, spool.put(content), more))
            return
        size = len(content)
        is_view = type(content) is memoryview
        # A view is counted until its last piece is taken, and may go as one before.
        starts = [0, size - PIECE] if is_view and spool.fits_memory(size) else list(range(0, size, PIECE))
        for start, stop in zip(starts, starts[1:] + [size]):
            piece = content[start:stop]
            if is_view and stop == size:
                piece = bytes(piece)
            self.entries.append((status, headers, spool.put(piece), more or stop < size))
            status = headers = None

    def explain(self, error: OSError) -> str:
        """Count a failure of the file; return what to tell the client."""
        self._metrics.dropped["spool_failed"] += 1
        return f"The response can't be kept for its client: {error.strerror or error}."

    def get(self) -> Any:
        """Return the oldest part, or a bridge.Push; raise OSError if it can't be read."""
        entry = self.entries.popleft()
        if isinstance(entry, Refused):
            raise entry
        if type(entry) is not tuple:
            return entry
        status, headers, piece, more = entry
        assert self._spool is not None
        return bridge.ResponsePart(status, headers, self._spool.get(piece), more)

    def close(self) -> None:
        """Forget what is left."""
        self.entries.clear()
        if self._spool is not None:
            self._spool.close()
