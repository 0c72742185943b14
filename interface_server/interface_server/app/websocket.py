"""
One WebSocket: its frames into messages, and messages into frames.

A session has no task: it is called when something happens, and carries on
from there. What it says goes to its wire, which is the protocol of our own
server or, under any other, `asgi_socket`.
"""
from __future__ import annotations

import asyncio
import collections
import logging
import time
from typing import TYPE_CHECKING, Any, Optional, Protocol

from ..backport import bridge, exceptions
from ..protocols.ws.close_codes import NO_CLOSE_FRAME, TOO_BIG
from ..types import Message, Scope
from .inbound import Forwarding
from .replies import Frames

if TYPE_CHECKING:
    from .application import Application

logger = logging.getLogger(__name__)

#: Frames that wait for their turn before the wire is asked for no more.
INBOUND_FRAMES = 8


class Wire(Protocol):
    """What carries a session's frames."""

    def accept(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        """Open the socket."""

    def deny(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        """Answer the handshake with an HTTP response."""

    def send(self, event: bridge.Send, frames: Frames) -> None:
        """Send a frame; `frames` may hold it encoded, or take it."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket; nothing is sent after it."""

    def pause(self) -> None:
        """Bring no frames until resume()."""

    def resume(self) -> None:
        """Bring frames again."""


class WebSocketSession:
    """A WebSocket, from its handshake to the end."""

    __slots__ = (
        "started", "_app", "_wire", "_machine", "_client", "_inbound", "_forwarding", "_paused", "_timer",
        "_announced", "_accepted", "_code", "_ended",
    )

    def __init__(self, app: Application, scope: Scope, wire: Wire) -> None:
        #: When it was, by time.monotonic().
        self.started = time.monotonic()
        self._app = app
        self._wire = wire
        self._client = scope.get("client")
        self._machine = bridge.WebSocket(
            app.mailroom.add_socket(self),
            bridge.decode_path(scope.get("raw_path") or scope["path"].encode("utf-8")),
            scope.get("subprotocols", ()),
            app.options.ws_protocols,
        )
        self._inbound: Optional[collections.deque[Message]] = None
        #: The frame that is on its way to the layer.
        self._forwarding: Optional[Forwarding] = None
        self._paused = False
        self._timer: Optional[asyncio.TimerHandle] = None
        self._announced = False
        self._accepted = False
        #: The code that the socket was closed with from here.
        self._code: Optional[int] = None
        self._ended = False
        refusal = app.refusal(scope)
        if refusal is not None:
            # Said once our caller has us.
            asyncio.get_running_loop().call_soon(self.give_up, bridge.BUSY_CODE, refusal[0])
        else:
            self._announce(scope)

    # In

    def _announce(self, scope: Scope) -> None:
        message = self._machine.connect_message(
            scope.get("query_string", b""),
            bridge.clean_headers(scope["headers"]),
            scheme=scope.get("scheme", "ws"),
            root_path=self._app.options.root_path or scope.get("root_path", ""),
            client=self._client,
            server=scope.get("server"),
        )
        timeout = self._app.options.websocket_handshake_timeout
        if timeout:
            self._timer = asyncio.get_running_loop().call_later(timeout, self._on_handshake_timeout)
        self._app.layer.send_then("websocket.connect", message, self._on_announced)

    def _on_announced(self, error: Optional[Exception]) -> None:
        if error is not None:
            self._count_drop("websocket_connect", error)
            logger.warning("The WebSocket handshake for %s was refused: %s", self._machine.path, error)
            self.give_up(bridge.BUSY_CODE)
            return
        self._announced = True
        self._app.metrics.messages_in["websocket.connect"] += 1
        if self._ended:
            # The client was gone before the layer had answered.
            self._say_goodbye()
        else:
            self._log("connecting")

    def _on_handshake_timeout(self) -> None:
        self._timer = None
        if self._machine.state is bridge.HANDSHAKE:
            self._app.metrics.dropped["handshake_timeout"] += 1
            logger.warning("No worker accepted or denied the WebSocket for %s in time.", self._machine.path)
            self.give_up(bridge.BUSY_CODE, status=403)

    def received(self, text: Optional[str], data: Optional[bytes]) -> None:
        """Take a frame from the client."""
        for message in self._machine.receive_messages(text, data):
            if self._forwarding is not None:
                if self._inbound is None:
                    self._inbound = collections.deque()
                self._inbound.append(message)
                if len(self._inbound) >= INBOUND_FRAMES and not self._paused:
                    self._paused = True
                    self._wire.pause()
            else:
                self._forward(message)

    def _forward(self, message: Message) -> None:
        # One at a time, so that none can be refused with a later one taken.
        self._forwarding = Forwarding(self, self._app, message)
        self._forwarding.attempt()

    def forwarded(self) -> None:
        """Go on with the next frame, the last being on its way."""
        self._forwarding = None
        self._app.metrics.messages_in["websocket.receive"] += 1
        if self._inbound and self.is_open:
            self._forward(self._inbound.popleft())
        elif self._inbound:
            # The worker has closed the socket, and hears no more of it.
            self.give_up_on(self._inbound[0])
        elif self._ended:
            self._say_goodbye()
        elif self._paused:
            self._paused = False
            self._wire.resume()

    def refused(self, message: Message, error: Exception) -> None:
        """End the socket: the layer doesn't take a frame of it."""
        if self.is_open:
            self._count_drop("websocket_receive", error)
            logger.warning("The WebSocket for %s is closed: %s", self._machine.path, error)
        if not self._ended:
            self.give_up(TOO_BIG if isinstance(error, exceptions.MessageTooLarge) else bridge.BUSY_CODE)
        self.give_up_on(message)

    @property
    def is_open(self) -> bool:
        """Whether the worker wants more frames."""
        return self._machine.state is bridge.OPEN

    def give_up_on(self, message: Message) -> None:
        """Forget a frame that wasn't sent, and those behind it."""
        # Workers may wait for each number, so none is left out: that of the
        # first frame they don't get is the disconnect's.
        self._machine.order = message["order"] - 1
        self._inbound = None
        self._forwarding = None
        if self._ended:
            self._say_goodbye()

    def _count_drop(self, what: str, error: Exception) -> None:
        if isinstance(error, exceptions.LayerUnavailable):
            what = "layer_unavailable"
        else:
            what += "_too_large" if isinstance(error, exceptions.MessageTooLarge) else "_full"
        self._app.metrics.dropped[what] += 1

    def ended(self, code: int) -> None:
        """Record that the socket is gone; `code` is the client's."""
        if self._ended:
            return
        self._ended = True
        self._app.mailroom.remove(self._machine.reply_channel)
        if self._timer is not None:
            self._timer.cancel()
        if self._code is None:
            self._code = code
        if self._forwarding is not None:
            self._forwarding.client_left()
        elif self._announced:
            # What the client sent before it went comes before its going.
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        code = NO_CLOSE_FRAME if self._code is None else self._code
        message = self._machine.disconnect_message(code)
        if message is not None:
            # Many sockets may end at once, and each leaves something to undo.
            self._app.layer.send_soon("websocket.disconnect", message, self._app.options.send_timeout)
        if self._accepted:
            self._app.metrics.sockets_closed[code] += 1
            self._log("disconnected")

    # Out

    def deliver(self, reply: bridge.SocketReply, frames: Frames) -> None:
        """Take a checked message from the reply channel; see Mailroom."""
        for event in self._machine.apply(reply):
            if type(event) is bridge.Send:
                self._wire.send(event, frames)
            else:
                self._carry_out(event)

    def give_up(self, code: int, status: int = bridge.BUSY_STATUS, reason: str = "") -> None:
        """
        End the socket on the server's account.

        An open one is closed with `code`, a handshake gets `status`.
        """
        event = self._machine.give_up(code, status, reason)
        if event is not None:
            self._carry_out(event)

    def overrun(self, size: int) -> None:
        """End the socket: `size` bytes wait for its client to read them."""
        if self._machine.state is bridge.OPEN:
            logger.warning(
                "The WebSocket for %s is closed: its client doesn't read, and %d bytes wait for it.",
                self._machine.path, size,
            )
            self._app.metrics.dropped["slow_client"] += 1
            self.give_up(bridge.BUSY_CODE)

    def _carry_out(self, event: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isinstance(event, bridge.Accept):
            self._accepted = True
            self._app.metrics.sockets_opened += 1
            self._wire.accept(event.subprotocol, event.headers)
            self._log("connected")
        elif isinstance(event, bridge.Deny):
            self._code = NO_CLOSE_FRAME
            self._log("rejected")
            self._wire.deny(
                event.status, event.headers or [(b"content-type", b"text/plain; charset=utf-8")], event.content
            )
        else:
            self._code = event.code
            self._wire.close(event.code, event.reason)

    def _log(self, action: str) -> None:
        if self._app.action_logger is not None:
            self._app.action_logger("websocket", action, {
                "path": self._machine.path,
                "client": "%s:%s" % tuple(self._client) if self._client else None,
            })
