"""
Listening sockets: addresses, Unix sockets, inherited descriptors.
"""
from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
import stat

#: Connections that may wait to be accepted.
BACKLOG = 2048

#: What stands before paths where others are host and port.
_UNIX = "unix:"


@dataclasses.dataclass(frozen=True)
class Binding:
    """What to listen on; all that is given, at once."""

    #: (host, port).
    addresses: tuple[tuple[str, int], ...] = ()
    unix_sockets: tuple[str, ...] = ()
    #: Numbers of listening sockets that were inherited.
    fds: tuple[int, ...] = ()
    #: Look hosts' names up as IPv6.
    ipv6: bool = False
    #: Did nobody say where to listen?
    is_default: bool = False

    def open(self) -> list[socket.socket]:
        """
        Return listening sockets.

        Raise OSError, with its errno and the place as its filename, if one
        can't be had.
        """
        with contextlib.ExitStack() as opened:
            sockets = [
                *[opened.enter_context(open_tcp(host, port, self.ipv6)) for host, port in self.addresses],
                *[opened.enter_context(open_unix(path)) for path in self.unix_sockets],
                *[opened.enter_context(open_fd(fd)) for fd in self.fds],
            ]
            opened.pop_all()
            return sockets


def open_tcp(host: str, port: int, ipv6: bool = False, is_shared: bool = False) -> socket.socket:
    """
    Return a listening socket; raise OSError as Binding.open().

    One that `is_shared` may listen where others of this user do that say so, too.
    """
    wanted = socket.AF_INET6 if ipv6 else socket.AF_UNSPEC
    try:
        if not 0 <= port <= 65535:
            # getaddrinfo() takes the remainder, and we'd listen elsewhere.
            raise OSError(errno.EINVAL, "ports are from 0 to 65535")
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, wanted, socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared and hasattr(socket, "SO_REUSEPORT"):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                # Otherwise "::" takes the IPv4 port, too, on some systems.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        error.filename = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise
    return listener


def open_unix(path: str) -> socket.socket:
    """
    Return a listening socket; raise OSError as Binding.open().

    Everybody may connect who may enter its folder, as to systemd's sockets:
    the user of a proxy is another one.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale_socket(path)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        # Without a number, if Python looked at the path.
        raise OSError(error.errno or errno.EINVAL, error.strerror or str(error), _UNIX + path) from error
    return listener


def open_fd(fd: int) -> socket.socket:
    """Return the listening socket that was inherited as `fd`; raise OSError as Binding.open()."""
    try:
        inherited = socket.socket(fileno=os.dup(fd))
        if not inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            inherited.close()
            raise OSError(errno.EINVAL, "it does not listen")
    except OSError as error:
        error.filename = f"descriptor {fd}"
        raise
    return inherited


def _remove_stale_socket(path: str) -> None:
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            # Left over from a server that was killed.
            os.unlink(path)


def describe(listener: socket.socket, uses_tls: bool = False) -> str:
    """Return where `listener` can be reached, for people to read."""
    address = listener.getsockname()
    if listener.family == getattr(socket, "AF_UNIX", None):
        return f"{_UNIX}{address}"
    host = f"[{address[0]}]" if listener.family == socket.AF_INET6 else address[0]
    return f"{'https' if uses_tls else 'http'}://{host}:{address[1]}"


def explain(error: OSError) -> str:
    """Return what went wrong with listening, and what to do."""
    place = error.filename or "that address"
    if place.startswith(_UNIX):
        if error.errno == errno.EADDRINUSE:
            return f"Something else is at {place}: stop what listens there, or choose another path with -u."
    elif error.errno == errno.EADDRINUSE:
        return f"Something else listens on {place}: stop it, or choose another port with -p."
    elif error.errno == errno.EACCES:
        return f"You may not listen on {place}: ports below 1024 need privileges; choose another with -p."
    return f"Can't listen on {place}: {error.strerror or error}."
