"""
The intake of a connection: what stands between its transport and its protocol.

It is the one protocol that the transport knows, for as long as it lives, and
the transport of whatever protocol has the connection: it hands on what was
read in slices, and when it is the client's turn. See `turns`.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Optional, Union

from .progress import has_unread
from .turns import BURST, FIRST_SLICE, LITTLE, MOST_SLICE, SLOW, TURN, Client, Turns, next_slice, now

logger = logging.getLogger(__name__)

#: Bytes of a read from which on there may be more.
_FULL = MOST_SLICE // 2


class Intake(asyncio.BufferedProtocol):
    """
    The connection that `protocol` begins with, one of those of `client`.

    To the protocol it is an asyncio.Transport.
    """

    __slots__ = (
        "write", "writelines", "is_closing",
        "_turns", "_client", "_protocol", "_transport", "_pending", "_slice", "_is_waiting",
        "_is_paused", "_place", "_latest",
    )

    def __init__(self, turns: Turns, client: Client, protocol: Any) -> None:
        self._turns = turns
        self._client = client
        self._protocol = protocol
        self._transport: Any = None
        #: What was read and not handed on.
        self._pending = b""
        #: Where what comes is read to, if it isn't copied from the shared buffer.
        self._place: Optional[memoryview] = None
        #: Bytes of the latest read into that buffer.
        self._latest = 0
        #: Bytes to hand on at once. Each connection learns it for itself: what
        #: is cheap in one may be dear in another.
        self._slice = FIRST_SLICE
        #: Whether it waits for its client's turn, and whether the protocol
        #: wants nothing more. One follows the turns, the other the protocol:
        #: no table of states, since each combination can follow each.
        self._is_waiting = self._is_paused = False

    @property
    def is_connected(self) -> bool:
        """Whether there was a connection, of whose end the protocol learns."""
        return self._transport is not None

    # As a protocol

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        # The most frequent calls of all.
        self.write, self.is_closing = transport.write, transport.is_closing
        # That of asyncio has no flow control in Python 3.12 and 3.13.
        self.writelines = self._write_each if isinstance(transport, asyncio.Transport) else transport.writelines
        self._protocol.connection_made(self)

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._pending, self._place = b"", None
        # Each refers to the other, and this maybe to itself: without that, both
        # are gone at once, and need no collection of garbage, which everybody
        # waits for.
        protocol, self._protocol = self._protocol, None
        self.writelines = self._transport.writelines
        protocol.connection_lost(error)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def eof_received(self) -> Optional[bool]:
        return self._protocol.eof_received()  # type: ignore[no-any-return]

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._turns.buffer if self._place is None else self._place

    def buffer_updated(self, nbytes: int) -> None:
        if self._place is not None:
            self._take_note(nbytes)
            return
        self._latest = nbytes
        data = bytes(self._turns.buffer[:nbytes])
        if self._pending:
            # TLS may have more ready than it was asked for.
            self._pending += data
            return
        began, client = now(), self._client
        if self._is_paused:
            self._pending = data
            return
        used = client.used(began)
        if used < LITTLE:
            self._turns.heard = began
        is_busy = used > BURST
        if not is_busy:
            if nbytes <= self._slice and not self.is_closing():
                # Most of what comes; the rest of this method does the same.
                self._protocol.data_received(data)
                ended = now()
                if nbytes == self._slice or ended - began > SLOW:
                    self._slice = next_slice(self._slice, nbytes, ended - began)
                client.charge(began, ended)
                return
        self._pending = data
        if not is_busy or self._turns.is_quiet(began):
            while self._hand_on() and now() - began < TURN:
                pass
            client.charge(began, now())
        self._go_on()

    def _take_note(self, nbytes: int) -> None:
        """Tell the protocol of bytes that were read to their place."""
        began, client = now(), self._client
        used = client.used(began)
        self._place = self._protocol.landed(nbytes)
        if used < LITTLE:
            self._turns.heard = began
        client.charge(began, now())
        if used > BURST and not self._is_paused and not self._is_waiting and not self._turns.is_quiet(began):
            # The next ones when it is its turn.
            self._transport.pause_reading()
            self._is_waiting = True
            self._turns.wait(client, self)

    # Turns

    def read_slice(self) -> bool:
        """Hand on a slice in turn; say if there is more that the protocol wants."""
        began = now()
        try:
            self._is_waiting = self._hand_on()
        except Exception:
            # As a transport does with what a protocol raises.
            logger.exception("Reading from a client failed.")
            self._is_waiting = False
            self._transport.abort()
        if not self._is_waiting and not self._is_paused:
            self._read_on()
        self._client.charge(began, now())
        return self._is_waiting

    def _hand_on(self) -> bool:
        """Hand on a slice; say if there is more that the protocol wants."""
        pending = self._pending
        if self._is_paused or not pending or self.is_closing():
            return False
        began = now()
        size = self._slice
        if len(pending) <= size:
            self._pending = b""
            self._protocol.data_received(pending)
        else:
            self._pending = pending[size:]
            self._protocol.data_received(pending[:size])
        self._slice = next_slice(size, min(size, len(pending)), now() - began)
        if self.is_closing():
            self._pending = b""
        return bool(self._pending) and not self._is_paused

    def _go_on(self) -> None:
        """Have the rest read later, and nothing more until then."""
        if self._pending and not self._is_waiting:
            self._transport.pause_reading()
            if not self._is_paused:
                self._is_waiting = True
                self._turns.wait(self._client, self)

    def _read_on(self) -> None:
        if not self.is_closing():
            self._transport.resume_reading()

    # As a transport

    @property
    def has_more(self) -> bool:
        """Say if the client seems to have sent more than was read, and the protocol has all of that."""
        return self._latest >= _FULL and not self._pending

    def land(self, place: Optional[memoryview]) -> None:
        """
        Have what comes next read to `place`; None ends that.

        The protocol's landed() is told how much came, and returns the next place.
        """
        self._place = place

    def pause_reading(self) -> None:
        self._is_paused = True
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._is_paused = False
        if not self._pending:
            self._read_on()
        elif not self._is_waiting:
            self._is_waiting = True
            self._turns.wait(self._client, self)

    def _write_each(self, pieces: Iterable[Union[bytes, memoryview]]) -> None:
        for piece in pieces:
            self.write(piece)

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def has_unread(self) -> bool:
        """Say if the client has sent something that the protocol hasn't seen."""
        return bool(self._pending) or has_unread(self._transport)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()  # type: ignore[no-any-return]

    def write_eof(self) -> None:
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        try:
            return self._transport.get_write_buffer_size()  # type: ignore[no-any-return]
        except AttributeError:
            # Before Python 3.11, of TLS whose connection is lost.
            return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
