"""
Options of the server, in one object that is passed through.

Where a limit has precedents they are named: nobody who comes from another
server should be surprised by ours.
"""
from __future__ import annotations

import dataclasses
import math
from typing import Any, Optional
from urllib.parse import unquote

#: Seconds that stand for no limit in time: timers don't take infinity.
NEVER = 10.0 ** 8


@dataclasses.dataclass(frozen=True)
class Options:
    """
    The settings of a server; sizes are in bytes, times in seconds.

    0 takes a limit away.
    """

    #: The path that the application is mounted at; SCRIPT_NAME to Django.
    root_path: str = ""
    #: WebSocket subprotocols that are accepted when the worker names none.
    ws_protocols: tuple[str, ...] = ()

    #: Serve even if only processes of another project use the layer?
    any_project: bool = False

    # Workers' time
    #: To begin an answer, and between two pieces of it.
    http_timeout: float = 120.0
    #: To accept or deny a WebSocket.
    websocket_handshake_timeout: float = 5.0
    #: How long a frame, or a piece of a body, waits for room in its channel.
    send_timeout: float = 5.0
    #: How long a request does.
    queue_timeout: float = 30.0

    # Clients' time
    #: From the connection, or the first byte, to the end of the headers and
    #: of TLS's handshake (nginx: 60, Apache: 20 to 40).
    header_timeout: float = 10.0
    #: Between two pieces of a request's body (nginx: 60).
    body_timeout: float = 30.0
    #: A body's least rate in bytes a second, after that time (Kestrel: 240),
    #: and what all of it may take.
    min_body_rate: int = 240
    max_body_time: float = 3600.0
    #: For a client to take some of what is sent to it (nginx: 60): as much as
    #: the least rate makes of that time (Kestrel: 240), or everything.
    write_timeout: float = 60.0
    min_write_rate: int = 240
    #: What waiting for its client to read may take of a response's time.
    max_response_time: float = 3600.0
    #: An idle connection's, between requests (nginx: 75, Apache: 5).
    keep_alive_timeout: float = 15.0
    #: Without a byte from a WebSocket it is pinged; then it has so long.
    ping_interval: float = 20.0
    ping_timeout: float = 20.0
    #: A WebSocket's whole life. A layer forgets members of groups after a day.
    websocket_lifetime: float = 86400.0
    #: How long sockets are kept while the channel layer is away.
    outage_timeout: float = 60.0
    #: What is left of a socket's life after its close frame was sent, and of a
    #: connection's after the client has closed its half.
    close_timeout: float = 5.0

    # Clients' number
    #: (Beyond them connections are refused at once.)
    max_connections: int = 10000
    #: From one IPv4 address or IPv6 /64; loopback and proxies don't count.
    max_connections_per_address: int = 1000
    #: Streams of one HTTP/2 connection (nginx: 128, Apache: 100).
    max_streams: int = 100

    # Clients' sizes
    #: The request line (nginx: 8192, Apache: 8190).
    max_request_line: int = 8190
    #: All headers together (nginx: 32768), and their number (Apache: 100).
    max_header_bytes: int = 32768
    max_headers: int = 100
    #: A request's body (Apache: 1 GiB; nginx: 1 MiB).
    max_body_size: int = 1024 * 1024 * 1024
    #: A WebSocket's frame and message (websockets: 1 MiB).
    max_frame_size: int = 1024 * 1024
    max_message_size: int = 1024 * 1024
    #: One WebSocket's frames in a second; more are read when it is over.
    max_frames_per_second: int = 1000

    # Room
    #: Requests that wait for room in a full channel, and handshakes (IIS:
    #: 1000, for each pool). Those that come after them are refused.
    queue_size: int = 2000
    #: Requests of one address that workers have before the next ones wait for
    #: its turn, while others ask, too; loopback and proxies don't count.
    requests_per_address: int = 4
    #: The same in any case. How many workers can spare depends on how
    #: many there are, and on what they do: nobody can know that here.
    max_requests_per_address: int = 0
    #: All that waits for room, frames too.
    queue_bytes: int = 64 * 1024 * 1024
    #: Of a request's body inside its message, and in each piece after it.
    inline_body_size: int = 1024 * 1024
    body_chunk_size: int = 512 * 1024
    #: Hand bodies to workers, and responses to clients, as they come?
    #: Otherwise a worker hears of a request once its body is here, and its
    #: response is taken off its hands (nginx: proxy_request_buffering and
    #: proxy_buffering, on).
    stream_bodies: bool = False
    stream_responses: bool = False
    #: Of a response that waits for a slow client in memory (nginx: 64 KiB),
    #: and in a temporary file before its worker has to wait (nginx: 1 GiB).
    response_buffer: int = 1024 * 1024
    response_spool: int = 64 * 1024 * 1024
    #: Of all bodies and responses of a process that wait, in memory and in
    #: files. What memory doesn't take goes into files; without room there,
    #: bodies are refused with 503, and workers wait.
    max_buffered: int = 256 * 1024 * 1024
    max_spooled: int = 4 * 1024 * 1024 * 1024
    #: Of frames that wait for a slow client, which is closed beyond it.
    outbound_buffer: int = 1024 * 1024

    # Whom to believe
    #: Addresses and networks of proxies that may say who the client is.
    trusted_proxies: tuple[str, ...] = ()
    #: The headers that they set, a key of forwarded.FAMILIES; others are what
    #: a client claims, since proxies pass on what they don't know.
    forwarded_header: str = "x-forwarded"
    #: Hosts and origins that are served, with * at the front for any below;
    #: none means that Django decides.
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()

    # TLS
    certificate: Optional[str] = None
    private_key: Optional[str] = None

    #: Make spans of OpenTelemetry, so that one trace shows a request's way?
    tracing: bool = False

    # The end
    #: The time in which what was open when the server was told to stop may ask
    #: once more (Envoy's drain time: 600).
    grace_time: float = 1.0
    #: The time over which sockets are closed when the server stops.
    drain_time: float = 0.0
    #: The time that responses in progress have after a request to stop.
    shutdown_timeout: float = 10.0
    #: Does the server end itself at SIGINT and SIGTERM?
    signal_handlers: bool = True

    @property
    def uses_tls(self) -> bool:
        return self.certificate is not None


def root_path(text: str) -> str:
    """Return the root path that somebody wrote, as in an address (/caf%C3%A9/) or as in a message."""
    root = unquote(text).strip("/")
    return "/" + root if root else ""


def number(kind: Any, text: str) -> Any:
    """Return what `text` says for an int or float; raise ValueError with advice."""
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    # Neither nan nor infinity: 0 is what takes a limit away.
    if not 0 <= value < math.inf:
        raise ValueError(f"must be a {'whole ' if kind is int else ''}number from 0 on, not {text!r}")
    return value
