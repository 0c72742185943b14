"""
The command line: what can be said on it, and what it means.
"""
from __future__ import annotations

import argparse
import dataclasses
from typing import Any, Optional, Union

from . import __version__
from .app.proxy_headers import TrustedProxies
from .errors import UsageError
from .operation.access_log import FORMATS
from .operation.listeners import Binding
from .operation.logging_setup import FORMATTERS
from .options import Options, number

DESCRIPTION = """\
Serve HTTP and WebSocket in front of a Django channel layer: requests and
frames go out as messages, which workers (manage.py runworker) answer.
"""

EPILOG = """\
examples:
  interface-server mysite.asgi:channel_layer
      Serve the layer that the project in this folder configures, on
      http://127.0.0.1:8000/.

  interface-server --redis redis://localhost:6379/0
      The same without any project: all it needs to know is the Redis.

  interface-server -b 0.0.0.0 -p 443 --certificate cert.pem --private-key key.pem \\
          --workers 2 --access-log - mysite.asgi:channel_layer
      On the Internet: TLS with HTTP/2, two processes, a log on stdout.

  interface-server -u /run/mysite.sock --trusted-proxy unix mysite.asgi:channel_layer
      Behind a proxy such as nginx, on a Unix socket, believing it about who
      the client is.

  interface-server --check --max-body-size 10485760 mysite.asgi:channel_layer
      Say whether that would run, and what it would do.

If the layer can't be reached, requests get 503 until it can.

signals:
  SIGTERM, SIGINT   end gracefully; a second one, at once
  SIGHUP            load the certificate again
"""

#: Group -> (field of Options, unit, help).
_TABLE: dict[str, list[tuple[str, str, str]]] = {
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
        ("response_buffer", "BYTES", "a worker whose client leaves more unread has to wait"),
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
        ("write_timeout", "SECONDS", "for a client to take any of what is sent to it"),
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
_REPEATED = {
    "ws_protocols": "--ws-protocol",
    "trusted_proxies": "--trusted-proxy",
    "allowed_hosts": "--allowed-host",
    "allowed_origins": "--allowed-origin",
}


@dataclasses.dataclass(frozen=True)
class Command:
    """What the command line says."""

    layer: Optional[str]
    redis: Optional[str]
    binding: Binding
    options: Options
    #: The fields of `options` that were given.
    given: frozenset[str]
    workers: int
    access_log: Optional[str]
    access_format: str
    management: Optional[tuple[str, int]]
    log_format: str
    verbosity: int
    check: bool


def flag(field: str) -> str:
    """Return what the option for a field of Options is called."""
    return _REPEATED.get(field, "--" + field.replace("_", "-"))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="interface-server", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    layer = parser.add_argument_group("the channel layer (one of these)")
    layer.add_argument(
        "channel_layer", nargs="?", metavar="package.module:name",
        help="where the project has its layer, such as mysite.asgi:channel_layer",
    )
    layer.add_argument("--redis", metavar="URL", help="a Redis of its own, such as redis://localhost:6379/0")

    binding = parser.add_argument_group("where to listen (all may be combined and repeated)")
    binding.add_argument(
        "-b", "--bind", action="append", default=[], metavar="HOST[:PORT]", help="address or name; default: 127.0.0.1",
    )
    binding.add_argument("-p", "--port", type=int, help="where none is said; default: 8000")
    binding.add_argument("-u", "--unix-socket", action="append", default=[], metavar="PATH", help="Unix socket")
    binding.add_argument(
        "--fd", type=int, action="append", default=[], metavar="N",
        help="listening socket inherited as file descriptor N; those of systemd are found without it",
    )

    for title, rows in _TABLE.items():
        group = parser.add_argument_group(title)
        for field, unit, explanation in rows:
            _add_option(group, field, unit, explanation)

    operation = parser.add_argument_group("operation")
    operation.add_argument("--workers", type=int, default=1, metavar="NUMBER", help="processes; default: %(default)s")
    operation.add_argument("--access-log", metavar="FILE", help="write an access log; - is stdout")
    operation.add_argument(
        "--access-log-format", choices=sorted(FORMATS), default="common", help="default: %(default)s",
    )
    operation.add_argument(
        "--log-format", choices=sorted(FORMATTERS), default="text",
        help="of the log of what goes wrong, on stderr; default: %(default)s",
    )
    operation.add_argument(
        "--management", metavar="[HOST:]PORT",
        help="answer /health, /ready and /metrics (Prometheus) there; the second process on the next port, and so on",
    )
    operation.add_argument(
        "-v", "--verbosity", type=int, default=1, metavar="LEVEL",
        help="0 logs errors, 1 warnings too, 2 what happens, 3 details; default: %(default)s",
    )
    operation.add_argument(
        # It was an option once.
        "--server", help=argparse.SUPPRESS,
    )
    operation.add_argument("--check", action="store_true", help="say whether it would run, and serve nothing")
    return parser


def _add_option(group: Any, field: str, unit: str, explanation: str) -> None:
    default = getattr(Options(), field)
    if field in _REPEATED:
        group.add_argument(
            flag(field), dest=field, action="append", default=argparse.SUPPRESS, metavar=unit,
            help=explanation + "; may be repeated",
        )
        return
    kind = str if default is None else type(default)
    if default not in (None, ""):
        explanation += f"; default: {default:g}" if isinstance(default, float) else f"; default: {default}"
    group.add_argument(
        flag(field), dest=field, type=_number(kind) if kind is not str else str, default=argparse.SUPPRESS,
        metavar=unit, help=explanation,
    )


def _number(kind: Any) -> Any:
    def convert(text: str) -> Any:
        try:
            return number(kind, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def parse(parser: argparse.ArgumentParser, arguments: Optional[list[str]] = None) -> Command:
    """Return the Command that `arguments` are; raise UsageError."""
    parsed = parser.parse_args(arguments)
    if bool(parsed.channel_layer) == bool(parsed.redis):
        raise UsageError(
            "Name one channel layer: either package.module:name, such as mysite.asgi:channel_layer, or --redis URL."
        )
    if parsed.server is not None:
        raise UsageError(
            "There is no --server any more: interface-server is a server of its own. To run the application under "
            "another one, name interface_server.asgi:application to that, and the settings in the environment: "
            "INTERFACE_SERVER_LAYER=mysite.asgi:channel_layer uvicorn interface_server.asgi:application."
        )
    if parsed.workers < 1:
        raise UsageError("There has to be at least one process: --workers 1.")
    given = {
        field: value for field, value in vars(parsed).items()
        if field in {field.name for field in dataclasses.fields(Options)}
    }
    values: dict[str, Any] = {
        field: tuple(value) if isinstance(value, list) else value for field, value in given.items()
    }
    if "root_path" in values:
        values["root_path"] = values["root_path"].rstrip("/")
    if "private_key" in values and "certificate" not in values:
        raise UsageError("--private-key needs the --certificate that it belongs to.")
    options = Options(**values)
    # It is made for each process; here it is to say what is wrong with these.
    TrustedProxies(options.trusted_proxies, options.forwarded_header)
    management = _address(parsed.management, None) if parsed.management else None
    if management is not None:
        # Each process has the next one.
        _port(management[1] + parsed.workers - 1)
    return Command(
        layer=parsed.channel_layer, redis=parsed.redis, binding=_binding(parsed), options=options,
        given=frozenset(given), workers=parsed.workers, access_log=parsed.access_log,
        access_format=parsed.access_log_format,
        management=management, log_format=parsed.log_format, verbosity=parsed.verbosity, check=parsed.check,
    )


def _binding(parsed: argparse.Namespace) -> Binding:
    port = 8000 if parsed.port is None else _port(parsed.port)
    addresses = [_address(bind, port) for bind in parsed.bind]
    if not addresses and (parsed.port is not None or not (parsed.unix_socket or parsed.fd)):
        addresses = [("127.0.0.1", port)]
    return Binding(
        addresses=tuple(addresses), unix_sockets=tuple(parsed.unix_socket), fds=tuple(parsed.fd),
        is_default=not (parsed.bind or parsed.port is not None or parsed.unix_socket or parsed.fd),
    )


def _address(text: str, default_port: Optional[int]) -> tuple[str, int]:
    """Return (host, port) of "host", "host:port", "[::1]:80", "::1" or "80"."""
    host, separator, port = text.rpartition(":")
    if default_port is None and not separator and text.isdecimal():
        return "127.0.0.1", _port(text)
    if separator and port.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]") or "127.0.0.1", _port(port)
    if default_port is None:
        raise UsageError(f"{text!r} doesn't say which port: write HOST:PORT, or PORT.")
    return text.strip("[]"), default_port


def _port(said: Union[int, str]) -> int:
    """Return a port; the system would take the rest of a division by 65536."""
    if not 0 <= int(said) < 65536:
        raise UsageError(f"invalid port {said}: use 0 (any free port) to 65535.")
    return int(said)
