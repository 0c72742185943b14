"""
Communication with systemd: inherited sockets, readiness, watchdog.

The protocols are those of sd_listen_fds(3) and sd_notify(3).
"""
from __future__ import annotations

import os
import socket
from typing import Optional

from ..errors import UsageError
from .listeners import open_fd

FIRST_FD = 3


def inherited_sockets() -> list[socket.socket]:
    """Return the sockets that systemd opened for this process; raise OSError or UsageError."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    text = os.environ.get("LISTEN_FDS", "0")
    if not text.isdecimal():
        raise UsageError(f"LISTEN_FDS has to be the number of sockets that this process inherits, not {text!r}.")
    # Not for the processes that we start.
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    sockets = [open_fd(FIRST_FD + index) for index in range(int(text))]
    for index in range(len(sockets)):
        os.close(FIRST_FD + index)
    return sockets


def notify(state: str) -> None:
    """Tell systemd of a change of state, such as "READY=1", if it asked."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(state.encode("utf-8"), address)
        except OSError:
            # The service manager went; there is nobody else to tell.
            return


def watchdog_interval() -> Optional[float]:
    """Return the seconds within which systemd wants a sign of life, or None."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 1e6
