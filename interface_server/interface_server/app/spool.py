"""
Bytes that wait for a slow reader: in memory, and beyond a limit in a file.

There is a limit for each spool and one for the sum of a process. Memory that
is used up costs speed, not service: what comes then waits in files. Only when
those are used up, too, somebody has to wait or is refused.

Files are written and read in place, as nginx does by default: a piece goes to
the system's cache in less time than a thread would take to be told of it.
"""
from __future__ import annotations

import tempfile
from typing import IO, Optional, Union

#: Bytes at a place in the file: (offset, size).
Place = tuple[int, int]
Piece = Union[bytes, memoryview, Place]


class SpoolBudget:
    """What all spools of a process hold together; 0 takes a limit away."""

    __slots__ = ("in_memory", "in_files", "_memory_limit", "_file_limit")

    def __init__(self, memory_limit: int = 0, file_limit: int = 0) -> None:
        #: Bytes in use.
        self.in_memory = self.in_files = 0
        self._memory_limit = memory_limit
        self._file_limit = file_limit

    def has_memory(self, size: int) -> bool:
        """Say if `size` bytes more may be kept in memory."""
        return not self._memory_limit or self.in_memory + size <= self._memory_limit

    def has_disk(self, size: int) -> bool:
        """Say if `size` bytes more may be written to files."""
        return not self._file_limit or self.in_files + size <= self._file_limit


class Spool:
    """
    A queue of pieces of bytes, of which `memory_limit` bytes are in memory.

    put() returns what get() returns as bytes; pieces are taken in the order
    in which they were put. close() it.

    A piece may be a view of something larger, whose last piece is none: its
    memory counts until that is taken.
    """

    __slots__ = ("in_memory", "unread", "_budget", "_memory_limit", "_file", "_written", "_viewed")

    def __init__(self, budget: SpoolBudget, memory_limit: int) -> None:
        self._budget = budget
        self._memory_limit = memory_limit
        self._file: Optional[IO[bytes]] = None
        #: Bytes in memory, and those in the file that weren't taken yet.
        self.in_memory = self.unread = 0
        self._written = 0
        #: Bytes of views that were taken, of something of which more is to come.
        self._viewed = 0

    @property
    def file_size(self) -> int:
        """The bytes that the file takes on its disk."""
        return self._written

    def has_room(self, size: int) -> bool:
        """Say if `size` bytes more can be taken, in memory or in a file."""
        return self.fits_memory(size) or self._budget.has_disk(size)

    def fits_memory(self, size: int) -> bool:
        """Say if `size` bytes more may be kept in memory."""
        limit = self._memory_limit
        return (not limit or self.in_memory + size <= limit) and self._budget.has_memory(size)

    def put(self, content: Union[bytes, memoryview]) -> Piece:
        """
        Keep `content`, whether there is room or not; see has_room().

        Raise OSError if the file can't be written.
        """
        size = len(content)
        if not size or (self.fits_memory(size) or not self._budget.has_disk(size)) and not self.unread:
            self.in_memory += size
            self._budget.in_memory += size
            return content
        if self._file is None:
            # The queue of a request keeps it open for longer than a block.
            # Without a buffer: what that held when the disk became full would
            # fail where it is read, and once more where the file is closed.
            self._file = tempfile.TemporaryFile(prefix="interface-server-", buffering=0)  # noqa: SIM115
        self._file.seek(self._written)
        unwritten = memoryview(content)
        while unwritten:
            unwritten = unwritten[self._file.write(unwritten):]
        place = self._written, size
        self._written += size
        self.unread += size
        self._budget.in_files += size
        return place

    def get(self, piece: Piece) -> Union[bytes, memoryview]:
        """Return the bytes of a piece, which aren't kept any longer."""
        if isinstance(piece, memoryview):
            self._viewed += len(piece)
            return piece
        freed, self._viewed = self._viewed, 0
        if isinstance(piece, bytes):
            freed += len(piece)
        self.in_memory -= freed
        self._budget.in_memory -= freed
        if isinstance(piece, bytes):
            return piece
        assert self._file is not None
        offset, size = piece
        self._file.seek(offset)
        content = self._file.read(size)
        self.unread -= size
        if not self.unread:
            # The file is written from its start again.
            self._budget.in_files -= self._written
            self._written = 0
            self._file.truncate(0)
        return content

    def close(self) -> None:
        """Free the memory and the file."""
        self._budget.in_memory -= self.in_memory
        self._budget.in_files -= self._written
        self.in_memory = self.unread = self._written = self._viewed = 0
        if self._file is not None:
            self._file.close()
            self._file = None
