"""
HTTP/2 by the library h2: over TLS by ALPN, and in clear by prior knowledge.

Each stream is a request for the ASGI application. What RFC 9113 section 10.5
warns of is bounded: streams, headers, frames that do nothing, resets.
"""
from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Optional

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import GoAwayFrame
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from ..types import Event

if TYPE_CHECKING:
    from .guard import Guard

logger = logging.getLogger(__name__)

#: Bytes of a stream's and of the connection's body that may be on their way.
STREAM_WINDOW, CONNECTION_WINDOW = 256 * 1024, 1024 * 1024
#: Frames without use (pings, settings, resets, priorities) in one second.
IDLE_FRAMES = 200
#: Streams that a client may reset, of a hundred that it opens; and how many
#: are looked at first (CVE-2023-44487).
RESETS_PER_HUNDRED, RESETS_AT_LEAST = 50, 100


class Stream:
    """One request and its response."""

    def __init__(self, protocol: Http2Protocol, number: int, scope: dict[str, Any], ended: bool) -> None:
        self._protocol = protocol
        self.number = number
        self.scope = scope
        self.body: collections.deque[bytes] = collections.deque()
        self.body_size = 0
        self.body_ended = ended
        self.disconnected = False
        self.response_started = False
        self.response_ended = False
        #: Set when there is something to read, or room to write.
        self.changed = asyncio.Event()
        self.deadline = 0.0

    async def run(self, application: Callable[..., Awaitable[None]]) -> None:
        """Have the application answer; reset the stream if it doesn't."""
        try:
            await application(self.scope, self.receive, self.send)
        except Exception:
            logger.exception("Answering %s failed.", self.scope["path"])
        finally:
            if not self.response_ended and not self.disconnected:
                self._protocol.reset(self, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._protocol.forget(self)

    async def receive(self) -> Event:
        while True:
            if self.disconnected or self.response_ended:
                return {"type": "http.disconnect"}
            if self.body:
                body = self.body.popleft()
                self._protocol.consumed(self, len(body))
                return {"type": "http.request", "body": body, "more_body": bool(self.body) or not self.body_ended}
            if self.body_ended and not self.scope.get("body_read"):
                self.scope["body_read"] = True
                return {"type": "http.request", "body": b"", "more_body": False}
            self.changed.clear()
            await self.changed.wait()

    async def send(self, message: dict[str, Any]) -> None:
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.response_started = True
            self._protocol.send_headers(self, message["status"], message.get("headers", ()))
        else:
            body, more = message.get("body", b""), message.get("more_body", False)
            if self.scope["method"] == "HEAD":
                body = b""
            await self._protocol.send_body(self, body, not more)
            self.response_ended = self.response_ended or not more

    def disconnect(self) -> None:
        self.disconnected = True
        self.changed.set()


class Http2Protocol(asyncio.Protocol):
    """One connection and its streams."""

    def __init__(
        self, application: Any, guard: Guard, admitted: Optional[str], server_state: Any
    ) -> None:
        self._application = application
        self._guard = guard
        self._admitted = admitted
        self._server_state = server_state
        self._options = guard.options
        self._loop = asyncio.get_running_loop()
        self.deadline = 0.0
        self._streams: dict[int, Stream] = {}
        self._opened = self._reset = 0
        self._idle_frames = 0
        self._window_start = 0.0
        self._writable = asyncio.Event()
        self._writable.set()
        self._unsent = 0
        self._closing = False
        self._conn = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=None)
        )

    # The connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._client = get_remote_addr(transport)
        self._server = get_local_addr(transport)
        self._scheme = "https" if is_ssl(transport) else "http"
        self._guard.connections.add(self)
        codes = h2.settings.SettingCodes
        # RFC 9113 section 6.5.2 counts 32 bytes more for each header.
        header_list = self._options.max_header_bytes + 32 * (self._options.max_headers or 100)
        if not self._options.max_header_bytes:
            header_list = 2 ** 31 - 1
        self._conn.local_settings = h2.settings.Settings(client=False, initial_values={
            codes.MAX_CONCURRENT_STREAMS: self._options.max_streams or 2 ** 31 - 1,
            codes.MAX_HEADER_LIST_SIZE: header_list,
            codes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            codes.ENABLE_PUSH: 0,
        })
        self._conn.decoder.max_header_list_size = header_list
        self._conn.initiate_connection()
        self._conn.increment_flow_control_window(CONNECTION_WINDOW - 65535)
        self._flush()
        self._rest()

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._closing = True
        self._guard.connections.discard(self)
        if self._admitted is not None:
            self._guard.lost(self._admitted)
        self._writable.set()
        for stream in list(self._streams.values()):
            stream.disconnect()

    def shutdown(self) -> None:
        """Finish the streams there are, and end."""
        if not self._closing:
            self._closing = True
            # By hand: for h2 a connection that says goodbye has ended, with
            # all its streams (RFC 9113 section 6.8 lets them be finished).
            self._transport.write(GoAwayFrame(0, self._conn.highest_inbound_stream_id).serialize())
            if not self._streams:
                self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def on_deadline(self) -> None:
        now = self._loop.time()
        if not self._writable.is_set():
            size = self._transport.get_write_buffer_size()
            if size >= self._unsent:
                self._transport.abort()
            self._unsent = size
            self.deadline = now + self._options.write_timeout
        elif self._streams:
            for stream in [each for each in self._streams.values() if 0 < each.deadline < now]:
                self.reset(stream, h2.errors.ErrorCodes.CANCEL)
                stream.disconnect()
            self._rest()
        else:
            self.shutdown()
            self._transport.close()

    def _rest(self) -> None:
        """Set the deadline for a client that does nothing."""
        if self._streams:
            times = [stream.deadline for stream in self._streams.values() if stream.deadline]
            self.deadline = min(times) if times else 0.0
        else:
            timeout = self._options.keep_alive_timeout
            self.deadline = self._loop.time() + timeout if timeout else 0.0

    def pause_writing(self) -> None:
        self._writable.clear()
        self._unsent = self._transport.get_write_buffer_size()
        if self._options.write_timeout:
            self.deadline = self._loop.time() + self._options.write_timeout

    def resume_writing(self) -> None:
        self._writable.set()
        self._rest()

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            events = self._conn.receive_data(data)
            for event in events:
                self._take(event)
        except h2.exceptions.ProtocolError as error:
            logger.debug("An HTTP/2 client broke the protocol: %s", error)
            self._flush()
            self._transport.close()
            return
        self._flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._open(event)
        elif isinstance(event, h2.events.DataReceived):
            self._take_data(event)
        elif isinstance(event, h2.events.StreamEnded):
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                stream.body_ended = True
                stream.deadline = 0.0
                stream.changed.set()
        elif isinstance(event, h2.events.StreamReset):
            self._take_reset(event.stream_id)
        elif isinstance(event, h2.events.WindowUpdated):
            for stream in list(self._streams.values()) if not event.stream_id else [self._streams.get(event.stream_id)]:
                if stream is not None:
                    stream.changed.set()
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self._count_idle_frame()
            for stream in self._streams.values():
                stream.changed.set()
        elif isinstance(event, (h2.events.PingReceived, h2.events.PriorityUpdated)):
            self._count_idle_frame()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._transport.close()

    def _count_idle_frame(self) -> None:
        now = self._loop.time()
        if now - self._window_start > 1:
            self._window_start, self._idle_frames = now, 0
        self._idle_frames += 1
        if self._idle_frames > IDLE_FRAMES:
            self._calm_down()

    def _take_reset(self, number: int) -> None:
        self._reset += 1
        if self._reset > max(RESETS_AT_LEAST, self._opened * RESETS_PER_HUNDRED // 100):
            self._calm_down()
        stream = self._streams.get(number)
        if stream is not None:
            stream.disconnect()

    def _calm_down(self) -> None:
        if not self._closing:
            self._closing = True
            logger.warning("An HTTP/2 client was sent away: it keeps the server busy with nothing.")
            self._conn.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            self._flush()
            self._transport.close()

    def _open(self, event: Any) -> None:
        self._opened += 1
        if self._closing:
            self._conn.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        pseudo: dict[bytes, bytes] = {}
        headers: list[tuple[bytes, bytes]] = []
        for name, value in event.headers:
            if name.startswith(b":"):
                pseudo[name] = value
            else:
                headers.append((bytes(name), bytes(value)))
        refusal = self._refusal(pseudo, headers)
        if refusal is not None:
            self._answer(event.stream_id, *refusal)
            return
        if not any(name == b"host" for name, _ in headers):
            headers.insert(0, (b"host", pseudo[b":authority"]))
        raw_path, _, query = pseudo[b":path"].partition(b"?")
        stream = self._streams[event.stream_id] = Stream(self, event.stream_id, {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "2",
            "method": pseudo[b":method"].decode("ascii"),
            "scheme": self._scheme,
            "path": "",
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            # RFC 9113 section 8.2.3: cookies come apart, and belong together.
            "headers": _with_one_cookie(headers),
            "client": self._client,
            "server": self._server,
            "extensions": {},
        }, event.stream_ended is not None)
        if not stream.body_ended and self._options.body_timeout:
            stream.deadline = self._loop.time() + self._options.body_timeout
        self._rest()
        task = self._loop.create_task(stream.run(self._application))
        task.add_done_callback(self._server_state.tasks.discard)
        self._server_state.tasks.add(task)

    def _refusal(self, pseudo: dict[bytes, bytes], headers: list[tuple[bytes, bytes]]) -> Optional[tuple[int, str]]:
        """Return (status, why) if the request isn't to be answered."""
        options = self._options
        if pseudo.get(b":method") == b"CONNECT":
            return 501, "This server is no proxy."
        if b":path" not in pseudo or not pseudo[b":path"].startswith((b"/", b"*")):
            return 400, "The request has no path."
        if options.max_request_line and len(pseudo[b":path"]) > options.max_request_line - 20:
            return 414, "The request line is too long."
        if options.max_headers and len(headers) > options.max_headers:
            return 431, "The request has too many headers."
        hosts = {value for name, value in headers if name == b"host"}
        if b":authority" in pseudo:
            hosts.add(pseudo[b":authority"])
        if len(hosts) != 1:
            return 400, "A request names one host."
        for name, value in headers:
            if name == b"content-length" and options.max_body_size and int(value) > options.max_body_size:
                return 413, f"The body of a request may have {options.max_body_size} bytes."
        return None

    def _answer(self, number: int, status: int, detail: str) -> None:
        """Answer with an error, without anybody else."""
        body = f"{status}: {detail}\n".encode("utf-8")
        self._conn.send_headers(number, [
            (b":status", b"%d" % status), (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
        ])
        self._conn.send_data(number, body, end_stream=True)
        # The rest of the request isn't read (RFC 9113 section 8.1).
        if number in self._conn.streams and self._conn.streams[number].open:
            self._conn.reset_stream(number, h2.errors.ErrorCodes.NO_ERROR)

    def _take_data(self, event: Any) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.response_ended:
            self._conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            return
        padding = event.flow_controlled_length - len(event.data)
        if padding:
            self._conn.acknowledge_received_data(padding, event.stream_id)
        stream.body_size += len(event.data)
        if self._options.max_body_size and stream.body_size > self._options.max_body_size:
            if not stream.response_started:
                self._answer(stream.number, 413, f"The body of a request may have {self._options.max_body_size} bytes.")
            stream.response_ended = True
            stream.disconnect()
            return
        if self._options.body_timeout:
            stream.deadline = self._loop.time() + self._options.body_timeout
        if event.data:
            stream.body.append(event.data)
            stream.changed.set()
        else:
            self._count_idle_frame()

    def consumed(self, stream: Stream, size: int) -> None:
        """Let the client send as much again."""
        if size and not self._transport.is_closing():
            try:
                self._conn.acknowledge_received_data(size, stream.number)
            except h2.exceptions.StreamClosedError:
                return
            self._flush()

    # What goes out

    def send_headers(self, stream: Stream, status: int, headers: Any) -> None:
        fields = [(b":status", b"%d" % status), *self._server_state.default_headers]
        fields += [(name.lower(), value) for name, value in headers]
        try:
            self._conn.send_headers(stream.number, fields)
        except h2.exceptions.ProtocolError:
            stream.disconnect()
        # Not yet: the body follows at once, as a rule.

    async def send_body(self, stream: Stream, body: bytes, last: bool) -> None:
        """Send as the client's windows and its speed allow."""
        position, size = 0, len(body)
        while not stream.disconnected:
            if not self._writable.is_set():
                await self._writable.wait()
                continue
            try:
                room = min(
                    self._conn.local_flow_control_window(stream.number), self._conn.max_outbound_frame_size,
                    size - position,
                )
                if room > 0 or position == size:
                    position += room
                    ends = last and position == size
                    if room > 0 or ends:
                        self._conn.send_data(stream.number, body[position - room:position], end_stream=ends)
                    self._flush()
                    if position == size:
                        return
                    continue
            except h2.exceptions.ProtocolError:
                stream.disconnect()
                return
            self._flush()
            stream.changed.clear()
            await stream.changed.wait()

    def reset(self, stream: Stream, code: h2.errors.ErrorCodes) -> None:
        """Break a stream off."""
        try:
            self._conn.reset_stream(stream.number, code)
        except h2.exceptions.ProtocolError:
            return
        self._flush()

    def forget(self, stream: Stream) -> None:
        """Take note that a stream's application is done."""
        self._streams.pop(stream.number, None)
        while stream.body:
            self.consumed(stream, len(stream.body.popleft()))
        if not stream.body_ended and not stream.disconnected and not self._transport.is_closing():
            # Nobody reads the rest of it (RFC 9113 section 8.1).
            self.reset(stream, h2.errors.ErrorCodes.NO_ERROR)
        if self._closing and not self._streams:
            self._flush()
            self._transport.close()
        self._rest()

    def _flush(self) -> None:
        data = self._conn.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)


def _with_one_cookie(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    cookies = [value for name, value in headers if name == b"cookie"]
    if len(cookies) < 2:
        return headers
    return [header for header in headers if header[0] != b"cookie"] + [(b"cookie", b"; ".join(cookies))]
