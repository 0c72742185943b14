"""
The client's side of a connection of HTTP/2, event by event of the library h2.

Each stream is a request for the application, or a WebSocket. What brings
nothing is counted; see `floods`.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional, Protocol

import h2.errors
import h2.events
import h2.exceptions

from ...errors import Refused
from ...types import ROOM, Peer, Site
from ..connections import ConnectionLimiter
from ..requests import check_body_size, read_fields
from ..ws.handshake import offered_subprotocols
from .connection import Http2Connection
from .floods import Floods
from .streams import Stream
from .tunnel import StreamedWebSocket, Tunnel
from .writer import FrameWriter

#: Bytes of headers that we keep in mind to send them shorter. The client may
#: ask for any number, but it is our memory and our time.
HEADER_TABLE = 4096


class Driver(Protocol):
    """The connection, as far as its receiver knows it."""

    @property
    def takes_streams(self) -> bool:
        """Whether more streams may be opened."""

    def shutdown(self) -> None:
        """Finish the streams there are, and end."""

    def close(self) -> None:
        """End the connection."""

    def close_for_flooding(self) -> None:
        """Send the client away."""

    def on_streams_changed(self) -> None:
        """Take note that streams have come, or gone."""


class Receiver:
    """The streams of one connection, `conn`, and what the client does with them."""

    def __init__(
        self, driver: Driver, conn: Http2Connection, writer: FrameWriter, floods: Floods,
        site: Site, limiter: ConnectionLimiter, peer: Peer, slot: str,
    ) -> None:
        self._driver = driver
        self._conn = conn
        self._writer = writer
        self._floods = floods
        self._site = site
        self._limiter = limiter
        self._peer = peer
        self._slot = slot
        self._options = limiter.options
        self._loop = asyncio.get_running_loop()
        self.streams: dict[int, Stream] = {}
        self.tunnels: dict[int, Tunnel] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is neither a request nor a WebSocket."""
        return not self.streams and not self.tunnels

    def handle(self, event: h2.events.Event) -> None:
        """Do what `event` asks for."""
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def drop_streams(self, error: Optional[Exception]) -> None:
        """Have all streams learn that the client is gone."""
        for stream in list(self.streams.values()):
            stream.disconnect()
        for tunnel in list(self.tunnels.values()):
            tunnel.lost(error)

    def pump(self) -> None:
        """Send what WebSockets could not send so far."""
        for tunnel in list(self.tunnels.values()):
            tunnel.pump()

    def count_idle_frame(self, event: Any = None) -> None:
        """Count a frame that brings nothing."""
        if self._floods.idle_frame(self._loop.time()):
            self._driver.close_for_flooding()

    # Requests

    def _on_request(self, event: Any) -> None:
        self._floods.opened += 1
        limit = self._options.max_streams
        # Those that the client has reset are ended here a moment later.
        if (
            not self._driver.takes_streams or limit and len(self.streams) + len(self.tunnels) >= limit
            or not self._limiter.acquire_stream(self._slot)
        ):
            self._writer.reset(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
            if self._floods.reset():
                self._driver.close_for_flooding()
            return
        scope = {
            "http_version": "2", "scheme": "https" if self._peer.uses_tls else "http", "root_path": "",
            "client": self._peer.client, "server": self._peer.server,
        }
        try:
            is_tunnel = read_fields(event.headers, scope, self._options, event.stream_ended is None)
        except Refused as error:
            self._limiter.release_stream(self._slot)
            self._answer(event.stream_id, error.status, error.detail)
            return
        if is_tunnel:
            self._open_tunnel(event.stream_id, scope)
        else:
            self._open_stream(event.stream_id, scope, event.stream_ended is not None)

    def _open_stream(self, number: int, scope: dict[str, Any], ended: bool) -> None:
        scope.update(
            type="http", asgi={"version": "3.0", "spec_version": "2.3"}, extensions={"http.response.early_hint": {}},
        )
        stream = Stream(self._writer, self._forget, number, scope, ended, self._options.body_timeout)
        scope["extensions"][ROOM] = stream.wait_for_room
        self.streams[number] = stream
        self._driver.on_streams_changed()
        self._limiter.run(stream.run(self._site))

    def _open_tunnel(self, number: int, scope: dict[str, Any]) -> None:
        scope.update(
            type="websocket", scheme="wss" if self._peer.uses_tls else "ws",
            subprotocols=offered_subprotocols(scope["headers"]),
        )
        tunnel = self.tunnels[number] = Tunnel(self._writer, self._forget_tunnel, number)
        self._site.metrics.tunnels += 1
        self._driver.on_streams_changed()
        StreamedWebSocket(self._site, self._limiter, tunnel, b"", None).start(scope, b"")

    def _answer(self, number: int, status: int, detail: str) -> None:
        """Answer with an error, without anybody else."""
        body = f"{status}: {detail}\n".encode("utf-8")
        try:
            self._conn.send_headers(number, [
                (b":status", b"%d" % status), (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
            ])
            self._conn.send_data(number, body, end_stream=True)
        except h2.exceptions.ProtocolError:
            # The client has reset it in the same bytes, or has no room for it.
            self._writer.reset(number, h2.errors.ErrorCodes.CANCEL)
            return
        # The rest of the request isn't read (RFC 9113 section 8.1). Some clients,
        # curl 7.88 among them, lose an answer that comes together with the reset.
        self._writer.flush()
        if number in self._conn.streams and self._conn.streams[number].open:
            self._writer.reset(number, h2.errors.ErrorCodes.NO_ERROR)

    def _forget(self, stream: Stream) -> None:
        """Take note that a stream's application is done."""
        self.streams.pop(stream.number, None)
        self._limiter.release_stream(self._slot)
        self._writer.consumed(stream.number, len(stream.body))
        if not stream.has_whole_body and not stream.disconnected:
            # Nobody reads the rest of it (RFC 9113 section 8.1).
            self._writer.reset(stream.number, h2.errors.ErrorCodes.NO_ERROR)
        self._driver.on_streams_changed()

    def _forget_tunnel(self, number: int) -> None:
        """Take note that a WebSocket has ended."""
        self.tunnels.pop(number, None)
        self._limiter.release_stream(self._slot)
        self._driver.on_streams_changed()

    # Bodies

    def _on_data(self, event: Any) -> None:
        if not event.data and event.stream_ended is None:
            self.count_idle_frame()
        number, size = event.stream_id, event.flow_controlled_length
        tunnel = self.tunnels.get(number)
        if tunnel is not None:
            tunnel.received(event.data, size)
            return
        stream = self.streams.get(number)
        if stream is None or stream.is_over:
            self._writer.consumed(number, size)
            return
        stream.body_size += len(event.data)
        try:
            check_body_size(stream.body_size, self._options)
        except Refused as refusal:
            self._writer.consumed(number, size)
            self._refuse_body(stream, refusal)
            return
        # Padding is read as soon as it is here.
        self._writer.consumed(number, size - len(event.data))
        stream.await_body()
        if event.data:
            stream.body += event.data
            stream.changed.set()

    def _refuse_body(self, stream: Stream, refusal: Refused) -> None:
        if stream.has_started:
            self._writer.reset(stream.number, h2.errors.ErrorCodes.CANCEL)
        else:
            self._answer(stream.number, refusal.status, refusal.detail)
        stream.disconnect()

    def _on_end(self, event: Any) -> None:
        stream, tunnel = self.streams.get(event.stream_id), self.tunnels.get(event.stream_id)
        if stream is not None:
            stream.end_body()
        elif tunnel is not None:
            tunnel.close()

    def _on_reset(self, event: Any) -> None:
        if self._floods.reset():
            self._driver.close_for_flooding()
        stream, tunnel = self.streams.get(event.stream_id), self.tunnels.get(event.stream_id)
        if stream is not None:
            stream.disconnect()
        elif tunnel is not None:
            tunnel.lost(ConnectionResetError("The client reset the stream."))

    # Flow, and the connection

    def _on_window(self, event: Any) -> None:
        self._open_windows(event.stream_id)

    def _open_windows(self, number: int) -> None:
        if self._floods.window_update():
            self._driver.close_for_flooding()
        for stream in [self.streams.get(number)] if number else list(self.streams.values()):
            if stream is not None:
                stream.changed.set()
        for tunnel in [self.tunnels.get(number)] if number else list(self.tunnels.values()):
            if tunnel is not None:
                tunnel.pump()

    def _on_settings(self, event: Any) -> None:
        self._conn.encoder.header_table_size = min(self._conn.encoder.header_table_size, HEADER_TABLE)
        self.count_idle_frame()
        self._open_windows(0)

    def _on_goaway(self, event: Any) -> None:
        if event.error_code == h2.errors.ErrorCodes.NO_ERROR:
            # It wants what it has asked for, and nothing more.
            self.count_idle_frame()
            self._driver.shutdown()
        else:
            self._driver.close()


#: Event of h2 -> what is done. Others say nothing that we need to know.
HANDLERS: dict[type[h2.events.Event], Callable[[Receiver, Any], None]] = {
    h2.events.RequestReceived: Receiver._on_request,
    h2.events.DataReceived: Receiver._on_data,
    h2.events.StreamEnded: Receiver._on_end,
    h2.events.StreamReset: Receiver._on_reset,
    h2.events.WindowUpdated: Receiver._on_window,
    h2.events.RemoteSettingsChanged: Receiver._on_settings,
    h2.events.PingReceived: Receiver.count_idle_frame,
    h2.events.PriorityUpdated: Receiver.count_idle_frame,
    h2.events.UnknownFrameReceived: Receiver.count_idle_frame,
    h2.events.ConnectionTerminated: Receiver._on_goaway,
}
