"""
One WebSocket: its frames into messages, and messages into frames.

A session has no task: it is called when something happens, and carries on
from there. What it says goes to its adapter, which is the protocol of our own
server or, under any other, `asgi_socket`.
"""
from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Optional

from ..backport import bridge, exceptions
from ..options import NEVER
from ..protocols.ws.close_codes import NO_CLOSE_FRAME, TOO_BIG
from ..types import EncodedFrame, Message, Scope, SocketAdapter
from .action_log import log_socket
from .context import Context
from .inbound import Inbound
from .socket_states import (
    ACCEPTED, ANSWERED, DENIAL, ENDED, GONE, LEFT_EARLY, LEFT_UNANSWERED, NOT_TAKEN, OFFERED, OPEN, OVER, REFUSED,
    TAKEN, TRANSITIONS,
)

logger = logging.getLogger(__name__)


class WebSocketSession:
    """A WebSocket, from its handshake to the end."""

    __slots__ = (
        "started", "_context", "_adapter", "_machine", "_client", "_inbound", "_timer", "_state",
        "_code", "_account", "_handshake",
    )

    def __init__(self, context: Context, scope: Scope, adapter: SocketAdapter) -> None:
        #: When it was, by time.monotonic().
        self.started = time.monotonic()
        self._context = context
        self._adapter = adapter
        self._client = scope.get("client")
        self._account = context.shares.account(self._client)
        self._machine = bridge.WebSocket(
            context.replies.add_socket(self),
            bridge.decode_path(scope.get("raw_path") or scope["path"].encode("utf-8")),
            scope.get("subprotocols", ()),
            context.options.ws_protocols,
        )
        #: Those who never say anything cost nothing.
        self._inbound: Optional[Inbound] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._state = OFFERED
        #: The code that the socket was closed with from here.
        self._code: Optional[int] = None
        #: Its span, where there are any.
        self._handshake = None if context.tracer is None else context.tracer.begin_handshake(scope)
        refusal = context.refusal(scope)
        if refusal is not None:
            self._move(NOT_TAKEN)
            # Said once our caller has us.
            asyncio.get_running_loop().call_soon(self.close, bridge.BUSY_CODE, refusal[0])
        else:
            self._announce(scope)

    def _move(self, event: str) -> None:
        self._state = TRANSITIONS[self._state][event]

    # In

    def _announce(self, scope: Scope) -> None:
        message = self._machine.connect_message(
            scope.get("query_string", b""),
            bridge.clean_headers(scope["headers"]),
            scheme=scope.get("scheme", "ws"),
            root_path=self._context.options.root_path or scope.get("root_path", ""),
            client=self._client,
            server=scope.get("server"),
        )
        timeout = self._context.options.websocket_handshake_timeout
        if timeout:
            self._timer = asyncio.get_running_loop().call_later(timeout, self._on_handshake_timeout)
        try:
            self._context.layer.check_hearing(self._context.replies.socket_channel)
        except exceptions.LayerUnavailable as error:
            self._on_announced(error)
        else:
            options = self._context.options
            self._context.shares.send_then(
                self._account, "websocket.connect", message, self._on_announced,
                timeout or options.queue_timeout or NEVER, options.queue_size, is_wanted=self._is_here,
            )

    def _is_here(self) -> bool:
        return self._state not in OVER

    def _on_announced(self, error: Optional[Exception]) -> None:
        was_left = self._state is LEFT_EARLY
        self._move(NOT_TAKEN if error is not None else TAKEN)
        if error is not None:
            self._context.replies.departures.discard(self._machine.reply_channel)
            if was_left and isinstance(error, exceptions.ChannelFull):
                # The client went away while it waited.
                return
            self._count_drop("websocket_connect", error)
        else:
            self._context.metrics.messages_in["websocket.connect"] += 1
        if self._state is REFUSED:
            self._warn("refused", error, "The WebSocket handshake for %s was refused: %s")
            is_full = isinstance(error, exceptions.ChannelFull)
            self.close(bridge.BUSY_CODE, seconds=(
                self._context.queues.retry_after("websocket.connect") if is_full else bridge.AWAY_SECONDS))
        elif error is None and self._state not in OVER:
            self._log("connecting")

    def _on_handshake_timeout(self) -> None:
        self._timer = None
        if self._machine.state is bridge.HANDSHAKE:
            self._context.metrics.dropped["handshake_timeout"] += 1
            self._context.repeats.warn(
                logger, "handshake", "No worker accepted or denied the WebSocket for %s in time.", self._machine.path,
            )
            self.close(bridge.BUSY_CODE, status=403)

    def received(self, text: Optional[str], data: Optional[bytes]) -> None:
        """Take a message from the client."""
        inbound = self._inbound
        if inbound is None:
            inbound = self._inbound = Inbound(self, self._context, self._account)
        for message in self._machine.receive_messages(text, data):
            if self._handshake is not None:
                self._handshake.stamp(message)
            inbound.put(message)

    @property
    def is_open(self) -> bool:
        """Whether the worker wants more messages."""
        return self._machine.state is bridge.OPEN

    def pause(self) -> None:
        """Take nothing more from the client; see Inbound."""
        self._adapter.pause()

    def resume(self) -> None:
        """Take more from the client; see Inbound."""
        self._adapter.resume()

    def on_send_failed(self, error: Exception) -> None:
        """End the socket: the layer doesn't take a message of it."""
        if self.is_open:
            self._count_drop("websocket_receive", error)
            self._warn("closed", error, "The WebSocket for %s is closed: %s")
        if self._state not in OVER:
            self.close(TOO_BIG if isinstance(error, exceptions.MessageTooLarge) else bridge.BUSY_CODE)

    def on_dropped(self, message: Message) -> None:
        """Forget a message that wasn't sent, and those after it."""
        # Workers may wait for each number, so none is left out: that of the
        # first message they don't get is the disconnect's.
        self._machine.order = message["order"] - 1

    def on_idle(self) -> None:
        """Tell the workers that the client is gone, if it is."""
        if self._state is ENDED:
            self._send_disconnect()

    def _warn(self, what: str, error: Optional[Exception], message: str) -> None:
        # A line a kind and outage, however many sockets there are.
        self._context.repeats.warn(logger, (what, type(error)), message, self._machine.path, error)

    def _count_drop(self, what: str, error: Exception) -> None:
        if isinstance(error, exceptions.LayerUnavailable):
            what = "layer_unavailable"
        else:
            what += "_too_large" if isinstance(error, exceptions.MessageTooLarge) else "_full"
        self._context.metrics.dropped[what] += 1

    def ended(self, code: int) -> None:
        """Record that the socket is gone; `code` is the client's."""
        if self._state in OVER:
            return
        was_open = self._state is OPEN
        if self._handshake is not None:
            self._handshake.end(None)
        self._move(GONE)
        self._context.replies.remove(self._machine.reply_channel)
        if self._timer is not None:
            self._timer.cancel()
        if self._code is None:
            self._code = code
        if was_open:
            self._context.metrics.sockets_closed[self._code] += 1
            self._log("disconnected")
        if self._state in (LEFT_EARLY, LEFT_UNANSWERED):
            # A worker may be at the connect message.
            self._context.replies.departures.add(self._machine.reply_channel, self)
        elif self._inbound is not None and self._inbound.is_busy:
            self._inbound.client_left()
        elif self._state is ENDED:
            # What the client sent before it went comes before its going.
            self._send_disconnect()

    def answered(self) -> None:
        """Tell the workers of the end of a socket whose client left early; see Departures."""
        self._move(ANSWERED)
        self._send_disconnect()

    def _send_disconnect(self) -> None:
        # It refers to us.
        self._inbound = None
        code = NO_CLOSE_FRAME if self._code is None else self._code
        message = self._machine.disconnect_message(code)
        if message is not None:
            if self._handshake is not None:
                self._handshake.stamp(message, "websocket.disconnect")
            # Many sockets may end at once, and each leaves something to undo.
            self._context.layer.send_soon("websocket.disconnect", message, self._context.options.send_timeout)

    # Out

    def deliver(self, reply: bridge.SocketReply, frame: EncodedFrame) -> None:
        """Take a checked message from the reply channel; see ReplyDispatcher."""
        for event in self._machine.apply(reply):
            if type(event) is bridge.Send:
                self._adapter.send(event, frame)
            else:
                if type(event) is bridge.Deny:
                    self._move(DENIAL)
                self._carry_out(event)

    def close(
        self, code: int, status: int = bridge.BUSY_STATUS, reason: str = "", seconds: int = bridge.AWAY_SECONDS,
    ) -> None:
        """
        End the socket on the server's account.

        An open one is closed with `code`, a handshake gets `status`; with 503, a client that comes again does well to
        wait for so many `seconds`.
        """
        headers = [bridge.retry_after(seconds)] if status == bridge.BUSY_STATUS else ()
        event = self._machine.give_up(code, status, reason, headers)
        if event is not None:
            self._carry_out(event)

    def overrun(self, size: int) -> None:
        """End the socket: `size` bytes wait for its client to read them."""
        if self._machine.state is bridge.OPEN:
            self._context.repeats.warn(
                logger, "unread", "The WebSocket for %s is closed: its client doesn't read, and %d bytes wait for it.",
                self._machine.path, size,
            )
            self._context.metrics.dropped["slow_client"] += 1
            self.close(bridge.BUSY_CODE)

    def _carry_out(self, event: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isinstance(event, bridge.Accept):
            self._move(ACCEPTED)
            self._context.metrics.sockets_opened += 1
            if self._handshake is not None:
                self._handshake.end(101)
            self._adapter.accept(event.subprotocol, event.headers)
            self._log("connected")
        elif isinstance(event, bridge.Deny):
            self._code = NO_CLOSE_FRAME
            if self._handshake is not None:
                self._handshake.end(event.status)
            self._log("rejected")
            self._adapter.deny(
                event.status, event.headers or [(b"content-type", b"text/plain; charset=utf-8")], event.content
            )
        else:
            self._code = event.code
            self._adapter.close(event.code, event.reason)

    def _log(self, action: str) -> None:
        log_socket(self._context, action, self._machine.path, self._client)
