"""
Parser of the command line.
"""
from __future__ import annotations

import argparse
import dataclasses
from typing import Any, Optional, Union

from . import __version__
from .app.proxy_headers import TrustedProxies
from .app.tracing import require_library
from .errors import UsageError
from .misspelling import Parser
from .operation.access_log import FORMATS
from .operation.listeners import Binding
from .operation.logging_setup import FORMATTERS
from .option_help import GROUPS, REPEATED, flag
from .options import Options, number, root_path

USAGE = """\
%(prog)s [options] package.module:name
       %(prog)s [options] --redis URL"""

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
      The same without a project, for layers whose CONFIG names hosts alone.

  interface-server -b 0.0.0.0 -p 443 --certificate cert.pem --private-key key.pem \\
          --workers 2 --access-log - mysite.asgi:channel_layer
      On the Internet: TLS with HTTP/2, two processes, a log on stdout.

  interface-server -u /run/mysite.sock --trusted-proxy unix mysite.asgi:channel_layer
      Behind a proxy such as nginx, on a Unix socket; the client's address is
      the one that the proxy names.

  interface-server --check --max-body-size 10485760 mysite.asgi:channel_layer
      Check these options, and print what the server would do.

While the channel layer can't be reached, requests get 503.

signals:
  SIGTERM, SIGINT   stop gracefully; a second signal stops at once
  SIGHUP            load the certificate again; of a terminal that was closed: stop
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """The parsed command line."""

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


def build_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="interface-server", usage=USAGE, description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    layer = parser.add_argument_group("the channel layer (one of these)")
    layer.add_argument(
        "channel_layer", nargs="?", metavar="package.module:name",
        help="where the project has its layer, such as mysite.asgi:channel_layer",
    )
    layer.add_argument(
        "--redis", metavar="URL",
        help="the Redis server that carries the messages, such as redis://localhost:6379/0. It has the default "
             "prefix and no encryption: name the project's layer if that has others",
    )
    _add_option(
        layer, "any_project", "",
        "serve although processes of another project, one with another SECRET_KEY, use the same layer and prefix",
    )

    binding = parser.add_argument_group("addresses to listen on (may be combined and repeated)")
    binding.add_argument(
        "-b", "--bind", action="append", default=[], metavar="HOST[:PORT]",
        help="an address or a host name; default: 127.0.0.1",
    )
    binding.add_argument("-p", "--port", type=int, help="the port where --bind names none; default: 8000")
    binding.add_argument(
        "-u", "--unix-socket", action="append", default=[], metavar="PATH",
        help="the path of a Unix socket; who may enter its folder may connect",
    )
    binding.add_argument(
        "--fd", type=int, action="append", default=[], metavar="N",
        help="a listening socket inherited as file descriptor N; those of systemd need no option",
    )

    for title, rows in GROUPS.items():
        group = parser.add_argument_group(title)
        for field, unit, explanation in rows:
            _add_option(group, field, unit, explanation)

    _add_operation(parser.add_argument_group("operation"))
    return parser


def _add_operation(operation: Any) -> None:
    operation.add_argument(
        "--workers", type=int, default=1, metavar="NUMBER",
        help="number of processes; default: %(default)s",
    )
    operation.add_argument(
        "--access-log", metavar="FILE",
        help="the file of the access log; - is stdout. Without this option, there is none",
    )
    operation.add_argument(
        "--access-log-format", choices=sorted(FORMATS), default="common",
        help="the format of the access log; default: %(default)s",
    )
    operation.add_argument(
        "--log-format", choices=sorted(FORMATTERS), default="text",
        help="the format of the error log, which goes to stderr; default: %(default)s",
    )
    operation.add_argument(
        "--management", metavar="[HOST:]PORT",
        help="an address to answer /health, /ready, /metrics (Prometheus) and /metrics/all (with those of the channel "
             "layer, its workers and all its servers) on; each further process uses the next port",
    )
    operation.add_argument(
        "-v", "--verbosity", type=int, default=1, metavar="LEVEL",
        help="0 logs errors, 1 warnings as well, 2 events, 3 details; default: %(default)s",
    )
    operation.add_argument(
        # It was an option once.
        "--server", help=argparse.SUPPRESS,
    )
    operation.add_argument(
        "--check", action="store_true",
        help="check the options and the channel layer, report what is wrong, and exit",
    )


def _add_option(group: Any, field: str, unit: str, explanation: str) -> None:
    default = getattr(Options(), field)
    if field in REPEATED:
        group.add_argument(
            flag(field), dest=field, action="append", default=argparse.SUPPRESS, metavar=unit,
            help=explanation + "; may be repeated",
        )
        return
    if default is False:
        group.add_argument(flag(field), dest=field, action="store_true", default=argparse.SUPPRESS, help=explanation)
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


def parse(parser: Parser, arguments: Optional[list[str]] = None) -> Command:
    """Return the Command that `arguments` are; raise UsageError."""
    parsed = parser.parse_strictly(arguments)
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
        values["root_path"] = root_path(values["root_path"])
    if "private_key" in values and "certificate" not in values:
        raise UsageError("--private-key needs the --certificate that it belongs to.")
    options = Options(**values)
    # It is made for each process; here it is to say what is wrong with these.
    TrustedProxies(options.trusted_proxies, options.forwarded_header)
    if options.tracing:
        require_library()
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
