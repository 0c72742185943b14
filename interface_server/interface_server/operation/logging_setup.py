"""
The log of what goes wrong: lines for people and grep, or JSON for machines.

Whatever the format, a record is one line, but for a traceback's: what a
client sends, such as a path with a line break, must not look like another.

Times are those of the zone in which the log began, with its offset. Django sets
the zone of a process that loads a project, which the supervisor of it is not.
"""
from __future__ import annotations

import datetime
import json
import logging
from typing import Optional

LEVELS = {0: logging.ERROR, 1: logging.WARNING, 2: logging.INFO}

_ESCAPES = {number: f"\\x{number:02x}" for number in [*range(32), *range(127, 160)]}


class ZonedFormatter(logging.Formatter):
    """Times of the zone in which it was made, whatever that of the process becomes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._zone = datetime.datetime.now().astimezone().tzinfo

    def formatTime(self, record: logging.LogRecord, datefmt: Optional[str] = None) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, self._zone)
        return moment.strftime(datefmt or "%Y-%m-%d %H:%M:%S.%f%z")


class TextFormatter(ZonedFormatter):
    """Time, level, logger and message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).translate(_ESCAPES)


class JsonFormatter(ZonedFormatter):
    """An object with the same, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
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
