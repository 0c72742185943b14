"""
The clients of one process, and the reader of the replies to all of them.
"""
from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional, Protocol

from ..backport import bridge, exceptions, names
from ..errors import Refused
from ..layers import AsyncLayer
from ..operation.metrics import Metrics
from ..protocols.ws.close_codes import SERVICE_RESTART
from ..types import Delivery, EncodedFrame, Message
from .departures import Departures

if TYPE_CHECKING:
    from .server_spans import ServerTracer

logger = logging.getLogger(__name__)

#: Seconds until a reader that failed, which none should, is restarted.
RESTART_AFTER = 1.0
#: Seconds for the answers to requests that may have been lost with a layer's
#: data. Those that a worker had already taken still come.
LOST_AFTER = 5.0
HTTP_PREFIX, SOCKET_PREFIX = "http.response.", "websocket.send."


class Exchange(Protocol):
    """A request that waits for its response."""

    def deliver(self, message: Message) -> None:
        """Take a message from the reply channel."""

    def lose(self, failure: Refused, has_started: bool) -> None:
        """Fail, if the layer had the request, and its response has or hasn't started, as said."""


class Socket(Protocol):
    """A WebSocket that may be sent to."""

    def deliver(self, reply: bridge.SocketReply, frame: EncodedFrame) -> None:
        """Take a checked message from the reply channel."""

    #: When it began, by time.monotonic().
    started: float

    def close(self, code: int) -> None:
        """End the socket on the server's account."""


class ReplyDispatcher:
    """
    Hands what arrives on this process' reply channels to its clients.

    `layer` is read by one task, on two channels: one for all the requests of
    the process and one for all its sockets. Sockets end after `lifetime`
    seconds, if that isn't 0; `handshake_timeout` is that of sockets, in
    seconds. `tracer` makes spans of what sockets get.
    """

    def __init__(
        self, layer: AsyncLayer, metrics: Metrics, lifetime: float = 0, handshake_timeout: float = 0,
        tracer: Optional[ServerTracer] = None,
    ) -> None:
        self.layer = layer
        self._tracer = tracer
        self._metrics = metrics
        self._lifetime = lifetime
        self._timer: Optional[asyncio.TimerHandle] = None
        while True:
            # Nobody may guess or share it, so it comes from the system's source
            # of randomness; a client then needs no more than a number.
            process = uuid.uuid4().hex
            self.http_channel = f"{HTTP_PREFIX}{process}!"
            self.socket_channel = f"{SOCKET_PREFIX}{process}!"
            if layer.keeps_place(self.http_channel) and layer.keeps_place(self.socket_channel):
                break
        self._exchanges: dict[str, Exchange] = {}
        self._sockets: dict[str, Socket] = {}
        #: Those of sockets that are gone and wait for an answer.
        self.departures = Departures(handshake_timeout)
        self._numbers = itertools.count(1)
        self._reader: Optional[asyncio.Task[None]] = None
        self._restart: Optional[asyncio.TimerHandle] = None

    def start(self) -> None:
        """Begin to read; call it on the event loop that serves."""
        self._read()
        self.layer.watch_loss(self._on_loss)

    def _read(self) -> None:
        self._reader = asyncio.get_running_loop().create_task(
            self.layer.read([self.http_channel, self.socket_channel], self.dispatch)
        )
        self._reader.add_done_callback(self._reader_ended)

    async def stop(self) -> None:
        """End the reading, and wait for no answer any more."""
        self.departures.flush()
        for timer in (self._timer, self._restart):
            if timer is not None:
                timer.cancel()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])

    def _reader_ended(self, reader: asyncio.Task[None]) -> None:
        if not reader.cancelled() and reader.exception() is not None:
            logger.critical("The reader of replies failed; it is restarted.", exc_info=reader.exception())
            self._restart = asyncio.get_running_loop().call_later(RESTART_AFTER, self._read)

    def _on_loss(self, channels: Sequence[str]) -> None:
        # No group has them as members any more, and nobody would tell them.
        # Clients connect again, and are added again.
        if self.socket_channel in channels:
            self.close_sockets("the channel layer has lost its data")
        again, waiting = bridge.retry_after(bridge.AWAY_SECONDS), list(self._exchanges)
        lost = Refused(503, "The channel layer has lost its data.", [again])
        if self.http_channel in channels:
            # What comes of them may lack a part.
            self._lose(waiting, lost, True)
        # Requests wait on all shards.
        asyncio.get_running_loop().call_later(LOST_AFTER, self._lose, waiting, lost, False)

    def _lose(self, channels: Sequence[str], failure: Refused, has_started: bool) -> None:
        for channel in channels:
            if channel in self._exchanges:
                self._exchanges[channel].lose(failure, has_started)

    def close_sockets(self, reason: str) -> None:
        """Close all sockets, so that their clients connect again."""
        if self._sockets:
            logger.warning("%d sockets are closed: %s.", len(self._sockets), reason)
        for socket in list(self._sockets.values()):
            socket.close(SERVICE_RESTART)

    @property
    def exchange_count(self) -> int:
        """How many requests are being answered."""
        return len(self._exchanges)

    @property
    def socket_count(self) -> int:
        """How many sockets there are."""
        return len(self._sockets)

    def add_exchange(self, exchange: Exchange) -> str:
        """Return the reply channel of a new request."""
        channel = f"{self.http_channel}{next(self._numbers):x}"
        self._exchanges[channel] = exchange
        return channel

    def replace(self, channel: str, exchange: Exchange) -> None:
        """Have `exchange` take what comes on the reply channel of one before it."""
        self._exchanges[channel] = exchange

    def add_socket(self, socket: Socket) -> str:
        """Return the reply channel of a new socket."""
        channel = f"{self.socket_channel}{next(self._numbers):x}"
        self._sockets[channel] = socket
        if self._lifetime and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._lifetime, self._end_the_oldest)
        return channel

    def _end_the_oldest(self) -> None:
        # A dict keeps the order in which they came.
        self._timer = None
        now = time.monotonic()
        for socket in list(self._sockets.values()):
            left = socket.started + self._lifetime - now
            if left > 0:
                self._timer = asyncio.get_running_loop().call_later(left, self._end_the_oldest)
                return
            # It goes from the dict once its client has gone.
            socket.close(SERVICE_RESTART)

    def remove(self, channel: str) -> None:
        """Forget the client behind `channel`; what comes for it is late."""
        if self._exchanges.pop(channel, None) is None:
            self._sockets.pop(channel, None)

    def abandon_response(self, channel: str) -> None:
        """Let the worker know that nobody waits for the rest of a response."""
        name = names.disconnect_channel(channel)
        if name is not None:
            self.layer.send_soon(name, bridge.body_closed())

    def dispatch(self, deliveries: Sequence[Delivery]) -> None:
        """Hand every message to those it came for."""
        for channels, message in deliveries:
            if channels[0].startswith(HTTP_PREFIX):
                self._metrics.messages_out["http"] += len(channels)
                exchanges = self._exchanges
                for channel in channels:
                    exchange = exchanges.get(channel)
                    if exchange is not None:
                        try:
                            exchange.deliver(message)
                        except Exception:
                            self._metrics.dropped["internal_error"] += 1
                            logger.exception("Delivering to %s failed.", channel)
                    else:
                        self._metrics.dropped["late_reply"] += 1
                        if isinstance(message, dict) and message.get("more_content"):
                            self.abandon_response(channel)
            else:
                self._dispatch_to_sockets(channels, message)

    def _dispatch_to_sockets(self, channels: Sequence[str], message: Message) -> None:
        try:
            reply = bridge.parse_socket_reply(message)
        except exceptions.MalformedMessage as error:
            self._metrics.dropped["malformed_reply"] += len(channels)
            logger.error("A message for %s was ignored: %s", channels[0], error)
            return
        self._metrics.messages_out["websocket"] += len(channels)
        # One for all of a group that are here.
        span = None
        if self._tracer is not None and "traceparent" in message:
            span = self._tracer.begin_delivery(channels[0], message, len(channels))
        frame, failed = EncodedFrame(), 0
        sockets = self._sockets
        for channel in channels:
            socket = sockets.get(channel)
            if socket is None:
                if reply.accept is not None or reply.close:
                    # What a group sends says nothing about the consumer.
                    self.departures.answered(channel)
            else:
                try:
                    socket.deliver(reply, frame)
                except Exception:
                    # The others in the group, and those after, get theirs. What
                    # fails for one may fail for ten thousand.
                    failed += 1
                    self._metrics.dropped["internal_error"] += 1
                    if failed == 1:
                        logger.exception("Delivering to %s failed.", channel)
        if span is not None:
            span.end()
