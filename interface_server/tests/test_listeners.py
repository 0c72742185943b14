"""Where a server listens: what it takes, and how it says that it can't."""
import errno
import os
import socket
import stat

import pytest

from interface_server.errors import UsageError
from interface_server.operation import systemd
from interface_server.operation.listeners import Binding, explain


def explanation(**places):
    """Return what is said of a Binding that can't be opened."""
    with pytest.raises(OSError) as caught:
        Binding(**places).open()
    assert caught.value.errno is not None
    return explain(caught.value)


def test_socket_of_a_proxy_by_another_user(tmp_path):
    path = tmp_path / "server.sock"
    with Binding(unix_sockets=(str(path),)).open()[0]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_path_that_somebody_listens_at(tmp_path):
    path = str(tmp_path / "server.sock")
    with Binding(unix_sockets=(path,)).open()[0]:
        assert explanation(unix_sockets=(path,)) == (
            f"Something else is at unix:{path}: stop what listens there, or choose another path with -u."
        )


def test_path_of_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("Something.")
    assert explanation(unix_sockets=(str(path),)).startswith(f"Something else is at unix:{path}: ")
    assert path.read_text() == "Something."


def test_path_that_is_too_long(tmp_path):
    path = str(tmp_path / ("x" * 120))
    assert explanation(unix_sockets=(path,)) == f"Can't listen on unix:{path}: AF_UNIX path too long."


def test_folder_that_may_not_be_written():
    error = PermissionError(errno.EACCES, "Permission denied", "unix:/run/x")
    assert explain(error) == "Can't listen on unix:/run/x: Permission denied."


def test_descriptor_that_is_no_listening_socket():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as unbound:
        for each in (datagrams, unbound):
            assert explanation(fds=(each.fileno(),)) == (
                f"Can't listen on descriptor {each.fileno()}: it does not listen."
            )
            each.getsockname()


def test_descriptor_that_is_none():
    with socket.socket() as closed:
        fd = closed.fileno()
    assert explanation(fds=(fd,)) == f"Can't listen on descriptor {fd}: Bad file descriptor."


def test_sockets_of_a_service_manager_that_cannot_count(monkeypatch):
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "one")
    with pytest.raises(UsageError, match="LISTEN_FDS has to be the number of sockets"):
        systemd.inherited_sockets()
