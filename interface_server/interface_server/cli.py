"""
The command `interface-server`.
"""
from __future__ import annotations

import functools
import gc
import logging
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any, Optional

from . import check
from .app.application import Application
from .arguments import Command, build_parser, parse
from .backport import keep_memory, leaving, standard_streams
from .errors import UsageError
from .layers import AsyncLayer
from .layers.adapters import adapt, connect, import_layer
from .layers.owner import check_owner
from .operation import logging_setup, systemd
from .operation.access_log import open_access_log
from .operation.files import raise_limit
from .operation.listeners import describe, explain, open_tcp
from .operation.server import Server
from .operation.supervisor import Supervisor

logger = logging.getLogger("interface_server")

#: Seconds for the end of a process beside the times of its options.
TO_SPARE = 10.0
#: Containers that are new when the next search for garbage begins. Ours go with
#: their requests, without a search; as many as is usual, 700, come and go with
#: what thirty clients ask at once.
NEW_OBJECTS = 10000


def main(arguments: Optional[list[str]] = None) -> None:
    """Run the command; exit with 0 after a signal, 1 or 2 after an error."""
    standard_streams.occupy()
    parser = build_parser()
    try:
        command = parse(parser, arguments)
        logging_setup.set_up(command.verbosity, command.log_format)
        # Projects lie in the folder where the command is given.
        sys.path.insert(0, "")
        if command.check:
            sys.exit(check.run(command, find_layer(command)))
        keep_memory()
        status = run(command)
    except UsageError as error:
        parser.exit(2, f"interface-server: {error}\n")
    except KeyboardInterrupt:
        # While it waits for Redis, or the project is imported.
        status = end_by_interrupt()
    sys.exit(status)


def say(text: str) -> None:
    """Write a line to standard error, if that can be written."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        # It was the only one to tell.
        return


def end_by_interrupt() -> int:
    """End this process as Ctrl-C does by itself, with a line in place of the traceback."""
    say("interface-server was ended by Ctrl-C.")
    standard_streams.flush()
    leaving.interrupt_itself()
    return 128 + signal.SIGINT


def run(command: Command) -> int:
    """Serve as the command says, until a signal comes; return a status."""
    terminal = standard_streams.Terminal()

    def on_hangup(number: int, frame: Optional[FrameType]) -> None:
        # Until a process has a certificate to load again, and can; it would end.
        if terminal.has_just_closed():
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGHUP, on_hangup)
    try:
        sockets = systemd.inherited_sockets() if command.binding.is_default else []
        sockets = sockets or command.binding.open()
    except OSError as error:
        if error.errno is None:
            raise
        say(f"interface-server: {explain(error)}")
        return 1
    try:
        managements = open_managements(command)
    except UsageError:
        for listener in sockets:
            listener.close()
        raise
    places = ", ".join(describe(listener, command.options.uses_tls) for listener in sockets)
    announce = functools.partial(_announce, places)
    try:
        if command.workers == 1:
            return serve(command, sockets, managements[0], announce)
        options = command.options
        return Supervisor(
            command.workers, lambda index, serves: serve(command, sockets, managements[index], serves), announce,
            options.grace_time + options.drain_time + options.close_timeout + options.shutdown_timeout + TO_SPARE,
        ).run()
    finally:
        for opened in [*sockets, *managements]:
            if opened is not None:
                opened.close()


def _announce(places: str) -> None:
    say(f"interface-server listens on {places}")
    systemd.notify("READY=1")


def serve(
    command: Command, sockets: list[socket.socket], management: Optional[socket.socket], ready: Any,
) -> int:
    """Serve in this process, and answer on `management`; return its status."""
    raise_limit(command.options.max_connections)
    try:
        log = open_access_log(command.access_log, command.access_format) if command.access_log else None
        application = Application(find_layer(command), command.options, log)
        if log is not None:
            log.dropped = application.context.metrics.dropped
        # Several processes hear of it from the supervisor.
        terminal = standard_streams.Terminal() if command.workers == 1 else None
        server = Server(application, ready, management, terminal)
        # What has been loaded stays. Each full collection looked through all of
        # it, while everybody waited for 25 ms and more.
        gc.collect()
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS)
        server.run(sockets)
        if log is not None:
            log.flush()
    except UsageError as error:
        say(f"interface-server: {error}")
        return 2
    if server.ended_by is not None:
        logger.info("Stopped by %s.", signal.Signals(server.ended_by).name)
    return 0


def open_managements(command: Command) -> list[Optional[socket.socket]]:
    """
    Return a listening socket for each process, or ``None`` values; raise UsageError.

    All at once, and before any process serves: what is wrong with the second
    one's must not end the first later.
    """
    opened: list[Optional[socket.socket]] = []
    # Who has its sockets from another program may be the successor of a server
    # that ends once this one is ready.
    is_shared = bool(command.binding.fds)
    if command.management is None:
        return [None] * command.workers
    host, first = command.management
    for port in range(first, first + command.workers):
        try:
            opened.append(open_tcp(host, port, is_shared=is_shared))
        except OSError as error:
            for listener in opened:
                if listener is not None:
                    listener.close()
            raise UsageError(f"The management can't listen on {host}:{port}: {error.strerror or error}.") from error
    return opened


def find_layer(command: Command) -> AsyncLayer:
    """Return the layer that the command names."""
    if command.redis is not None:
        return connect(command.redis)
    layer = import_layer(str(command.layer))
    if not command.options.any_project:
        check_owner(layer)
    return adapt(layer)
