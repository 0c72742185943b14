"""
The fields of Options on the command line: their groups, names and help.
"""
from __future__ import annotations

#: Group -> (field of Options, unit, help).
GROUPS: dict[str, list[tuple[str, str, str]]] = {
    "requests and WebSockets": [
        ("root_path", "PATH", "the path that the site is mounted at (SCRIPT_NAME)"),
        ("http_timeout", "SECONDS", "answer a request with 503 if no worker has responded to it within this time"),
        ("websocket_handshake_timeout", "SECONDS",
         "refuse a WebSocket with 403 if no worker has accepted it within this time"),
        ("ws_protocols", "NAME", "a WebSocket subprotocol to accept where the worker names none"),
        ("send_timeout", "SECONDS", "how long a frame may wait for room in its channel"),
        ("queue_timeout", "SECONDS", "how long a request may wait for room in its channel before it gets 503"),
        ("inline_body_size", "BYTES", "how much of a request's body travels inside the request's message"),
        ("body_chunk_size", "BYTES", "how much of the rest of the body travels in each message that follows"),
        ("stream_bodies", "", "pass a request on to a worker before all of its body has arrived"),
        ("stream_responses", "", "make the worker wait when --response-buffer is full, instead of buffering in a "
                                 "file"),
    ],
    "trusted proxies, hosts and origins": [
        ("trusted_proxies", "ADDRESS", "an address or a network of proxies whose forwarding headers are believed; "
                                       "unix stands for clients on Unix sockets"),
        ("forwarded_header", "FAMILY", "the headers that these proxies set: x-forwarded (X-Forwarded-For and "
                                       "X-Forwarded-Proto) or forwarded (RFC 7239). The other family is dropped, "
                                       "since a proxy passes it on as the client sent it"),
        ("allowed_hosts", "HOST", "a host to serve; .example.com includes its subdomains. Without this option, all "
                                  "hosts are served"),
        ("allowed_origins", "ORIGIN", "an origin whose pages may open WebSockets: https://example.com or "
                                      ".example.com. Without this option, all may"),
    ],
    "limits in size (0: no limit)": [
        ("max_request_line", "BYTES", "longest request line; longer ones get 414"),
        ("max_header_bytes", "BYTES", "most bytes of headers in a request; more get 431"),
        ("max_headers", "NUMBER", "most headers in a request; more get 431"),
        ("max_body_size", "BYTES", "largest body of a request; larger ones get 413"),
        ("max_frame_size", "BYTES", "largest frame of a WebSocket; a larger one closes it with 1009"),
        ("max_message_size", "BYTES", "largest message of a WebSocket; a larger one closes it with 1009"),
        ("max_frames_per_second", "NUMBER", "most frames that are read from a WebSocket in a second; the rest are "
                                            "read in the next"),
        ("queue_bytes", "BYTES", "most bytes of requests and frames that may wait for room in full channels; "
                                 "further ones are refused"),
        ("outbound_buffer", "BYTES", "most bytes that may wait for the client of a WebSocket; more close it with "
                                     "1013"),
        ("response_buffer", "BYTES", "most bytes of a response that wait for its client in memory; the rest goes to "
                                     "a file"),
        ("response_spool", "BYTES", "most bytes of a response that wait in a file; beyond that, its worker waits"),
        ("max_buffered", "BYTES", "most bytes of all bodies and responses in memory; the rest goes to files. As much "
                                  "may wait for slow clients of WebSockets; more close the next one with 1013"),
        ("max_spooled", "BYTES", "most bytes of all bodies and responses in files; beyond that, requests get 503 "
                                 "and workers wait"),
    ],
    "limits in number (0: no limit)": [
        ("max_connections", "NUMBER", "most connections of a process"),
        ("max_connections_per_address", "NUMBER", "most connections of a process from one address; loopback and "
                                                  "trusted proxies don't count"),
        ("max_streams", "NUMBER", "most streams of an HTTP/2 connection at once"),
        ("queue_size", "NUMBER", "most requests, and most handshakes, that may wait for room in a full channel; "
                                 "further ones get 503"),
        ("requests_per_address", "NUMBER", "most requests of one address at workers before the next ones wait for its "
                                           "turn, while other addresses ask; loopback and trusted proxies don't "
                                           "count, and what proxies say of their clients does"),
        ("max_requests_per_address", "NUMBER", "most requests of one address at workers in any case; the next "
                                               "ones wait. With fewer than workers have threads, nobody can keep all "
                                               "of them busy with requests that take long"),
    ],
    "limits in time (0: no limit)": [
        ("header_timeout", "SECONDS", "longest time for the TLS handshake and the headers of a request; then 408"),
        ("body_timeout", "SECONDS", "longest time between two pieces of a request's body; then 408"),
        ("min_body_rate", "BYTES", "fewest bytes of a body in a second, once --body-timeout has passed; slower "
                                   "clients get 408"),
        ("max_body_time", "SECONDS", "longest time for a whole request body; then 408"),
        ("write_timeout", "SECONDS", "longest time in which a client may read nothing of what is sent to it"),
        ("min_write_rate", "BYTES", "fewest bytes in a second, on average over --write-timeout, that a client must "
                                    "read; slower clients are cut off"),
        ("max_response_time", "SECONDS", "longest time that a response waits for its client to read it"),
        ("keep_alive_timeout", "SECONDS", "longest time that a connection stays open between two requests"),
        ("ping_interval", "SECONDS", "silence after which a WebSocket is pinged"),
        ("ping_timeout", "SECONDS", "further silence after which a pinged WebSocket is closed"),
        ("websocket_lifetime", "SECONDS", "age at which a WebSocket is closed with 1012"),
        ("close_timeout", "SECONDS", "longest time that a client may take to answer a close, and after which one "
                                     "that has closed its half of a connection is taken to be gone"),
        ("outage_timeout", "SECONDS", "how long WebSockets stay open while the channel layer can't be reached"),
        ("grace_time", "SECONDS", "time for which a server that stops still answers, and tells its clients to use "
                                  "other connections; those that are idle after it are closed"),
        ("drain_time", "SECONDS", "time over which the closing of WebSockets, with 1012, is spread when the server "
                                  "stops"),
        ("shutdown_timeout", "SECONDS", "how long a server that stops waits for the responses in progress"),
    ],
    "tracing": [
        ("tracing", "", "make spans of requests, handshakes, frames and deliveries with OpenTelemetry (pip install "
                        "opentelemetry-sdk)"),
    ],
    "TLS": [
        ("certificate", "FILE", "the certificate with its chain, PEM; SIGHUP loads it again"),
        ("private_key", "FILE", "the certificate's key, PEM, unless it is in the same file"),
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
