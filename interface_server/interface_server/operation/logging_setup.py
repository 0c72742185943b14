"""
The log of what goes wrong: lines for people and grep, or JSON for machines.

Whatever the format, a record is one line, but for a traceback's: what a
client sends, such as a path with a line break, must not look like another.
"""
from __future__ import annotations

import json
import logging
import time

LEVELS = {0: logging.ERROR, 1: logging.WARNING, 2: logging.INFO}

_ESCAPES = {number: f"\\x{number:02x}" for number in [*range(32), *range(127, 160)]}


class TextFormatter(logging.Formatter):
    """Time, level, logger and message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).translate(_ESCAPES)


class JsonFormatter(logging.Formatter):
    """An object with the same, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(record.created)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def set_up(verbosity: int, format: str) -> None:
    """Have the logs of all modules written to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[format]())
    logging.basicConfig(level=LEVELS.get(verbosity, logging.DEBUG), handlers=[handler])
