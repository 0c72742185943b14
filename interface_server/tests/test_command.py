"""The command and the embedded server, as processes of their own."""
import contextlib
import errno
import http.client
import signal
import socket

import pytest
from commands import get, server
from conftest import PATIENCE

pytestmark = pytest.mark.outer_pythons


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_a_signal(run, port, number):
    process = server(run, "-p", port, "project:channel_layer")
    assert get(port, "/hello") == (200, b"/hello")
    process.signal(number)
    status, output = process.finish()
    assert (status, output) == (0, "")


def test_access_log_on_stdout(run, port):
    process = server(run, "-p", port, "--access-log", "-", "project:channel_layer")
    get(port, "/x?y=1")
    line = process.wait_for("GET")
    assert line.startswith("127.0.0.1 - - [") and line.endswith('"GET /x?y=1 HTTP/1.1" 200 2\n')


def test_unix_socket(run, folder):
    path = folder / "server.sock"
    for _ in range(2):
        process = server(run, "-u", path, "project:channel_layer")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /unix HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            with client.makefile("rb") as answer:
                assert answer.read().endswith(b"\r\n\r\n/unix")
        # The next one has to cope with the file that this one leaves.
        process.kill()


def test_inherited_file_descriptor(run):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        server(run, "--fd", listener.fileno(), "project:channel_layer", pass_fds=[listener.fileno()])
        assert get(port, "/fd") == (200, b"/fd")


def test_a_successor_has_the_management_of_the_server_that_it_replaces(run, port):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        fd = listener.fileno()
        arguments = ["--fd", fd, "--management", port, "project:channel_layer"]
        predecessor = server(run, *arguments, pass_fds=[fd])
        successor = server(run, *arguments, pass_fds=[fd])
        predecessor.signal(signal.SIGTERM)
        assert predecessor.finish() == (0, "")
        assert get(port, "/health") == (200, b"alive\n")
        assert not successor.has_ended
        # Who has a place of its own is no successor.
        status, output = run("-m", "interface_server", "-p", "0", *arguments[2:]).finish()
    assert status == 2
    assert "The management can't listen on" in output


def test_address_and_unix_socket_at_once(run, folder, port):
    path = folder / "server.sock"
    server(run, "-p", port, "-u", path, "project:channel_layer")
    assert get(port, "/tcp") == (200, b"/tcp")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_port_in_use_says_so(run, port):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        status, output = run("-m", "interface_server", "-p", port, "project:channel_layer").finish()
    assert status == 1
    assert output == (
        f"interface-server: Something else listens on 127.0.0.1:{port}: stop it, or choose another port with -p.\n"
    )


@pytest.mark.parametrize("arguments, explanation", [
    ([], "Name one channel layer"),
    (["--redis", "redis://localhost", "project:channel_layer"], "Name one channel layer"),
    (["project"], "'project' doesn't say where the channel layer is"),
    (["project:"], "'project:' doesn't say where the channel layer is"),
    (["no_project:channel_layer"], "There is no module 'no_project'"),
    (["project.asgi:channel_layer"], "There is no module 'project.asgi'"),
    (["project:layer"], "The module 'project' has no 'layer'"),
    (["project:sys"], "'project:sys' is not a channel layer"),
    (["project:sys"], "as mysite.asgi:channel_layer"),
    (["project:layer"], "'channel_layer = get_channel_layer()'"),
    (["--server", "apache", "project:channel_layer"], "There is no --server any more"),
    (["--workres", "2", "project:channel_layer"], "interface-server: There is no option --workres."),
    (["--workers", "two", "project:channel_layer"], "interface-server: argument --workers: invalid int value: 'two'"),
])
def test_mistakes_are_explained(run, arguments, explanation):
    status, output = run("-m", "interface_server", "-p", "0", *arguments).finish()
    assert status == 2
    assert explanation in output
    assert output.count("\n") == 1, output


def test_settings_that_make_no_layer_are_explained(run, folder):
    (folder / "misconfigured.py").write_text(
        "from django.conf import settings\n"
        "settings.configure(CHANNEL_LAYERS={'default': {'BACKEND': 'no_such_package.Layer', 'ROUTING': []}})\n"
        "from django.channels.asgi import get_channel_layer\n"
        "channel_layer = get_channel_layer()\n"
    )
    status, output = run("-m", "interface_server", "-p", "0", "misconfigured:channel_layer").finish()
    assert status == 2
    assert output.startswith("interface-server: The BACKEND of CHANNEL_LAYERS['default'], no_such_package.Layer,")


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["--check", "serving"])
def test_ctrl_c_ends_it_while_it_waits_for_a_silent_redis(run, folder, arguments):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.settimeout(PATIENCE)
        (folder / "waiting.py").write_text(
            "from django.channels.layers.redis import RedisChannelLayer\n"
            f"channel_layer = RedisChannelLayer(hosts=['redis://127.0.0.1:{silent.getsockname()[1]}/0'])\n"
            "channel_layer.global_statistics()\n"
        )
        process = run("-m", "interface_server", "-p", "0", *arguments, "waiting:channel_layer")
        with silent.accept()[0]:
            process.signal(signal.SIGINT)
            status, output = process.finish()
    assert (status, output) == (-signal.SIGINT, "interface-server was ended by Ctrl-C.\n")


def test_ctrl_c_ends_a_check_that_waits_for_redis(run):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.settimeout(PATIENCE)
        process = run("-m", "interface_server", "-p", "0", "--check", "--redis",
                      f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with silent.accept()[0]:
            process.signal(signal.SIGINT)
            status, output = process.finish()
    assert status == -signal.SIGINT
    assert output.endswith("interface-server was ended by Ctrl-C.\n")
    assert "Traceback" not in output


def test_import_error_inside_the_project_is_not_hidden(run):
    status, output = run("-m", "interface_server", "-p", "0", "broken:channel_layer").finish()
    assert status == 1
    assert "No module named 'not_installed_at_all'" in output and "broken.py" in output


def test_help_teaches(run):
    status, output = run("-m", "interface_server", "--help").finish()
    assert status == 0
    assert "interface-server --redis redis://localhost:6379/0" in output


def test_embedded_server_leaves_by_keyboard_interrupt(run, port):
    process = run("embedded_project.py", "127.0.0.1", port)
    process.wait_for("ready")
    assert get(port, "/embedded") == (200, b"/embedded")
    assert process.wait_for("action").startswith("action http complete {'path': '/embedded', 'status': 200")
    process.signal(signal.SIGINT)
    status, output = process.finish()
    assert (status, output) == (0, "interrupted\nleft\n")


def test_embedded_server_leaves_by_system_exit(run, port):
    process = run("embedded_project.py", "127.0.0.1", port)
    process.wait_for("ready")
    # Who has answered is done with starting, and what the signal's handler
    # raises comes up where nobody but the loop is at work.
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"no request\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")
    process.signal(signal.SIGTERM)
    status, output = process.finish()
    assert (status, output) == (0, "left\n")


def test_embedded_server_raises_for_a_port_in_use(run, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        status, output = run("embedded_project.py", "127.0.0.1", port).finish()
    assert (status, output) == (0, f"OSError {errno.EADDRINUSE}\nleft\n")


@pytest.mark.parametrize("number", [65536, 99999])
def test_embedded_server_raises_for_a_port_out_of_range(run, number):
    assert run("embedded_project.py", "127.0.0.1", number).finish() == (0, f"OSError {errno.EINVAL}\nleft\n")


def test_embedded_server_on_ipv6(run, port):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    process = run("embedded_project.py", "[::1]", port)
    process.wait_for("ready")
    with contextlib.closing(http.client.HTTPConnection("::1", port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/six")
        assert connection.getresponse().read() == b"/six"
