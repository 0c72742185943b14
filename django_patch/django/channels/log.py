"""
Logging of the commands: to the console, as verbose as asked.
"""
from __future__ import absolute_import

import logging
import sys

from django.utils.log import RequireDebugTrue


def setup_logger(name, verbosity=1):
    """
    Return the logger `name`, with its level and a way to the console.

    At `verbosity` 2 and above its level is DEBUG; else it is INFO, unless the
    LOGGING setting gives it another. The handlers that LOGGING gives it, or
    the loggers above it, stay in charge: a line goes to all of them, and to
    the console once. (Django's own handler, which writes while DEBUG is on,
    leaves out what `verbosity` asks for; another writes that.) Where the root
    logger has handlers, as JSON for a collector, the project has decided
    where all lines go, and from which level on: nothing is added, and
    Django's own handler repeats nothing that a handler of the root logger
    has written to the console.
    """
    logger = logging.getLogger(name)
    is_decided = bool(logging.getLogger().handlers)
    if verbosity > 1:
        logger.setLevel(logging.DEBUG)
    elif logger.level == logging.NOTSET and not is_decided:
        logger.setLevel(logging.INFO)
    if not is_decided:
        reached = _reaches_console(logger)
        if not reached or verbosity > 1 and not _reaches_console(logger, logging.DEBUG):
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter('%(asctime)s - %(levelname)s - %(name)s - %(message)s'))
            if reached:
                handler.addFilter(_BelowInfo())
            logger.addHandler(handler)
    _hush_default_console(name)
    return logger


def _hush_default_console(name):
    for handler in logging.getLogger('django').handlers:
        # A handler that the project has given the logger is its own affair.
        if _is_default_console(handler) and not any(isinstance(item, _NotTwice) for item in handler.filters):
            handler.addFilter(_NotTwice(name))


def _is_default_console(handler):
    types = [type(item) for item in handler.filters if not isinstance(item, _NotTwice)]
    return _is_console(handler) and types == [RequireDebugTrue]


class _BelowInfo(logging.Filter):
    """Lets only that pass which Django's own handler, whose level is INFO, doesn't write."""

    def filter(self, record):
        """Return whether to write `record`."""
        return record.levelno < logging.INFO


class _NotTwice(logging.Filter):
    """Lets no record of a logger pass that the root logger writes to the console."""

    def filter(self, record):
        """Return whether to write `record`."""
        # The method of the base class says whether it's of the logger.
        return not logging.Filter.filter(self, record) or not any(
            _is_console(handler) and handler.level <= record.levelno for handler in logging.getLogger().handlers
        )


def _is_console(handler):
    return getattr(handler, 'stream', None) in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)


def _reaches_console(logger, level=logging.INFO):
    """
    Return whether a record of `logger` gets to the console as things are.

    The level of Django's own handler is nobody's choice; that of a project's
    is one, so DEBUG counts as reaching it where INFO does.
    """
    record = logging.LogRecord(logger.name, level, __file__, 0, '', (), None)
    while logger is not None:
        for handler in logger.handlers:
            if (
                _is_console(handler) and handler.level <= (level if _is_default_console(handler) else logging.INFO) and
                # Django's own console handler is silent unless DEBUG is on.
                handler.filter(record)
            ):
                return True
        logger = logger.parent if logger.propagate else None
    return False
