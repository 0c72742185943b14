"""
Pipes between a supervisor and its processes.
"""
from __future__ import absolute_import

import errno
import fcntl
import os


def open_pipe():
    """Return (reader, writer) that no program inherits; writing never waits."""
    reader, writer = os.pipe()
    for number in (reader, writer):
        fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
    return reader, writer


def say_ready(writer):
    """Say that this process works, and close `writer`."""
    try:
        os.write(writer, b'R')
    except EnvironmentError as error:
        if error.errno != errno.EPIPE:
            raise
    os.close(writer)
