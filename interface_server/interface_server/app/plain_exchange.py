"""
Requests without a body that are answered soon, and in one piece, as most are.

They have no task and no timer of their own: the message goes out where the
request was read, and the response to the client where it comes from the layer.
Whatever takes longer, or ends otherwise, goes on as an HttpExchange.
"""
from __future__ import annotations

import asyncio
import time
from typing import Any, Optional

from ..backport import bridge, exceptions
from ..errors import Refused
from ..types import Message, RequestCarrier, Scope
from .action_log import log_request
from .context import Context
from .entry import Entry, path_of, request_message
from .http import WATCH_AFTER, HttpExchange
from .response_queue import PIECE

__all__ = ["PlainExchange", "PlainExchanges"]


class PlainExchange:
    """One of them, until it is answered or has become an HttpExchange."""

    __slots__ = (
        "entry", "account", "reply_channel", "path", "started", "_exchanges", "_context", "_scope", "_carrier",
        "was_sent", "_is_over",
    )

    def __init__(self, exchanges: PlainExchanges, context: Context, scope: Scope, carrier: RequestCarrier) -> None:
        self.started = time.monotonic()
        self._exchanges = exchanges
        self._context = context
        self._scope = scope
        self._carrier = carrier
        #: Whether the layer was seen to have it, and that is counted.
        self.was_sent = self._is_over = False
        self.path = path_of(scope)
        self.account = context.shares.begin_request(scope.get("client"))
        self.reply_channel = context.replies.add_exchange(self)
        self.entry = Entry(context, self.account, None, self._on_sent)

    def begin(self) -> None:
        """Send the request."""
        self._exchanges.add(self)
        refusal = self._context.refusal(self._scope)
        if refusal is not None:
            self.entry.fail(Refused(*refusal))
            return
        try:
            self.entry.begin(request_message(self._context, self._scope, self.reply_channel, self.path))
        except Exception as error:
            self.entry.fail(error)

    def _on_sent(self, error: Optional[Exception]) -> None:
        if self._is_over:
            # The answer was here first, or the task that goes on will see.
            return
        if error is not None:
            self.hand_over()
        elif not self.was_sent:
            self.was_sent = True
            self._context.metrics.messages_in["http.request"] += 1

    # The answer

    def deliver(self, message: Message) -> None:
        """Take a message from the reply channel; see ReplyDispatcher."""
        part = self._whole(message) if self._carrier.is_ready else None
        if part is None:
            self.hand_over().deliver(message)
            return
        self._on_sent(None)
        status, headers, content, _ = part
        self._carrier.answer(status, headers, content)
        self._end(status, len(content))

    def _whole(self, message: Message) -> Any:
        """Return the ResponsePart of a message that is all of an ordinary response, or None."""
        if type(message) is not dict or message.get("more_content") or "status" not in message:
            return None
        try:
            part = bridge.HttpReply(self._scope["method"]).feed(message)
        except (exceptions.MalformedMessage, bridge.BrokenOff):
            return None
        return part if type(part.content) is bytes and len(part.content) <= PIECE and not part.more_content else None

    def lose(self, failure: Refused, has_started: bool) -> None:
        """As HttpExchange.lose()."""
        if self.was_sent and not has_started:
            self.hand_over().lose(failure, has_started)

    def hand_over(self) -> HttpExchange:
        """Have a task go on."""
        self._is_over = True
        self._exchanges.discard(self)
        carrier = self._carrier
        exchange = HttpExchange(self._context, self._scope, carrier.receive, carrier.send, self)
        self._context.replies.replace(self.reply_channel, exchange)
        carrier.serve(exchange.run())
        return exchange

    # The end

    def client_left(self) -> None:
        """Take note that the client has gone."""
        if self._is_over:
            return
        if self.was_sent or self.entry.cancel():
            self._end(0, 0)
        else:
            # It is on its way, and who gets it is to be told.
            self.hand_over()

    def _end(self, status: int, size: int) -> None:
        if self._is_over:
            # The answer couldn't be sent, and so the client had to leave.
            return
        context = self._context
        self._is_over = True
        self._exchanges.discard(self)
        context.shares.end_request(self.account)
        context.replies.remove(self.reply_channel)
        if self.was_sent:
            context.disconnects.add(self.reply_channel, self.path)
        seconds = time.monotonic() - self.started
        context.metrics.request_seconds.observe(seconds)
        if status:
            context.metrics.responses[status] += 1
            if context.action_logger is not None:
                log_request(context.action_logger, self._scope, status, size, seconds)


class PlainExchanges:
    """Those of one process; who isn't answered after WATCH_AFTER seconds, or twice as many, goes on in a task."""

    def __init__(self, context: Context) -> None:
        self._context = context
        timeout = context.options.http_timeout
        self._interval = min(WATCH_AFTER, timeout / 2) if timeout else WATCH_AFTER
        # Those that have come since the last look, and those before them.
        self._young: set[PlainExchange] = set()
        self._old: set[PlainExchange] = set()
        self._timer: Optional[asyncio.TimerHandle] = None

    def begin(self, scope: Scope, carrier: RequestCarrier) -> PlainExchange:
        """Begin to answer a request; return what is to be told if the client leaves."""
        exchange = PlainExchange(self, self._context, scope, carrier)
        exchange.begin()
        return exchange

    def add(self, exchange: PlainExchange) -> None:
        """Look after one."""
        self._young.add(exchange)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._look)

    def discard(self, exchange: PlainExchange) -> None:
        """Forget one."""
        self._young.discard(exchange)
        self._old.discard(exchange)

    def _look(self) -> None:
        old, self._old, self._young = self._old, self._young, set()
        for exchange in list(old):
            exchange.hand_over()
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._look) if self._old else None
