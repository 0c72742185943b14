"""
The types that modules hand to each other.
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Protocol

from .backport import bridge

if TYPE_CHECKING:
    from .operation.metrics import Metrics
    from .options import Options

#: A message of the standard.
Message = Mapping[str, Any]
#: One message, and the full names of the channels it came for.
Delivery = tuple[Sequence[str], Message]

# ASGI
Scope = MutableMapping[str, Any]
Event = Mapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The extension of a scope, a function without arguments, by which a connection
#: of ours has a response wait outside of it until its client reads.
ROOM = "interface_server.room"

#: The extension of a scope by which a connection of ours takes content as views, too.
VIEWS = "interface_server.views"

#: Called with protocol, action and details, as daphne 1.4.2 does.
ActionLogger = Callable[[str, str, dict[str, Any]], None]


class Peer(NamedTuple):
    """The two ends of a connection, each (host, port); a Unix socket has a path or nothing."""

    client: Optional[tuple[str, int]]
    server: Optional[tuple[str, Optional[int]]]
    uses_tls: bool


class EncodedFrame:
    """
    A message as bytes on the wire, made once for all the sockets it goes to.

    Whatever carries the sockets keeps here what it can use again.
    """

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data: Optional[bytes] = None


class SocketAdapter(Protocol):
    """What carries the frames of a session."""

    def accept(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        """Open the socket."""

    def deny(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        """Answer the handshake with an HTTP response."""

    def send(self, event: bridge.Send, frame: EncodedFrame) -> None:
        """Send a message; `frame` may hold it encoded, or take it."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket; nothing is sent after it."""

    def pause(self) -> None:
        """Bring no frames until resume()."""

    def resume(self) -> None:
        """Bring frames again."""


class Session(Protocol):
    """One WebSocket, as what carries its frames sees it."""

    def received(self, text: Optional[str], data: Optional[bytes]) -> None:
        """Take a message from the client."""

    def ended(self, code: int) -> None:
        """Record that the socket is gone; `code` is the client's."""

    def overrun(self, size: int) -> None:
        """End the socket: `size` bytes wait for its client to read them."""

    def close(self, code: int) -> None:
        """End the socket on the server's account."""


class RequestCarrier(Protocol):
    """The client's side of a request without a body."""

    async def receive(self) -> Event:
        """As an ASGI server."""

    async def send(self, message: Any) -> None:
        """As an ASGI server."""

    @property
    def is_ready(self) -> bool:
        """Whether the client takes what is sent."""

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        """Send the whole response."""

    def watch(self) -> None:
        """Have the client's leaving noticed, whatever it has said since."""

    def serve(self, answer: Coroutine[Any, Any, None]) -> None:
        """Have a task answer from now on."""


class PlainRequest(Protocol):
    """A request that is answered without a task, as what carries it sees it."""

    def client_left(self) -> None:
        """Take note that the client has gone, if nothing else has ended it."""


class Site(Protocol):
    """What is served, as the protocols see it."""

    @property
    def options(self) -> Options:
        """The limits that the protocols keep."""

    @property
    def metrics(self) -> Metrics:
        """The counters of the process."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

    def open_request(self, scope: Scope, carrier: RequestCarrier) -> Optional[PlainRequest]:
        """Begin to answer a request without a body; return None for one that a task has to answer."""

    def open_socket(self, scope: Scope, adapter: SocketAdapter) -> Session:
        """Begin the session of a WebSocket."""
