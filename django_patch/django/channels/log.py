"""
Logging for the commands: to the console, as verbose as asked.
"""
from __future__ import absolute_import

import logging


def setup_logger(name, verbosity=1):
    """
    Return the logger `name`, with its level and a way to the console.

    At `verbosity` 2 and above it shows DEBUG, else INFO. Handlers that the
    LOGGING setting gave it stay the only ones.
    """
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG if verbosity > 1 else logging.INFO)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter('%(asctime)s - %(levelname)s - %(module)s - %(message)s'))
        logger.addHandler(handler)
        # Django's own console handler would repeat each line.
        logger.propagate = False
    return logger
