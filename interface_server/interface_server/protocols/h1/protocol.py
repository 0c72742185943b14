"""
The driver of a connection of HTTP/1: its transport, deadlines and order.

What the client says is in `connection`, one request and its response in
`exchange`; here is when what may happen:

1. Requests are answered in their order, one at a time. Those behind are read
   only as far as they come with the ones before.
2. There is one deadline, for whatever the client has to do next: to read, if
   more is written than it takes; otherwise to send what has begun; otherwise
   to ask for something. While it waits for us there is none.
3. After the last answer the client may read in peace; see `linger`.
"""
from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import Any, Optional, Union

from ...errors import Refused
from ...types import Peer, Site
from ..connections import ConnectionLimiter
from ..progress import WriteProgress
from ..responses import error_response
from .connection import H1Connection
from .events import Data, End, Refuse, Request, Upgrade
from .exchange import COMPLETE, STARTED, WAITING, Http1Exchange
from .flow import Flow
from .half_close import HalfClose, may_be_there
from .landing import Lands
from .lifecycle import ANSWERED, CLIENT_DONE, ENDED, HALF_CLOSED, LAST, LINGERING, NO_MORE, OPEN, TRANSITIONS
from .linger import Linger
from .reading_states import BODY, HEADERS, IDLE, STOPPED
from .scopes import http_scope
from .upgrades import become_http2, become_websocket


class Http1Protocol(Lands, asyncio.Protocol):
    """
    One connection, from its first byte to its end, or an upgrade.

    `slot` is what `limiter` counts it as.
    """

    __slots__ = (
        "deadline", "flow", "run", "_site", "_limiter", "_options", "_peer", "_slot", "_loop", "_transport",
        "_connection", "_state", "_exchanges", "_receiving", "_progress", "_linger", "_half_close",
    )

    def __init__(self, site: Site, limiter: ConnectionLimiter, peer: Peer, slot: str) -> None:
        self._site = site
        self._limiter = limiter
        self.run = limiter.run
        self._options = limiter.options
        self._peer = peer
        self._slot: Optional[str] = slot
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self.deadline = 0.0
        self._state = OPEN
        #: The requests that have no answer yet, the oldest first.
        self._exchanges: collections.deque[Http1Exchange] = collections.deque()
        #: The one whose body is being read.
        self._receiving: Optional[Http1Exchange] = None
        self._half_close: Optional[HalfClose] = None

    # The connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.flow = Flow(transport)
        self._progress = WriteProgress(transport, self._options)
        self._linger = Linger(transport, self._options, self._progress)
        self._connection = H1Connection(self._options, may_be_http2=not self._peer.uses_tls)
        self._limiter.connections.add(self)
        self._wait(self._options.header_timeout)
        if self._peer.uses_tls and transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            self._hand_over(become_http2, b"")

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._move(ENDED)
        for exchange in self._exchanges:
            exchange.disconnect()
        self._exchanges.clear()
        # They refer to us.
        self._receiving = self._half_close = None
        self._connection.close()
        self.flow.resume_writing()
        self._limiter.connections.discard(self)
        if self._slot is not None:
            self._limiter.release(self._slot)
            self._slot = None

    def _move(self, event: str) -> None:
        self._state = TRANSITIONS[self._state][event]

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def announce_end(self) -> None:
        """Have the next answer be the last, unless it has begun: then the one after it."""
        if self._exchanges and self._exchanges[-1].state is WAITING:
            self._exchanges[-1].writer.keep_alive = False

    def shutdown(self) -> None:
        """Finish what was asked for, and end."""
        self.announce_end()
        if not self._exchanges and self._state is OPEN:
            if self._connection.state is IDLE and not self._transport.has_unread():
                self._close()
            else:
                self._wait(self._limiter.idle_time)

    # Deadlines

    def on_deadline(self) -> None:
        """Take the client to be gone, or never to have been serious."""
        reading = self._connection.state
        if self._transport.is_closing():
            self.deadline = self._progress.end_if_due()
        elif self._state is LINGERING:
            self.deadline = self._linger.go_on()
        elif self.flow.write_paused and self._options.write_timeout:
            if self._progress.suffices():
                self.deadline = self._progress.look()
            else:
                self._transport.abort()
        elif reading is IDLE or reading is STOPPED or self._state is not OPEN:
            if not self._limiter.may_ask(self._transport, self.deadline):
                self._close()
        elif self.flow.read_paused:
            # It isn't the client who is slow.
            self._update_deadline()
        elif reading is BODY:
            self._refuse_late("The body of the request doesn't come.")
        else:
            self._refuse_late("The headers of the request don't come.")

    def _close(self) -> None:
        """Close once the client has read everything, which it has its time for."""
        self.deadline = self._progress.close()

    def _refuse_late(self, detail: str) -> None:
        for event in self._connection.refuse(Refused(408, detail)):
            if type(event) is Refuse:
                self._refuse(event.refusal)

    def _wait(self, seconds: float) -> None:
        """Give the client so long for what is to come, unless it has to read first; 0 stands for ever."""
        if not self.flow.write_paused and not self._transport.is_closing():
            self.deadline = self._loop.time() + seconds if seconds else 0.0

    def _update_deadline(self) -> None:
        """Give the client its time for what it has to do next."""
        reading = self._connection.state
        if reading is BODY:
            self._wait(self._options.body_timeout)
        elif reading is HEADERS:
            self._wait(self._options.header_timeout)
        elif self._exchanges:
            self._wait(0)
        else:
            self._wait(self._limiter.idle_time)

    # Flow

    def pause_writing(self) -> None:
        if not self._transport.is_closing():
            deadline = self._progress.look()
            self.deadline = self.deadline if self._state is LINGERING else deadline
        self.flow.write_paused = True

    def resume_writing(self) -> None:
        self.flow.resume_writing()
        if self._state is OPEN:
            self._update_deadline()
        elif self._state is LAST or self._state is HALF_CLOSED:
            self._wait(0)

    def write(self, *pieces: Union[bytes, memoryview]) -> None:
        if self._half_close is not None:
            self._half_close.wrote()
        self._transport.writelines(pieces)

    # In

    def data_received(self, data: bytes) -> None:
        if self._state is not OPEN:
            self._linger.heard()  # On its way out.
            return
        before = self._connection.state
        events = self._connection.receive(data)
        for event in events:
            # The most frequent ones first.
            kind = type(event)
            if kind is Request:
                self._begin(event)  # type: ignore[arg-type]
            elif kind is Data:
                self._receiving.feed(event.content)  # type: ignore[union-attr]
            elif kind is End:
                self._end_body()
            elif kind is Refuse:
                self._refuse(event.refusal)  # type: ignore[union-attr]
            elif kind is Upgrade:
                self._hand_over(become_websocket, event)
            else:
                self._hand_over(become_http2, event.data)  # type: ignore[union-attr]
        if self._connection.state is BODY:
            self._go_on()
        if self._state is OPEN and (events or self._connection.state is not before or before is BODY):
            # The headers have one time for all of them, and blank lines none.
            self._update_deadline()

    def _begin(self, request: Request) -> None:
        request.keep_alive = request.keep_alive and not self._limiter.is_ending
        exchange = Http1Exchange(self, self.flow, request, http_scope(request, self._peer, self.flow.drain))
        self._receiving = None if request.ended else exchange
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            exchange.begin(self._site)
        else:
            self.flow.pause_reading()

    def _hand_over(self, become: Callable[..., None], what: Any) -> None:
        """Let another protocol have the connection from now on."""
        self._move(ENDED)
        self._limiter.connections.discard(self)
        self._connection.close()
        slot, self._slot = self._slot or "", None
        become(self._site, self._limiter, self._transport, self._peer, slot, what)

    # The end

    def eof_received(self) -> bool:
        """Answer what was asked for, if the client may be there; say if the connection stays open."""
        if not self._exchanges or self._receiving is not None or not may_be_there(self._limiter, self._peer):
            return False
        self._move(CLIENT_DONE)
        self._exchanges[-1].writer.keep_alive = False
        self._wait(0)
        self._half_close = self._half_close or HalfClose(self._transport, self._options.close_timeout, self._close)
        return True

    def on_complete(self, exchange: Http1Exchange) -> None:
        self._exchanges.popleft()
        self._connection.answered()
        if self._transport.is_closing():
            return
        if not exchange.writer.keep_alive:
            # After a request that was refused, anything may come.
            self._end(is_read=self._receiving is None and self._state is not LAST)
            return
        if self._exchanges:
            self._exchanges[0].begin(self._site)
        self.flow.resume_reading()
        if self._connection.state is not HEADERS:
            self._update_deadline()

    def on_failure(self, exchange: Http1Exchange) -> None:
        if exchange.state is WAITING and not self._transport.is_closing():
            exchange.disconnect()
            self._exchanges.clear()
            self._transport.write(error_response(Refused(500, "The request couldn't be answered.")))
            self._end(is_read=self._receiving is None)
        else:
            # The client has seen a part: only breaking off tells the truth.
            self._close()

    def _refuse(self, refusal: Refused) -> None:
        """Answer the request that is coming in with an error, and end."""
        incomplete, self._receiving = self._receiving, None
        was = incomplete.state if incomplete is not None else None
        if incomplete is not None:
            incomplete.disconnect()
            if was is not COMPLETE:
                self._exchanges.pop()
        if self._exchanges:
            # An answer in the middle of others would be taken for one of
            # them. They are finished; then the connection ends.
            self._move(NO_MORE)
            self._exchanges[-1].writer.keep_alive = False
            self.flow.pause_reading()
            self._wait(0)
        elif was is STARTED:
            self._transport.abort()
        else:
            if was is not COMPLETE:
                self._transport.write(error_response(refusal))
            self._end(is_read=False)

    def _end(self, is_read: bool) -> None:
        """Let the client read the last answer before the connection is closed; say if it has said all it will."""
        if self._state is HALF_CLOSED:
            self._close()
            return
        self._move(ANSWERED)
        self.deadline = self._linger.begin(is_read)
        self.flow.resume_reading()
