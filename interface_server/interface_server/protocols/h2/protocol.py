"""
HTTP/2 by the library h2: over TLS by ALPN, and in clear by prior knowledge.

Each stream is a request for the ASGI application. What RFC 9113 section 10.5
warns of is bounded: streams, headers, frames that do nothing, resets.
"""
from __future__ import annotations

import asyncio
import logging
from typing import Any, Optional

import h2.config
import h2.errors
import h2.events
import h2.exceptions

from ...errors import Refused
from ...types import Peer, Site
from ..connections import ConnectionLimiter
from ..date import http_date
from ..requests import check_body_size, read_fields
from ..ws.handshake import offered_subprotocols
from .connection import Flood, Http2Connection
from .floods import Floods
from .streams import Stream
from .tunnel import StreamedWebSocket, Tunnel

logger = logging.getLogger(__name__)

#: Bytes of one frame at most, however large the client would have them.
FRAME = 64 * 1024
#: Bytes of headers that we keep in mind to send them shorter. The client may
#: ask for any number, but it is our memory and our time.
HEADER_TABLE = 4096


class Http2Protocol(asyncio.Protocol):
    """One connection and its streams."""

    def __init__(self, site: Site, limiter: ConnectionLimiter, peer: Peer, slot: str) -> None:
        self._site = site
        self._limiter = limiter
        self._peer = peer
        self._slot = slot
        self._options = limiter.options
        self._loop = asyncio.get_running_loop()
        self.deadline = 0.0
        self._streams: dict[int, Stream] = {}
        self._tunnels: dict[int, Tunnel] = {}
        self._floods = Floods()
        self._writable = asyncio.Event()
        self._writable.set()
        self._unsent = 0
        self._closing = False
        #: Whether nothing is read or said any more.
        self._lingering = False
        self._conn = Http2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=None), self._count_silent_frame,
        )

    # The connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._scheme = "https" if self._peer.uses_tls else "http"
        self._limiter.connections.add(self)
        self._conn.start(self._options)
        self._flush()
        self._update_deadline()

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._closing = True
        self._limiter.connections.discard(self)
        self._limiter.release(self._slot)
        self._writable.set()
        self._drop_streams(error)

    def shutdown(self) -> None:
        """Finish the streams there are, and end."""
        if not self._closing:
            self._closing = True
            self._conn.send_goaway()
            self._flush()
            self._end_if_done()

    def _end_if_done(self) -> None:
        if self._closing and not self._lingering and not self._streams and not self._tunnels:
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def on_deadline(self) -> None:
        now = self._loop.time()
        if self._lingering:
            self._transport.abort()
        elif not self._writable.is_set() and self._options.write_timeout:
            size = self._transport.get_write_buffer_size()
            if size >= self._unsent:
                self._transport.abort()
            self._unsent = size
            self.deadline = now + self._options.write_timeout
        elif self._streams or self._tunnels:
            has_room = self._conn.inbound_flow_control_window > 0
            for stream in [each for each in self._streams.values() if each.is_late(now, has_room)]:
                self.reset(stream.number, h2.errors.ErrorCodes.CANCEL)
                stream.disconnect()
            self._update_deadline()
        else:
            self.shutdown()
            self._transport.close()

    def _update_deadline(self) -> None:
        """Set the deadline for a client that does nothing."""
        if self._lingering or not self._writable.is_set():
            # Whatever else it does, it has to read.
            return
        if self._streams or self._tunnels:
            times = [time for each in self._streams.values() for time in (each.body_deadline, each.window_deadline)]
            self.deadline = min(filter(None, times), default=0.0)
        else:
            timeout = self._options.keep_alive_timeout
            self.deadline = self._loop.time() + timeout if timeout else 0.0

    def pause_writing(self) -> None:
        self._writable.clear()
        self._unsent = self._transport.get_write_buffer_size()
        if self._options.write_timeout and not self._lingering:
            self.deadline = self._loop.time() + self._options.write_timeout

    def resume_writing(self) -> None:
        self._writable.set()
        self._update_deadline()
        self._pump()

    def _pump(self) -> None:
        for tunnel in list(self._tunnels.values()):
            tunnel.pump()

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self._lingering or self._transport.is_closing():
            return
        try:
            events = self._conn.receive_data(data)
            for event in events:
                if not self._lingering and not self._transport.is_closing():
                    self._handle(event)
        except Flood:
            self._close_for_flooding()
            return
        except h2.exceptions.ProtocolError as error:
            logger.debug("An HTTP/2 client broke the protocol: %s", error)
            self._linger()
            return
        self._flush()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._open(event)
        elif isinstance(event, h2.events.DataReceived):
            self._handle_data(event)
        elif isinstance(event, h2.events.StreamEnded):
            self._handle_end(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self._handle_reset(event.stream_id)
        elif isinstance(event, h2.events.WindowUpdated):
            self._handle_window(event.stream_id)
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self._conn.encoder.header_table_size = min(self._conn.encoder.header_table_size, HEADER_TABLE)
            self._count_idle_frame()
            self._handle_window(0)
        elif isinstance(event, (h2.events.PingReceived, h2.events.PriorityUpdated, h2.events.UnknownFrameReceived)):
            self._count_idle_frame()
        elif isinstance(event, h2.events.ConnectionTerminated):
            if event.error_code == h2.errors.ErrorCodes.NO_ERROR:
                # It wants what it has asked for, and nothing more.
                self._count_idle_frame()
                self.shutdown()
            else:
                self._transport.close()

    def _handle_end(self, number: int) -> None:
        stream, tunnel = self._streams.get(number), self._tunnels.get(number)
        if stream is not None:
            stream.body_ended = True
            stream.body_deadline = 0.0
            stream.changed.set()
        elif tunnel is not None:
            tunnel.close()

    def _handle_window(self, number: int) -> None:
        if self._floods.window_update():
            self._close_for_flooding()
        for stream in [self._streams.get(number)] if number else list(self._streams.values()):
            if stream is not None:
                stream.changed.set()
        for tunnel in [self._tunnels.get(number)] if number else list(self._tunnels.values()):
            if tunnel is not None:
                tunnel.pump()

    def _count_idle_frame(self) -> None:
        if self._floods.idle_frame(self._loop.time()):
            self._close_for_flooding()

    def _count_silent_frame(self) -> None:
        # h2 is in the middle of what one read has brought.
        if self._floods.idle_frame(self._loop.time()):
            raise Flood()

    def _handle_reset(self, number: int) -> None:
        if self._floods.reset():
            self._close_for_flooding()
        stream, tunnel = self._streams.get(number), self._tunnels.get(number)
        if stream is not None:
            stream.disconnect()
        elif tunnel is not None:
            tunnel.lost(ConnectionResetError("The client reset the stream."))

    def _close_for_flooding(self) -> None:
        if not self._lingering:
            logger.warning("An HTTP/2 client was sent away: it keeps the server busy with nothing.")
            self._conn.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            self._linger()

    def _linger(self) -> None:
        """Let the client read why, while what it still sends is ignored."""
        self._flush()
        self._closing = self._lingering = True
        self._drop_streams(None)
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self.deadline = self._loop.time() + (self._options.close_timeout or float("inf"))
        else:
            self._transport.close()

    def _drop_streams(self, error: Optional[Exception]) -> None:
        for stream in list(self._streams.values()):
            stream.disconnect()
        for tunnel in list(self._tunnels.values()):
            tunnel.lost(error)

    def _open(self, event: Any) -> None:
        self._floods.opened += 1
        limit = self._options.max_streams
        # Those that the client has reset are ended here a moment later.
        if self._closing or (limit and len(self._streams) + len(self._tunnels) >= limit):
            self.reset(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
            if self._floods.reset():
                self._close_for_flooding()
            return
        scope = {
            "http_version": "2", "scheme": self._scheme, "root_path": "", "client": self._peer.client,
            "server": self._peer.server,
        }
        try:
            is_tunnel = read_fields(event.headers, scope, self._options)
        except Refused as error:
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
        stream = self._streams[number] = Stream(self, number, scope, ended, self._options.body_timeout)
        self._update_deadline()
        task = self._loop.create_task(stream.run(self._site))
        task.add_done_callback(self._limiter.tasks.discard)
        self._limiter.tasks.add(task)

    def _open_tunnel(self, number: int, scope: dict[str, Any]) -> None:
        scope.update(
            type="websocket", scheme="wss" if self._scheme == "https" else "ws",
            subprotocols=offered_subprotocols(scope["headers"]),
        )
        tunnel = self._tunnels[number] = Tunnel(self, number)
        self._site.metrics.tunnels += 1
        self._update_deadline()
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
            self.reset(number, h2.errors.ErrorCodes.CANCEL)
            return
        # The rest of the request isn't read (RFC 9113 section 8.1).
        if number in self._conn.streams and self._conn.streams[number].open:
            self.reset(number, h2.errors.ErrorCodes.NO_ERROR)

    def _handle_data(self, event: Any) -> None:
        if not event.data and event.stream_ended is None:
            self._count_idle_frame()
        tunnel = self._tunnels.get(event.stream_id)
        if tunnel is not None:
            tunnel.received(event.data, event.flow_controlled_length)
            return
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.response_ended:
            self.consumed(event.stream_id, event.flow_controlled_length)
            return
        stream.body_size += len(event.data)
        try:
            check_body_size(stream.body_size, self._options)
        except Refused as refusal:
            self.consumed(event.stream_id, event.flow_controlled_length)
            if stream.response_started:
                self.reset(stream.number, h2.errors.ErrorCodes.CANCEL)
            else:
                self._answer(stream.number, refusal.status, refusal.detail)
            stream.response_ended = True
            stream.disconnect()
            return
        # Padding is read as soon as it is here.
        self.consumed(event.stream_id, event.flow_controlled_length - len(event.data))
        stream.await_body()
        if event.data:
            stream.body.append(event.data)
            stream.changed.set()

    def consumed(self, number: int, size: int) -> None:
        """Let the client send as much again on a stream."""
        if size and not self._lingering and not self._transport.is_closing():
            try:
                self._conn.acknowledge_received_data(size, number)
            except h2.exceptions.ProtocolError:
                return
            self._flush()

    # What goes out

    def send_headers(self, stream: Stream, status: int, headers: Any) -> None:
        """Begin a response; it goes out with the content that follows."""
        if not self.send_fields(stream.number, status, headers):
            stream.disconnect()

    def send_fields(self, number: int, status: int, headers: Any) -> bool:
        """Send the headers of a response; say if the stream was still there."""
        fields = [(b":status", b"%d" % status)]
        if status >= 200:
            fields.append((b"date", http_date()))
        fields += [(name.lower(), value) for name, value in headers]
        try:
            self._conn.send_headers(number, fields)
        except h2.exceptions.ProtocolError:
            return False
        if status < 200 or number in self._tunnels:
            self._flush()
        return True

    def send_some(self, number: int, data: Any, last: bool = False) -> Optional[int]:
        """
        Send the beginning of `data`, as the client's windows allow.

        The stream ends with it if it is the `last` and all of it went. Return
        the number of bytes, or None if the stream is gone.
        """
        position, size = 0, len(data)
        try:
            while self._writable.is_set():
                room = min(
                    self._conn.local_flow_control_window(number), self._conn.max_outbound_frame_size, FRAME,
                    size - position,
                )
                if room <= 0 and not (last and position == size):
                    break
                end = position + max(room, 0)
                self._conn.send_data(number, bytes(data[position:end]), end_stream=last and end == size)
                self._floods.frames_sent += 1
                position = end
                self._flush()
                if position == size:
                    break
        except h2.exceptions.ProtocolError:
            return None
        self._flush()
        return position

    async def send_body(self, stream: Stream, body: bytes, last: bool) -> None:
        """Send as the client's windows and its speed allow."""
        stalled = False
        while not stream.disconnected:
            if not self._writable.is_set():
                await self._writable.wait()
                continue
            sent = self.send_some(stream.number, body, last)
            if sent is None:
                stream.disconnect()
                return
            if sent == len(body):
                stream.window_deadline = 0.0
                return
            body = body[sent:]
            if not self._writable.is_set():
                continue
            if self._options.write_timeout and (sent or not stalled):
                # Its windows are the client's to open, and it has to.
                stalled = True
                stream.window_deadline = self._loop.time() + self._options.write_timeout
                self._update_deadline()
            stream.changed.clear()
            await stream.changed.wait()

    def end_stream(self, number: int) -> None:
        """End a stream whose last data went out."""
        try:
            self._conn.end_stream(number)
            if number in self._conn.streams and self._conn.streams[number].open:
                self._conn.reset_stream(number, h2.errors.ErrorCodes.NO_ERROR)
        except h2.exceptions.ProtocolError:
            return
        self._flush()

    def reset(self, number: int, code: h2.errors.ErrorCodes) -> None:
        """Break a stream off."""
        try:
            self._conn.reset_stream(number, code)
        except h2.exceptions.ProtocolError:
            return
        self._flush()

    def forget(self, stream: Stream) -> None:
        """Take note that a stream's application is done."""
        self._streams.pop(stream.number, None)
        while stream.body:
            self.consumed(stream.number, len(stream.body.popleft()))
        if not stream.body_ended and not stream.disconnected and not self._transport.is_closing():
            # Nobody reads the rest of it (RFC 9113 section 8.1).
            self.reset(stream.number, h2.errors.ErrorCodes.NO_ERROR)
        self._end_if_done()
        self._update_deadline()

    def forget_tunnel(self, number: int) -> None:
        """Take note that a WebSocket has ended."""
        self._tunnels.pop(number, None)
        self._end_if_done()
        self._update_deadline()

    def _flush(self) -> None:
        data = self._conn.data_to_send()
        if data and not self._lingering and not self._transport.is_closing():
            self._transport.write(data)
