"""
A connection to Redis for an event loop: commands out, replies in.

redis.asyncio connects: addresses, TLS, authentication. From then on bytes go
straight through the transport, and everything that is said in one turn of
the loop shares a write and, mostly, a round trip.
"""
from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

import redis
from django.channels.layers.transport.resp import (
    FOR_STRINGS, INCOMPLETE, ProtocolError, ReplyError, buffers_of, make_parser, unfinished_string,
)
from django.channels.layers.transport.scripts import check_step

#: The last is for what had no reply yet when another was told to go elsewhere.
FAILURES = (redis.RedisError, OSError, EOFError, asyncio.TimeoutError, ProtocolError, ReplyError)

#: The replies to a call, or one of FAILURES.
Outcome = Union[list[Any], Exception]

#: Bytes that are read at once, unless they are of a string that is longer, and
#: of a read from which on it may be the start of one.
_CHUNK, _START = 1 << 16, 1 << 14


class RedisConnection(asyncio.BufferedProtocol):
    """One connection; calls are answered in their order."""

    def __init__(self, connection: Any, address: str = "") -> None:
        #: The URL that it was made to.
        self.address = address
        #: Whether it is used no more, by retire().
        self.is_over = False
        self._loop = asyncio.get_running_loop()
        # redis.asyncio has said who we are; nothing more is said through it.
        # The writer would close the transport once nobody holds it.
        self._writer, connection._writer, connection._reader = connection._writer, None, None
        self._transport: asyncio.Transport = self._writer.transport
        self._transport.set_protocol(self)
        parser = make_parser()
        self._feed, self._next, self._has_data = parser.feed, parser.next, parser.has_data
        self._buffer = memoryview(bytearray(_CHUNK))
        #: A long string that is being read to where it stays, and what of it is to come.
        self._string: Optional[memoryview] = None
        self._rest = self._buffer[:0]
        # (number of replies, whom to tell, deadline, the first command) of each call.
        self._calls: collections.deque[tuple[int, Callable[[Outcome], None], float, bytes]] = collections.deque()
        self._replies: list[Any] = []
        self._outgoing: list[bytes] = []
        #: Whether what is said waits for release(), and not for the end of the turn.
        self._is_held = False
        self._timer: Optional[asyncio.TimerHandle] = None
        self.closed: asyncio.Future[Optional[Exception]] = self._loop.create_future()
        #: Whether that has not come yet.
        self.is_open = True
        #: Done once it is closed, or used no more.
        self.left: asyncio.Future[None] = self._loop.create_future()

    def call(self, commands: Sequence[bytes], timeout: float) -> asyncio.Future[list[Any]]:
        """
        Send packed commands; return a future of their replies.

        The future raises one of FAILURES if the connection ends before, or
        has no answer after `timeout` seconds.
        """
        answer: asyncio.Future[list[Any]] = self._loop.create_future()

        def tell(outcome: Outcome) -> None:
            # A caller that was cancelled doesn't need it any more.
            if not answer.done():
                if isinstance(outcome, list):
                    answer.set_result(outcome)
                else:
                    answer.set_exception(outcome)

        self.call_then(commands, timeout, tell)
        return answer

    def call_then(self, commands: Sequence[bytes], timeout: float, tell: Callable[[Outcome], None]) -> None:
        """As call(), but `tell` is called with the replies, or the failure."""
        if not self.is_open:
            tell(self.closed.result() or EOFError("The connection is closed."))
            return
        deadline = self._loop.time() + timeout
        self._calls.append((len(commands), tell, deadline, commands[0]))
        if not self._outgoing and not self._is_held:
            self._loop.call_soon(self._flush)
        self._outgoing.extend(commands)
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._on_timer)

    def hold(self) -> None:
        """Write nothing until release()."""
        self._is_held = True

    def release(self) -> None:
        """Write at once what is to be written: who calls is at the end of the turn."""
        self._is_held = False
        self._flush()

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self.is_open:
            try:
                self._transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))
            except TypeError:
                # One of them is a LargeCommand, which stays where it is.
                self._transport.writelines(buffers_of(outgoing))

    def _on_timer(self) -> None:
        # Set once for many calls; what it finds is usually that the one it
        # was set for was answered long ago.
        self._timer = None
        if self._calls:
            deadline = self._calls[0][2]
            if deadline <= self._loop.time():
                self.close(asyncio.TimeoutError("The server doesn't answer."))
            else:
                self._timer = self._loop.call_at(deadline, self._on_timer)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._rest if self._string is not None else self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        try:
            if self._string is not None:
                self._rest = self._rest[nbytes:]
                if not self._rest:
                    string, self._string = self._string, None
                    self._take(string)
                return
            data = self._buffer[:nbytes]
            if nbytes >= _START and self._begins_string():
                unfinished = unfinished_string(data)
                if unfinished is not None:
                    self._read_string(*unfinished)
                    return
            next_reply = self._next
            self._feed(bytes(data))
            while True:
                reply = next_reply()
                if reply is INCOMPLETE or not self._take(reply):
                    return
        except ProtocolError as error:
            self.close(error)

    def _begins_string(self) -> bool:
        """Whether what comes next is the beginning of a reply that is a string, or an error."""
        calls = self._calls
        return bool(calls) and not self._replies and calls[0][3].startswith(FOR_STRINGS, 4) and not self._has_data()

    def _read_string(self, start: memoryview, length: int, end: int) -> None:
        """Have a string of `length` bytes, whose `start` was read, read to where it stays, and the `end` behind it."""
        whole = memoryview(bytearray(length + end))
        whole[:len(start)] = start
        self._string, self._rest = whole[:length], whole[len(start):]

    def _take(self, reply: Any) -> bool:
        """Hand out a reply; return whether there may be more."""
        calls = self._calls
        self._replies.append(reply)
        if not calls:
            raise ProtocolError(f"A reply came that nobody asked for: {reply!r}")
        if len(self._replies) == calls[0][0]:
            replies, self._replies = self._replies, []
            if type(replies[0]) is ReplyError:
                check_step(calls[0][3], replies)
            tell = calls.popleft()[1]
            if self.is_over and not calls:
                # First of all: a reader asks for more where it is told.
                self.close()
                tell(replies)
                return False
            tell(replies)
        return True

    def eof_received(self) -> None:
        self.close(EOFError("The server closed the connection."))

    def connection_lost(self, error: Optional[Exception]) -> None:
        self.close(error or EOFError("The server closed the connection."))

    def retire(self, timeout: float) -> None:
        """
        End the connection once what waits for replies has them, within `timeout` seconds.

        Who calls it sends nothing more.
        """
        self.is_over = True
        if not self._calls:
            self.close()
            return
        self._leave()
        self._loop.call_later(timeout, self.close, asyncio.TimeoutError("A server that was replaced doesn't answer."))

    def _leave(self) -> None:
        if not self.left.done():
            self.left.set_result(None)

    def close(self, error: Optional[Exception] = None) -> None:
        """End the connection; what waits for replies gets `error`."""
        if not self.is_open:
            return
        self.is_open = False
        self.closed.set_result(error)
        self._leave()
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        calls, self._calls = self._calls, collections.deque()
        for _, tell, _, _ in calls:
            tell(error or EOFError("The connection was closed."))
