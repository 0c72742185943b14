"""Logs that can't be written cost their lines, and not the server."""
import re
import resource
import signal
import subprocess
import sys

from commands import get, server
from conftest import PATIENCE, eventually
from redis_server import free_port


def test_access_log_on_a_full_disk(run, port, folder):
    management = free_port()
    process = server(
        run, "-p", port, "--management", management, "--access-log", "log", "project:channel_layer",
    )
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    # The first line fits, and a part of the second.
    resource.prlimit(process._process.pid, resource.RLIMIT_FSIZE, (100, most))
    for path in ("/first", "/second"):
        assert get(port, path) == (200, path.encode("ascii"))
    process.wait_for("The access log can't be written (File too large)")
    assert get(port, "/third") == (200, b"/third")
    lost = re.compile(rb'dropped_total\{reason="access_log"\} [23]\n')
    eventually(lambda: lost.search(get(management, "/metrics")[1]), "two or three lines that are lost")
    # One line for the outage, whatever it costs.
    assert process._lines == []
    resource.prlimit(process._process.pid, resource.RLIMIT_FSIZE, (most, most))
    assert get(port, "/last") == (200, b"/last")
    process.wait_for("The access log is written again; ")
    process.signal(signal.SIGTERM)
    assert process.finish() == (0, "")
    lines = (folder / "log").read_text().splitlines()
    assert '"GET /last ' in lines[-1]
    # What had been torn stays alone.
    assert all(line.count("127.0.0.1") <= 1 for line in lines)


def test_standard_streams_that_can_not_be_written(port, folder):
    with open("/dev/full", "wb", buffering=0) as full:
        process = subprocess.Popen(
            [sys.executable, "-m", "interface_server", "-p", str(port), "-b", "127.0.0.1", "--access-log", "-",
             "--workers", "2", "project:channel_layer"], cwd=folder, stdout=full, stderr=full,
        )
        try:
            eventually(lambda: is_answered(port), "the server")
        finally:
            process.terminate()
            status = process.wait(PATIENCE)
    assert status == 0


def is_answered(port):
    try:
        return get(port, "/anything") == (200, b"/anything")
    except ConnectionError:
        return False


def test_stdout_that_is_closed_is_not_a_socket_later(run, folder):
    program = run(
        "-c", "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
        "-m", "interface_server", "-p", free_port(), "--access-log", "-", "project:channel_layer",
    )
    status, output = program.finish()
    assert (status, "which is closed: name a file" in output) == (2, True)


def test_access_log_that_can_not_be_opened(run, folder):
    program = run(
        "-m", "interface_server", "-p", free_port(), "--access-log", "no/such/folder", "project:channel_layer",
    )
    status, output = program.finish()
    assert (status, "can't be opened: No such file or directory." in output) == (2, True)
