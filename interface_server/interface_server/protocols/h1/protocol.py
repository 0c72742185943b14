"""
The driver of a connection of HTTP/1: its transport, deadlines and order.

What the client says is in `connection`, one request and its response in
`exchange`; here is when what may happen:

1. Requests are answered in their order, one at a time. Those behind are read
   only as far as they come with the ones before.
2. There is one deadline, for whatever the client has to do next: to read, if
   more is written than it takes; otherwise to send what has begun; otherwise
   to ask for something. While it waits for us there is none.
3. After the last answer the client may read in peace: what it still sends is
   thrown away for a while (RFC 9112 section 9.6), since the system would cut
   the connection, and lose the answer, if there were unread bytes.
"""
from __future__ import annotations

import asyncio
import collections
import math
from typing import Any, Optional

from ...errors import Refused
from ...types import Peer, Site
from ..connections import ConnectionLimiter
from ..h2.protocol import Http2Protocol
from ..responses import error_response
from ..ws.handshake import accept_key, offered_subprotocols
from ..ws.protocol import WebSocketProtocol
from .connection import BODY, HEADERS, IDLE, STOPPED, H1Connection
from .events import Data, End, Refuse, Request, Upgrade
from .exchange import COMPLETE, STARTED, WAITING, Http1Exchange

# The connection's life.
OPEN, LAST, LINGERING, CLOSED = "OPEN", "LAST", "LINGERING", "CLOSED"

# What happens.
NO_MORE, ANSWERED, ENDED = "NO_MORE", "ANSWERED", "ENDED"

#: State -> event -> the next state.
TRANSITIONS = {
    OPEN: {NO_MORE: LAST, ANSWERED: LINGERING, ENDED: CLOSED},
    # Nothing more is read; the answers to what was are given.
    LAST: {NO_MORE: LAST, ANSWERED: LINGERING, ENDED: CLOSED},
    # All is written; the client reads it.
    LINGERING: {NO_MORE: LINGERING, ANSWERED: LINGERING, ENDED: CLOSED},
    # The transport is closed, or another protocol has it.
    CLOSED: {NO_MORE: CLOSED, ANSWERED: CLOSED, ENDED: CLOSED},
}


class Http1Protocol(asyncio.Protocol):
    """
    One connection, from its first byte to its end, or an upgrade.

    `slot` is what `limiter` counts it as.
    """

    __slots__ = (
        "deadline", "write_paused", "_site", "_limiter", "_options", "_peer", "_slot", "_loop", "_transport",
        "_connection", "_state", "_exchanges", "_receiving", "_read_paused", "_drained", "_unsent",
    )

    def __init__(self, site: Site, limiter: ConnectionLimiter, peer: Peer, slot: str) -> None:
        self._site = site
        self._limiter = limiter
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
        self._read_paused = self.write_paused = False
        self._drained: Optional[asyncio.Future[None]] = None
        self._unsent = 0

    # The connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._connection = H1Connection(self._options, may_be_http2=not self._peer.uses_tls)
        self._limiter.connections.add(self)
        self._wait(self._options.header_timeout)
        if self._peer.uses_tls and transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            self._become_http2(b"")

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._move(ENDED)
        for exchange in self._exchanges:
            exchange.disconnect()
        self._exchanges.clear()
        self.write_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._limiter.connections.discard(self)
        if self._slot is not None:
            self._limiter.release(self._slot)
            self._slot = None

    @property
    def is_connected(self) -> bool:
        """Whether there was a connection: connection_lost() releases the slot."""
        return self._transport is not None

    def _move(self, event: str) -> None:
        self._state = TRANSITIONS[self._state][event]

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def shutdown(self) -> None:
        """Finish what was asked for, and end."""
        if self._exchanges:
            self._exchanges[-1].writer.keep_alive = False
        elif self._state is OPEN:
            self._transport.close()

    # Deadlines

    def on_deadline(self) -> None:
        """Take the client to be gone, or never to have been serious."""
        reading = self._connection.state
        if self._state is LINGERING:
            self._end_linger()
        elif self.write_paused and self._options.write_timeout:
            if not self._reads_on():
                self._transport.abort()
        elif reading is IDLE or reading is STOPPED or self._state is not OPEN:
            self._transport.close()
        elif self._read_paused:
            # It isn't the client who is slow.
            self._update_deadline()
        elif reading is BODY:
            self._refuse_late("The body of the request doesn't come.")
        else:
            self._refuse_late("The headers of the request don't come.")

    def _refuse_late(self, detail: str) -> None:
        for event in self._connection.refuse(Refused(408, detail)):
            if type(event) is Refuse:
                self._refuse(event.refusal)

    def _reads_on(self) -> bool:
        """Say if the client has read since the last look; give it time for more."""
        size = self._transport.get_write_buffer_size()
        if size >= self._unsent:
            return False
        self._unsent = size
        self.deadline = self._loop.time() + self._options.write_timeout
        return True

    def _wait(self, seconds: float) -> None:
        """Give the client so long for what is to come; 0 stands for ever."""
        if not self.write_paused:
            # Otherwise it has to read first, whatever else it does.
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
            self._wait(self._options.keep_alive_timeout)

    # Flow

    def pause_writing(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        if self._state is not LINGERING:
            self._wait(self._options.write_timeout)
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
        if self._state is OPEN:
            self._update_deadline()
        elif self._state is LAST:
            self._wait(0)

    async def drain(self) -> None:
        if self.write_paused:
            self._drained = self._loop.create_future()
            await self._drained

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def pause_reading(self) -> None:
        if not self._read_paused:
            self._read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._read_paused:
            self._read_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    # In

    def data_received(self, data: bytes) -> None:
        if self._state is not OPEN:
            # On its way out.
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
                self._upgrade(event)  # type: ignore[arg-type]
            else:
                self._become_http2(event.data)  # type: ignore[union-attr]
        if self._state is OPEN and (events or self._connection.state is not before or before is BODY):
            # The headers have one time for all of them, and blank lines none.
            self._update_deadline()

    def _begin(self, request: Request) -> None:
        exchange = Http1Exchange(self, request, {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.version,
            "server": self._peer.server,
            "client": self._peer.client,
            "scheme": "https" if self._peer.uses_tls else "http",
            "root_path": "",
            "method": request.method,
            # The application reads the path as it came.
            "path": "",
            "raw_path": request.path,
            "query_string": request.query,
            "headers": request.headers,
        })
        if not request.ended:
            self._receiving = exchange
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._start(exchange)
        else:
            self.pause_reading()

    def _start(self, exchange: Http1Exchange) -> None:
        tasks = self._limiter.tasks
        task = self._loop.create_task(exchange.run(self._site))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _end_body(self) -> None:
        if self._receiving is not None:
            self._receiving.end_body()
            self._receiving = None

    def _become_http2(self, data: bytes) -> None:
        slot = self._hand_over()
        protocol = Http2Protocol(self._site, self._limiter, self._peer, slot)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if data:
            protocol.data_received(data)

    def _upgrade(self, upgrade: Upgrade) -> None:
        request = upgrade.request
        if self._exchanges:
            self._refuse(Refused(400, "A WebSocket handshake can't be pipelined."))
            return
        try:
            accept = accept_key(request.method, request.headers)
        except Refused as refusal:
            self._refuse(refusal)
            return
        slot = self._hand_over()
        WebSocketProtocol(self._site, self._limiter, self._transport, accept, slot).start({
            "type": "websocket",
            "http_version": "1.1",
            "scheme": "wss" if self._peer.uses_tls else "ws",
            "path": "",
            "raw_path": request.path,
            "query_string": request.query,
            "headers": request.headers,
            "client": self._peer.client,
            "server": self._peer.server,
            "subprotocols": offered_subprotocols(request.headers),
        }, upgrade.rest)

    def _hand_over(self) -> str:
        """Return the slot for the protocol that has the connection from now on."""
        self._move(ENDED)
        self._limiter.connections.discard(self)
        slot, self._slot = self._slot, None
        return slot or ""

    # The end

    def on_complete(self, exchange: Http1Exchange) -> None:
        self._exchanges.popleft()
        self._connection.answered()
        if self._transport.is_closing():
            return
        if not exchange.writer.keep_alive:
            self._linger()
            return
        if self._exchanges:
            self._start(self._exchanges[0])
        self.resume_reading()
        if self._connection.state is not HEADERS:
            self._update_deadline()

    def on_failure(self, exchange: Http1Exchange) -> None:
        if exchange.state is WAITING and not self._transport.is_closing():
            exchange.disconnect()
            self._transport.write(error_response(Refused(500, "The request couldn't be answered.")))
            self._linger()
        else:
            # The client has seen a part: only breaking off tells the truth.
            self._transport.close()

    def _refuse(self, refusal: Refused) -> None:
        """Answer the request that is coming in with an error, and end."""
        incomplete, self._receiving = self._receiving, None
        was = None
        if incomplete is not None:
            was = incomplete.state
            incomplete.disconnect()
            if was is not COMPLETE:
                self._exchanges.pop()
        if self._exchanges:
            # An answer in the middle of others would be taken for one of
            # them. They are finished; then the connection ends.
            self._move(NO_MORE)
            self._exchanges[-1].writer.keep_alive = False
            self.pause_reading()
            self._wait(0)
        elif was is STARTED:
            self._transport.abort()
        else:
            if was is not COMPLETE:
                self._transport.write(error_response(refusal))
            self._linger()

    def _linger(self) -> None:
        """Let the client read the last answer before the connection is closed."""
        self._move(ANSWERED)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        elif self._receiving is None:
            # TLS has no half of a connection; the client has said its part.
            self._transport.close()
            return
        self.resume_reading()
        self._unsent = self._transport.get_write_buffer_size()
        seconds = self._options.write_timeout if self._unsent else self._options.close_timeout
        self.deadline = self._loop.time() + seconds if seconds else math.inf

    def _end_linger(self) -> None:
        if self._unsent and self._options.write_timeout and not self._reads_on():
            self._transport.abort()
        elif self._transport.get_write_buffer_size():
            self._unsent = self._transport.get_write_buffer_size()
            self.deadline = self._loop.time() + (self._options.write_timeout or self._options.close_timeout or 5)
        elif self._unsent:
            self._unsent = 0
            self.deadline = self._loop.time() + (self._options.close_timeout or math.inf)
        elif self._transport.can_write_eof():
            self._transport.abort()
        else:
            self._transport.close()
