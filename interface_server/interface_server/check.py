"""
The report of `--check`: whether a server would run, and what it would do.
"""
from __future__ import annotations

import asyncio
import dataclasses
import resource
import sys

from .arguments import Command
from .errors import UsageError
from .layers import AsyncLayer
from .operation.files import missing_files
from .operation.listeners import explain
from .option_help import flag
from .protocols.tls import Certificate

#: Seconds that the layer has to answer.
TIMEOUT = 5.0


def run(command: Command, layer: AsyncLayer) -> int:
    """Print what was found; return 0 if the server would run, else 1."""
    problems = []
    for field in dataclasses.fields(command.options):
        if field.name == "signal_handlers":
            continue
        value = getattr(command.options, field.name)
        if value not in ((), None, ""):
            text = " ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" if isinstance(
                value, float) else value
            print(f"{flag(field.name)}: {text}")
    print(f"--workers: {command.workers}")
    if command.options.uses_tls:
        try:
            certificate = Certificate(command.options)
            print("TLS: the certificate and its key fit")
            print(f"TLS: certificates of issuers beside it: {certificate.length - 1}")
        except UsageError as error:
            problems.append(str(error))
    if missing_files(command.options.max_connections):
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        problems.append(
            f"--max-connections is {command.options.max_connections}, but the system lets a process have {files} "
            "files: raise it (ulimit -n, LimitNOFILE=)."
        )
    problems += _try_addresses(command)
    if asyncio.run(_is_reachable(layer)):
        print("channel layer: can be reached")
    else:
        problems.append("The channel layer can't be reached; the log says where it was looked for.")
    for problem in problems:
        print(f"interface-server: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _try_addresses(command: Command) -> list[str]:
    try:
        for listener in command.binding.open():
            listener.close()
    except OSError as error:
        return [explain(error)]
    return []


async def _is_reachable(layer: AsyncLayer) -> bool:
    layer.start()
    until = asyncio.get_running_loop().time() + TIMEOUT
    while not layer.is_reachable and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.05)
    reachable = layer.is_reachable
    await layer.close()
    return reachable
