"""
The fields of Options on the command line: their groups, names and help.
"""
from __future__ import annotations

#: Group -> (field of Options, unit, help).
GROUPS: dict[str, list[tuple[str, str, str]]] = {
    "requests and sockets": [
        ("root_path", "PATH", "path that the site is mounted at (SCRIPT_NAME)"),
        ("http_timeout", "SECONDS", "answer with 503 when no worker has after so long"),
        ("websocket_handshake_timeout", "SECONDS",
         "refuse with 403 a socket that no worker has accepted after so long"),
        ("ws_protocols", "NAME", "WebSocket subprotocol to accept if the worker names none"),
        ("send_timeout", "SECONDS", "how long a frame waits for room in its channel"),
        ("queue_timeout", "SECONDS", "how long a request does; then 503"),
        ("inline_body_size", "BYTES", "of a request's body inside its message"),
        ("body_chunk_size", "BYTES", "of a request's body in each message after it"),
        ("stream_bodies", "", "hand a request to a worker before its body is here"),
        ("stream_responses", "", "have a worker wait once response_buffer is full, instead of using a file"),
    ],
    "whom to believe, and to serve": [
        ("trusted_proxies", "ADDRESS", "address or network of a proxy that may say who the client is; unix stands for "
                                       "Unix sockets"),
        ("forwarded_header", "FAMILY", "the headers that these proxies set: x-forwarded (X-Forwarded-For and "
                                       "X-Forwarded-Proto) or forwarded (RFC 7239). The others are dropped: a "
                                       "proxy passes them on as the client sent them"),
        ("allowed_hosts", "HOST", "host to serve, .example.com with all below; if none is given, all"),
        ("allowed_origins", "ORIGIN", "origin that may open WebSockets, https://example.com or .example.com; if none "
                                      "is given, all"),
    ],
    "limits in size (0 for none)": [
        ("max_request_line", "BYTES", "longer ones get 414"),
        ("max_header_bytes", "BYTES", "more in all get 431"),
        ("max_headers", "NUMBER", "more get 431"),
        ("max_body_size", "BYTES", "larger ones get 413"),
        ("max_frame_size", "BYTES", "a WebSocket with a larger one is closed with 1009"),
        ("max_message_size", "BYTES", "a WebSocket with a larger one is closed with 1009"),
        ("max_frames_per_second", "NUMBER", "a WebSocket's further ones are read in the next second"),
        ("queue_bytes", "BYTES", "of all that waits for room in full channels; the next are refused"),
        ("outbound_buffer", "BYTES", "a WebSocket whose client leaves more unread is closed with 1013"),
        ("response_buffer", "BYTES", "of a response that wait in memory for a slow client"),
        ("response_spool", "BYTES", "of a response that wait in a file; then its worker has to wait"),
        ("max_buffered", "BYTES", "of all bodies and responses that wait in memory; more goes into files"),
        ("max_spooled", "BYTES", "of all that wait in files; then bodies get 503, and workers wait"),
    ],
    "limits in number (0 for none)": [
        ("max_connections", "NUMBER", "of one process"),
        ("max_connections_per_address", "NUMBER", "of one process; loopback and trusted proxies don't count"),
        ("max_streams", "NUMBER", "of one HTTP/2 connection"),
        ("queue_size", "NUMBER", "of requests that wait for room in a full channel, and of handshakes; the next get "
                                 "503"),
    ],
    "limits in time (0 for none)": [
        ("header_timeout", "SECONDS", "for TLS and the headers of a request; then 408"),
        ("body_timeout", "SECONDS", "between two pieces of a request's body; then 408"),
        ("min_body_rate", "BYTES", "a second, after that time; slower bodies get 408"),
        ("max_body_time", "SECONDS", "for a request's body in all; then 408"),
        ("write_timeout", "SECONDS", "for a client to take some of what is sent to it"),
        ("min_write_rate", "BYTES", "a second, over that time; slower clients are cut off"),
        ("max_response_time", "SECONDS", "of a response that it waits for its client"),
        ("keep_alive_timeout", "SECONDS", "between two requests"),
        ("ping_interval", "SECONDS", "of silence until a WebSocket is pinged"),
        ("ping_timeout", "SECONDS", "of silence after that until it is given up"),
        ("websocket_lifetime", "SECONDS", "until a WebSocket is closed with 1012"),
        ("close_timeout", "SECONDS", "for a client to answer a close"),
        ("outage_timeout", "SECONDS", "that WebSockets are kept while the layer is away"),
        ("drain_time", "SECONDS", "over which WebSockets are closed with 1012 when the server stops"),
        ("shutdown_timeout", "SECONDS", "for responses in progress when the server stops"),
    ],
    "TLS": [
        ("certificate", "FILE", "certificate with its chain, PEM; SIGHUP loads it again"),
        ("private_key", "FILE", "its key, PEM, if it isn't in the same file"),
    ],
}
#: Options that may be repeated, and what they are called on the command line.
REPEATED = {
    "ws_protocols": "--ws-protocol",
    "trusted_proxies": "--trusted-proxy",
    "allowed_hosts": "--allowed-host",
    "allowed_origins": "--allowed-origin",
}


def flag(field: str) -> str:
    """Return what the option for a field of Options is called."""
    return REPEATED.get(field, "--" + field.replace("_", "-"))
