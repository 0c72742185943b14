"""
Requests without a body that are answered soon, and in one piece, as most are.

They have no task and no timer of their own: the message goes out where the
request was read, and the response to the client where it comes from the layer.
Whatever ends otherwise, or comes near its time limit, goes on as an
HttpExchange.
"""
from __future__ import annotations

import asyncio
import collections
from typing import Any, Optional

from ..backport import bridge, exceptions
from ..errors import Refused
from ..types import Message, RequestCarrier, Scope
from .action_log import log_request
from .context import Context
from .entry import Entry, request_message
from .http import WATCH_AFTER, HttpExchange
from .response_queue import PIECE

__all__ = ["PlainExchange", "PlainExchanges"]

#: Looks until a request without an answer goes on in a task: ten seconds, and
#: less where half of its time is over.
MOST_LOOKS = 50


class PlainExchange:
    """One of them, until it is answered or has become an HttpExchange."""

    __slots__ = ("entry", "place", "_context", "_scope", "_carrier", "_is_over")

    def __init__(self, exchanges: PlainExchanges, context: Context, scope: Scope, carrier: RequestCarrier) -> None:
        self._context = context
        self._scope = scope
        self._carrier = carrier
        self._is_over = False
        self.entry = Entry(context, scope, self, self._on_sent)
        #: The others of its age; see PlainExchanges.
        self.place = exchanges.join(self)

    def begin(self) -> None:
        """Send the request."""
        refusal, entry = self._context.refusal(self._scope), self.entry
        if refusal is not None:
            entry.fail(Refused(*refusal))
            return
        try:
            entry.begin(request_message(self._context, self._scope, entry.reply_channel, entry.path))
        except Exception as error:
            entry.fail(error)

    def _on_sent(self, error: Optional[Exception]) -> None:
        # Else the answer was here first, or the task that goes on will see.
        if error is not None and not self._is_over:
            self.hand_over()

    # The answer

    def deliver(self, message: Message) -> None:
        """Take a message from the reply channel; see ReplyDispatcher."""
        whole = self._whole(message) if self._carrier.is_ready else None
        if whole is None:
            self.hand_over().deliver(message)
            return
        self.entry.mark_sent()
        status, headers, content = whole
        self._carrier.answer(status, headers, content)
        self._end(status, len(content))

    def _whole(self, message: Message) -> Any:
        """Return (status, headers, content) of a message that is all of an ordinary response, or None."""
        if type(message) is not dict or message.get("more_content") or "status" not in message:
            return None
        method = self._scope["method"]
        try:
            whole = bridge.whole_response(message) if method != "HEAD" else None
            if whole is None:
                part = bridge.HttpReply(method).feed(message)
                if type(part.content) is not bytes or part.more_content:
                    return None
                whole = part[:3]
        except exceptions.MalformedMessage:
            return None
        return whole if len(whole[2]) <= PIECE else None

    def lose(self, failure: Refused, has_started: bool) -> None:
        """As HttpExchange.lose()."""
        if self.entry.was_sent and not has_started:
            self.hand_over().lose(failure, has_started)

    def watch(self) -> None:
        """Have the client's leaving noticed, whatever it has said since."""
        self._carrier.watch()

    def hand_over(self) -> HttpExchange:
        """Have a task go on."""
        self._is_over = True
        del self.place[self]
        carrier = self._carrier
        exchange = HttpExchange(self._context, self._scope, carrier.receive, carrier.send, self.entry)
        self._context.replies.replace(self.entry.reply_channel, exchange)
        carrier.serve(exchange.run())
        return exchange

    # The end

    def client_left(self) -> None:
        """Take note that the client has gone."""
        if self._is_over:
            return
        if self.entry.was_sent or self.entry.cancel():
            self._end(0, 0)
        else:
            # It is on its way, and who gets it is to be told.
            self.hand_over()

    def _end(self, status: int, size: int) -> None:
        if self._is_over:
            # The answer couldn't be sent, and so the client had to leave.
            return
        self._is_over = True
        del self.place[self]
        seconds = self.entry.end(status)
        if status and self._context.action_logger is not None:
            log_request(self._context.action_logger, self._scope, status, size, seconds)


class PlainExchanges:
    """
    Those of one process.

    They are looked at every WATCH_AFTER seconds: who was there at the last look is watched for its client's going
    away, and much later goes on in a task.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        timeout = context.options.http_timeout
        self._interval = min(WATCH_AFTER, timeout / 2) if timeout else WATCH_AFTER
        looks = max(1, min(MOST_LOOKS, int(timeout / 2 / self._interval))) if timeout else MOST_LOOKS
        #: Those that have come between two looks, the latest first.
        self._ages: collections.deque[dict[PlainExchange, None]] = collections.deque(({},), looks + 1)
        self._timer: Optional[asyncio.TimerHandle] = None

    def begin(self, scope: Scope, carrier: RequestCarrier) -> PlainExchange:
        """Begin to answer a request; return what is to be told if the client leaves."""
        exchange = PlainExchange(self, self._context, scope, carrier)
        exchange.begin()
        return exchange

    def join(self, exchange: PlainExchange) -> dict[PlainExchange, None]:
        """Look after one, until it is deleted from what is returned."""
        latest = self._ages[0]
        latest[exchange] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._look)
        return latest

    def _look(self) -> None:
        ages = self._ages
        if len(ages) == ages.maxlen:
            for exchange in list(ages.pop()):
                exchange.hand_over()
        for exchange in list(ages[0]) if ages else ():
            exchange.watch()
        ages.appendleft({})
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._look) if any(ages) else None
