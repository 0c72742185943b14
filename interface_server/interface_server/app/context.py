"""
State that the parts of the application share.
"""
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Optional

from ..backport import Disconnects, Repeats
from ..layers import AsyncLayer
from ..layers.queues import SendQueues
from ..operation.metrics import Metrics
from ..options import Options
from ..types import ActionLogger, Scope
from .origins import host_is_allowed, origin_is_allowed
from .replies import ReplyDispatcher
from .shares import Shares
from .spool import SpoolBudget

if TYPE_CHECKING:
    from .server_spans import ServerTracer


@dataclasses.dataclass
class Context:
    """One process' layer, settings, counters and clients."""

    layer: AsyncLayer
    options: Options
    metrics: Metrics
    replies: ReplyDispatcher
    #: Sends what comes from clients, in turn where a channel is full.
    queues: SendQueues
    #: Gives each address its share of the workers.
    shares: Shares
    #: What bodies and responses of slow clients may take.
    budget: SpoolBudget
    #: Tells the workers that a request has ended, if one of them reads that.
    disconnects: Disconnects
    #: Is told of requests and sockets, for the access log.
    action_logger: Optional[ActionLogger] = None
    #: Makes spans of what happens, if that is asked for.
    tracer: Optional[ServerTracer] = None
    #: Set once the server has been asked to stop.
    stopping: bool = False
    #: Logs once what happens to many clients.
    repeats: Repeats = dataclasses.field(default_factory=Repeats)

    def refusal(self, scope: Scope) -> Optional[tuple[int, str]]:
        """Return (status, why) if the host or the origin isn't served."""
        options = self.options
        if options.allowed_hosts and not host_is_allowed(header(scope, b"host") or b"", options.allowed_hosts):
            self.metrics.dropped["host"] += 1
            return 400, "This host isn't served here."
        if scope["type"] == "websocket" and options.allowed_origins:
            if not origin_is_allowed(header(scope, b"origin"), options.allowed_origins):
                self.metrics.dropped["origin"] += 1
                return 403, "This origin may not open WebSockets here."
        return None


def header(scope: Scope, wanted: bytes) -> Optional[bytes]:
    """Return the value of the first header called `wanted`, or None."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None
