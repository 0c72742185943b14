"""What those who run a server see and do."""
import argparse
import asyncio
import json
import logging
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import certificates
import pytest
from commands import can_connect, get, server
from conftest import CHECKOUT, PATIENCE, eventually
from django.channels import monitoring
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.presence import BEAT_INTERVAL, WORKER, this_process
from redis_server import free_port

from interface_server import __version__
from interface_server.app.presence import Presence
from interface_server.arguments import build_parser, parse
from interface_server.asgi import from_environment, read_options
from interface_server.backport import Disconnects
from interface_server.errors import UsageError
from interface_server.operation.access_log import FORMATS, AccessLog
from interface_server.operation.files import SPARE, raise_limit
from interface_server.operation.logging_setup import JsonFormatter, TextFormatter
from interface_server.operation.supervisor import USAGE_STATUS, Supervisor, decide
from interface_server.option_help import flag
from interface_server.options import Options

pytestmark = pytest.mark.outer_pythons


def fetch(port, path, **headers):
    """Return (status, text) from the management's port."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def open_families(port, path):
    """Return the families that the management tells as OpenMetrics, by name; the library checks them strictly."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    # What Prometheus sends.
    accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    status, text = fetch(port, path, Accept=accept)
    assert status == 200, text
    return {family.name: family for family in text_string_to_metric_families(text)}


def plain_families(text):
    """Return the types of the families of a text for Prometheus, by name."""
    from prometheus_client.parser import text_string_to_metric_families

    return {family.name: family.type for family in text_string_to_metric_families(text)}


@pytest.fixture
def management():
    return free_port()


def test_every_option_is_in_the_help_and_in_the_readme(run):
    text = build_parser().format_help()
    with open(os.path.join(CHECKOUT, "interface_server", "README.md"), encoding="utf-8") as file:
        readme = file.read()
    for field in Options.__dataclass_fields__:
        if field != "signal_handlers":
            assert flag(field) in text, field
            assert flag(field) in readme, field


def test_the_reference_has_the_options_of_the_parser():
    parser, lines = build_parser(), []
    for action in parser._actions:
        if action.option_strings and action.help != argparse.SUPPRESS and action.dest not in ("help", "version"):
            metavar = parser._get_formatter()._format_args(action, action.dest.upper())
            value = "" if action.nargs == 0 else " " + metavar
            explanation = action.help.replace("%(default)s", str(action.default)).replace("*", r"\*")
            lines += ["``" + ", ".join(option + value for option in action.option_strings) + "``",
                      "    " + explanation[0].upper() + explanation[1:] + ".", ""]
    path = pathlib.Path(CHECKOUT, "docs", "reference", "interface-server.inc")
    if os.environ.get("CHANNELS_WRITE_DOCS"):
        path.write_text("\n".join(lines), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "\n".join(lines), "Set CHANNELS_WRITE_DOCS, and run this again."


def test_options_of_the_command_line():
    command = parse(build_parser(), [
        "--max-body-size", "0", "--ping-interval", "2.5", "--ws-protocol", "a", "--ws-protocol", "b", "-b", "[::1]:81",
        "-b", "10.0.0.1", "-p", "82", "-u", "/run/x", "--management", "9000", "mysite.asgi:layer",
    ])
    assert command.options == Options(max_body_size=0, ping_interval=2.5, ws_protocols=("a", "b"))
    assert command.given == {"max_body_size", "ping_interval", "ws_protocols"}
    assert command.binding.addresses == (("::1", 81), ("10.0.0.1", 82))
    assert command.binding.unix_sockets == ("/run/x",)
    assert command.management == ("127.0.0.1", 9000)


@pytest.mark.parametrize("arguments, explanation", [
    (["--workers", "0", "x:y"], "at least one process"),
    (["--private-key", "key.pem", "x:y"], "needs the --certificate"),
    (["--management", "localhost", "x:y"], "which port"),
    (["--management", "65535", "--workers", "2", "x:y"], "invalid port 65536"),
    (["-p", "65536", "x:y"], "invalid port 65536"),
    (["-b", "127.0.0.1:65536", "x:y"], "invalid port 65536"),
    (["--trusted-proxy", "localhost", "x:y"], "such as 127.0.0.1.* 'localhost' does not appear to be"),
    (["--trusted-proxy", "10.0.0.1/8", "x:y"], "such as 10.0.0.0/8.* 10.0.0.1/8 has host bits set"),
    (["--forwarded-header", "x-real-ip", "x:y"], "x-forwarded or forwarded, not 'x-real-ip'"),
    (["--workres", "2", "x:y"], r"^There is no option --workres\. Is it --workers\? interface-server --help lists"),
    (["--queue_size=3", "x:y"], r"^There is no option --queue_size\. Is it --queue-size\?"),
    (["--allowed-hosts=example.com", "x:y"], r"^There is no option --allowed-hosts\. Is it --allowed-host\?"),
    (["-z", "x:y"], r"^There is no option -z\. interface-server --help lists"),
    (["--servers", "x", "x:y"], r"^There is no option --servers\. [^-]*interface-server --help"),
    (["x:y", "z:y"], r"^What is z:y\? One channel layer is named\."),
    (["--workers", "two", "x:y"], r"^argument --workers: invalid int value: 'two'\. interface-server --help"),
    (["--access-log"], r"^argument --access-log: expected one argument\."),
])
def test_mistakes_on_the_command_line(arguments, explanation):
    with pytest.raises(UsageError, match=explanation):
        parse(build_parser(), arguments)


@pytest.mark.parametrize("number", ["nan", "inf", "-1", "soon"])
@pytest.mark.parametrize("field", ["http_timeout", "max_body_size"])
def test_numbers_that_are_none(field, number):
    explanation = f"number from 0 on, not '{number}'"
    with pytest.raises(UsageError, match=explanation):
        parse(build_parser(), [f"{flag(field)}={number}", "x:y"])
    with pytest.raises(UsageError, match=explanation):
        read_options({f"INTERFACE_SERVER_{field.upper()}": number})


@pytest.mark.parametrize("arguments, address", [
    ([], ("127.0.0.1", 8000)),
    (["-p", "0"], ("127.0.0.1", 0)),
    (["-b", "127.0.0.1", "-p", "0"], ("127.0.0.1", 0)),
    (["-b", "127.0.0.1"], ("127.0.0.1", 8000)),
])
def test_port_of_an_address(arguments, address):
    assert parse(build_parser(), [*arguments, "x:y"]).binding.addresses == (address,)


# Health and metrics

def test_management_of_a_command(run, port, management, own_redis):
    program = server(run, "-p", port, "--management", management, "--redis", own_redis.url)
    assert fetch(management, "/health") == (200, "alive\n")
    assert eventually(lambda: fetch(management, "/ready")[0] == 200, "readiness")
    own_redis.kill()
    eventually(lambda: fetch(management, "/ready")[0] == 503, "noticing")
    status, text = fetch(management, "/metrics/all")
    assert status == 200 and "interface_server_up 0" in text and 'channels_layer_up{layer="default"} 0.0' in text
    assert fetch(management, "/health")[0] == 200
    assert get(port)[0] == 503
    own_redis.start()
    eventually(lambda: fetch(management, "/ready")[0] == 200, "coming back")
    # That it was away is remembered for some seconds.
    text = eventually(
        lambda: [text for text in [fetch(management, "/metrics/all")[1]] if "channels_groups{" in text], "its numbers",
    )[0]
    all_families = plain_families(text)
    of_itself = {name for name in all_families if name.startswith("interface_server_")}
    assert plain_families(fetch(management, "/metrics")[1]).keys() == of_itself < all_families.keys()
    for path, names in (("/metrics", of_itself), ("/metrics/all", all_families.keys())):
        found = open_families(management, path)
        assert found.keys() == names
        assert {name: family.type for name, family in found.items()} == {name: all_families[name] for name in names}
    assert found["interface_server_request_duration_seconds"].unit == "seconds"
    assert found["channels_oldest_message_age_seconds"].unit == "seconds"
    assert 'channels_groups{layer="default"} 0.0' in text
    assert 'interface_server_responses_total{status="503"} 1' in text
    assert "interface_server_request_duration_seconds_count 1" in text
    assert 'interface_server_dropped_total{reason="layer_unavailable"} 1' in text
    assert fetch(management, "/nonsense")[0] == 404
    program.signal(signal.SIGTERM)
    assert program.finish()[0] == 0


def test_metrics_can_be_read_by_prometheus(start):
    from interface_server.operation.management import Management

    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200})

    def accept(layer, message):
        layer.send(message["reply_channel"], {"text": "hello"})

    server = start({"http.request": consumer, "websocket.connect": accept})
    server.get("/")
    with server.socket() as ws:
        ws.recv(PATIENCE)
        ws.send("x")
        server.workers.wait_for("websocket.receive")
        eventually(lambda: server.application.metrics.messages_in["websocket.receive"], "counting")
        status, kind, text = asyncio.run(Management(None, server.application.context).respond("/metrics/all"))
    assert (status, kind) == ("200 OK", "text/plain; version=0.0.4; charset=utf-8")
    assert 'interface_server_clients{protocol="websocket"} 1' in text
    assert "interface_server_sockets_opened_total 1" in text
    assert 'interface_server_messages_sent_total{channel="websocket.receive"} 1' in text
    assert 'interface_server_messages_received_total{protocol="http"} 1' in text
    assert 'interface_server_request_duration_seconds_bucket{le="+Inf"} 1' in text
    families = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.add(line.split()[2])
        elif not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            float(value)
            base = name.split("{")[0]
            assert any(base in (family, family + "_bucket", family + "_sum", family + "_count") for family in families)
    # Those of the layer are there, and what the dashboard asks for of all that a server itself has.
    assert 'channels_messages_sent_total{channel="http.request",layer="default"} 1.0' in text
    with open(os.path.join(os.path.dirname(monitoring.__file__), "grafana.json"), encoding="utf-8") as file:
        asked = set(re.findall(r"\b(?:interface_server|channels_store)_\w+", file.read()))
    assert asked <= families | {family + "_bucket" for family in families} and len(asked) > 4


# Logs

DETAILS = {
    "path": '/x?"y\n', "status": 200, "method": "GET", "client": "192.0.2.1:80", "time_taken": 0.25, "size": 5,
    "version": "1.1", "headers": [(b"user-agent", b'a"gent'), (b"referer", b"http://r")],
}


def test_server_is_listed_by_its_layer_until_it_ends(start, layer):
    running = start({})
    [entry] = eventually(layer.processes, "the server's announcement")
    assert entry["kind"] == "server" and entry["alive"] and entry["pid"] == os.getpid()
    assert entry["version"] == __version__
    served = entry["facts"].pop("served")
    assert served.keys() == {"responses", "closed", "dropped", "durations"}
    assert entry["facts"] == {"sockets": 0, "requests": 0, "stopping": False}
    running.stop()
    assert layer.processes() == []


@pytest.mark.parametrize("reads", [False, True])
def test_the_end_of_a_request_is_told_to_workers_that_read_it(start, layer, reads):
    layer.announce(this_process(WORKER, "1"), {"disconnects": reads})
    running = start({"http.request": lambda layer, message: layer.send(message["reply_channel"], {"status": 204})})
    assert eventually(lambda: running.application.context.disconnects.known, "the look at the workers")
    assert fetch(running.port, "/")[0] == 204
    # It sends first what is under way.
    running.stop()
    assert layer.channel_statistics("http.disconnect")["messages_count"] == int(reads)


@pytest.mark.parametrize("error", [LayerUnavailable("away"), ValueError("a server that says what nobody expects")])
def test_a_server_is_announced_whatever_its_layer_promises(error):
    announced, ignored = [], []

    class Layer:
        supports_presence = True

        async def promises(self):
            raise error

        async def announce(self, process, facts):
            announced.append(facts)

        async def new_processes(self, known):
            return [], []

        async def withdraw(self, process):
            pass

    async def run():
        presence = Presence(Layer(), lambda: {"sockets": 0}, Disconnects(ignored.append))
        presence.start()
        while not announced:
            await asyncio.sleep(0)
        await presence.stop()

    asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert announced == [{"sockets": 0}]


def test_a_layer_that_answers_late_puts_off_no_sign_of_life(monkeypatch):
    slept, late, clock = [], [0.0, 3.0, 12.0], [time.monotonic()]
    is_over = is_never = None

    class Layer:
        supports_presence = True

        async def promises(self):
            return []

        async def announce(self, process, facts):
            clock[0] += late.pop(0)

        async def new_processes(self, known):
            return [], []

        async def withdraw(self, process):
            pass

    async def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds
        if not late:
            is_over.set()
            await is_never.wait()

    async def run():
        nonlocal is_over, is_never
        is_over, is_never = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        presence = Presence(Layer(), dict, Disconnects(lambda *args: None))
        monkeypatch.setattr(asyncio, "sleep", sleep)
        presence.start()
        await is_over.wait()
        monkeypatch.undo()
        await presence.stop()

    asyncio.run(run())
    assert slept == pytest.approx([BEAT_INTERVAL, BEAT_INTERVAL - 3, 0])


def test_formats_of_the_access_log():
    common = FORMATS["common"]("http", "complete", DETAILS)
    assert common.startswith("192.0.2.1 - - [") and common.endswith('] "GET /x?\\x22y\\n HTTP/1.1" 200 5')
    assert FORMATS["combined"]("http", "complete", DETAILS).endswith(' 200 5 "http://r" "a\\x22gent"')
    line = json.loads(FORMATS["json"]("http", "complete", DETAILS))
    assert line.pop("time")
    assert line == {
        "protocol": "http", "action": "complete", "client": "192.0.2.1:80", "path": '/x?"y\n', "referer": "http://r",
        "user_agent": 'a"gent', "method": "GET", "version": "1.1", "status": 200, "size": 5, "time_taken": 0.25,
    }
    socket_line = FORMATS["common"]("websocket", "connected", {"path": "/ws", "client": None})
    assert socket_line.startswith("- - - [") and socket_line.endswith('"WSCONNECT /ws" - -')
    assert json.loads(
        FORMATS["json"]("websocket", "rejected", {"path": "/ws", "client": None}),
    )["action"] == "rejected"


def test_access_log_is_written_without_a_loop(tmp_path):
    with open(tmp_path / "log", "wb", buffering=0) as stream:
        AccessLog(stream)("http", "complete", DETAILS)
    assert (tmp_path / "log").read_text().count("\n") == 1


# --check

def test_soft_limit_of_files_is_raised_for_the_connections(monkeypatch, caplog):
    limits = [1024, 2000]
    monkeypatch.setattr(resource, "getrlimit", lambda what: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda what, values: limits.__setitem__(slice(None), values))
    raise_limit(500)
    assert limits == [1024, 2000]
    raise_limit(1500)
    assert limits == [1500 + SPARE, 2000]
    assert not caplog.records
    raise_limit(10000)
    assert limits == [2000, 2000]
    [record] = caplog.records
    assert "have 2000 files, too few for 10000 connections" in record.getMessage()
    raise_limit(0)
    assert limits == [2000, 2000]


def test_check_says_what_would_be(run, port):
    status, output = run(
        "-m", "interface_server", "--check", "-p", port, "--max-body-size", "5", "project:channel_layer",
    ).finish()
    assert status == 0, output
    assert "--max-body-size: 5\n" in output and "--header-timeout: 10\n" in output
    assert "channel layer: can be reached" in output


def test_check_finds_a_port_in_use_and_a_redis_that_is_away(run, port, own_redis):
    own_redis.kill()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        status, output = run("-m", "interface_server", "--check", "-p", port, "--redis", own_redis.url).finish()
    assert status == 1
    assert f"Something else listens on 127.0.0.1:{port}" in output
    assert "The channel layer can't be reached" in output


def test_a_redis_needs_no_settings_of_the_environment(run, port, own_redis, monkeypatch):
    # Those of a project that isn't installed here, for example.
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "nowhere.settings")
    status, output = run("-m", "interface_server", "--check", "-p", port, "--redis", own_redis.url).finish()
    assert status == 0, output


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
def test_option_for_other_servers_says_how_to_run_under_them(run, name):
    status, output = run("-m", "interface_server", "--server", name, "--check", "project:channel_layer").finish()
    assert status == 2
    assert "There is no --server any more" in output and "interface_server.asgi:application" in output


# Several processes

def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def test_dead_process_is_replaced(run, port):
    program = server(run, "-p", port, "--workers", "2", "project:channel_layer")
    pid = program._process.pid
    first = eventually(lambda: len(children(pid)) == 2 and children(pid), "two processes")
    eventually(lambda: can_answer(port), "answering")
    os.kill(first[0], signal.SIGKILL)
    program.wait_for("ended by SIGKILL; another takes its place")
    eventually(lambda: len(children(pid)) == 2 and children(pid) != first, "replacement")
    eventually(lambda: can_answer(port), "answering")
    program.signal(signal.SIGTERM)
    status, output = program.finish()
    assert status == 0, output
    assert not os.path.exists(f"/proc/{first[1]}")


#: The second process serves only once it is told to.
LATE = """
import os, sys, time
from interface_server.operation.supervisor import Supervisor

def serve(index, serves):
    while index and not os.path.exists("go"):
        time.sleep(0.05)
    serves()
    open(f"serves {index}", "w").close()
    time.sleep(600)

sys.exit(Supervisor(2, serve, lambda: print("all serve", os.path.exists("go"), flush=True)).run())
"""


def test_supervisor_is_ready_once_all_processes_serve(run, folder):
    (folder / "late.py").write_text(LATE)
    program = run("late.py")
    eventually((folder / "serves 0").exists)
    (folder / "go").touch()
    program.wait_for("all serve True")
    program.signal(signal.SIGTERM)
    assert program.finish()[0] == 0


#: A machine that is busy: the new process isn't scheduled for a second.
STALLED = """
import os, sys, time
from interface_server.operation.supervisor import Supervisor

fork = os.fork

number = 0

def fork_and_stall():
    global number
    number += 1
    process = fork()
    if not process:
        time.sleep(1)
    elif number == 2:
        print("started", flush=True)
    return process

os.fork = fork_and_stall
sys.exit(Supervisor(2, lambda index, serves: time.sleep(600)).run())
"""


def test_signal_reaches_processes_that_have_just_begun(run, folder):
    (folder / "stalled.py").write_text(STALLED)
    program = run("stalled.py")
    program.wait_for("started")
    program.signal(signal.SIGTERM)
    assert program.finish() == (0, "")


#: Processes that don't hear a signal while they start, and one that never ends.
DEAF = """
import os, signal, sys, time
from interface_server.operation.supervisor import Supervisor

def serve(index, serves):
    if sys.argv[1:]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    # In one piece: the other writes to the same pipe.
    os.write(1, b"serving\\n")
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            pass

sys.exit(Supervisor(2, serve, patience=1).run())
"""


def test_signal_ends_processes_that_could_not_raise_it(run, folder):
    (folder / "deaf.py").write_text(DEAF)
    program = run("deaf.py")
    for _ in range(2):
        program.wait_for("serving")
    program.signal(signal.SIGINT)
    assert program.finish() == (0, "")


def test_process_that_does_not_end_is_ended_and_says_what_it_is_doing(run, folder):
    (folder / "deaf.py").write_text(DEAF)
    program = run("deaf.py", "for ever")
    for _ in range(2):
        program.wait_for("serving")
    program.signal(signal.SIGINT)
    status, output = program.finish()
    assert status == signal.SIGABRT
    # What one writes is not mixed with what the other does.
    first, second = output.split("has not ended 1 s after the signal, and is ended by SIGABRT")[1:]
    assert "in serve" in first, output
    assert "in serve" in second, output


def test_processes_end_with_the_one_that_started_them(run, port):
    program = server(run, "-p", port, "--workers", "2", "project:channel_layer")
    pid = program._process.pid
    eventually(lambda: len(children(pid)) == 2, "two processes")
    eventually(lambda: can_answer(port), "answering")
    program.kill()
    eventually(lambda: not can_connect(port), "the end")


def can_answer(port):
    try:
        return get(port, "/", timeout=2)[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("status, is_replacement, short_lives, others_are_well, decision", [
    # Started wrongly: all of them are.
    (USAGE_STATUS, False, 1, False, "END_ALL"),
    # A certificate that went bad meanwhile, when one is started again.
    (USAGE_STATUS, True, 1, True, "REPLACE"),
    (USAGE_STATUS, True, 1, False, "REPLACE"),
    (USAGE_STATUS, False, 1, True, "REPLACE"),
    (USAGE_STATUS, True, 50, True, "REPLACE"),
    (USAGE_STATUS, True, 10, False, "GIVE_UP"),
    (-9, False, 0, True, "REPLACE"),
    (1, True, 9, False, "REPLACE"),
    (1, True, 10, False, "GIVE_UP"),
    (1, True, 10, True, "REPLACE"),
])
def test_well_processes_are_never_ended_for_the_sick(status, is_replacement, short_lives, others_are_well, decision):
    assert decide(status, is_replacement, short_lives, others_are_well) == decision


def test_mistake_that_every_process_would_make_ends_all(run, port):
    status, output = run("-m", "interface_server", "-p", port, "--workers", "2", "project:nothing").finish()
    assert status == 2
    assert "has no 'nothing'" in output


def test_management_port_of_the_second_process_is_taken_before_anything_is_served(run, port, management):
    with socket.socket() as taken:
        for second in range(management, management + 100):
            try:
                taken.bind(("127.0.0.1", second))
                break
            except OSError:
                continue
        taken.listen()
        status, output = run(
            "-m", "interface_server", "-p", port, "--workers", "2", "--management", second - 1,
            "project:channel_layer",
        ).finish()
    assert status == 2
    assert "The management can't listen on" in output and "listens on" not in output.replace("can't listen on", "")


# TLS

def fingerprint(port, path):
    context = ssl.create_default_context(cafile=path)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.getpeercert()["serialNumber"]


def test_certificate_is_loaded_again(run, port, folder, certificate):
    paths = [folder / "certificate.pem", folder / "key.pem"]
    for source, target in zip(certificate, paths):
        shutil.copyfile(source, target)
    program = server(run, "-p", port, "--certificate", paths[0], "--private-key", paths[1], "project:channel_layer")
    before = fingerprint(port, paths[0])
    certificates.make(folder)
    program.signal(signal.SIGHUP)
    program.wait_for("The certificate was loaded again")
    now = fingerprint(port, paths[0])
    assert now != before
    trusted = shutil.copyfile(paths[0], folder / "trusted.pem")
    (folder / "ca").mkdir()
    locked = folder / "locked.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", paths[1], "-aes128", "-passout", "pass:x", "-out", locked], check=True,
    )
    ended, ca = folder / "ended.pem", certificates.make(folder / "ca")[0]
    subprocess.run(
        ["openssl", "x509", "-in", paths[0], "-signkey", paths[1], "-days", "-1", "-out", ended], check=True,
        stderr=subprocess.DEVNULL,
    )
    own = paths[0].read_bytes()
    for spoil, reason in (
        # What a renewal gave that was made of an old file.
        (lambda: shutil.copyfile(ended, paths[0]), "the one in use is still valid"),
        # Its chain in the wrong order, and half of it.
        (lambda: paths[0].write_bytes(pathlib.Path(ca).read_bytes() + own), "can't be loaded"),
        (lambda: paths[0].write_bytes(own[:len(own) // 2]), "can't be loaded"),
        (lambda: paths[0].write_bytes(own + own[:len(own) // 2]), "can't be loaded"),
        # At a terminal the library would ask for it, and nobody would be served.
        (lambda: (paths[0].write_bytes(own), shutil.copyfile(locked, paths[1])), "needs a password"),
        (lambda: paths[1].write_bytes(b""), "can't be loaded"),
        (lambda: paths[0].write_text("nonsense"), "can't be loaded"),
        (lambda: paths[0].unlink(), "certificate.pem can't be read: No such file"),
        (lambda: paths[0].mkdir(), "certificate.pem can't be read: Is a directory"),
        (lambda: (paths[0].rmdir(), paths[0].write_bytes(own), paths[1].unlink()), "key.pem can't be read: No such"),
    ):
        spoil()
        program.signal(signal.SIGHUP)
        assert reason in program.wait_for("The certificate stays as it was")
    assert fingerprint(port, trusted) == now


def test_certificate_without_the_chain_of_the_last_one_is_told(run, port, folder, certificate):
    own, key = folder / "certificate.pem", certificate[1]
    (folder / "issuer").mkdir()
    issuer = pathlib.Path(certificates.make(folder / "issuer")[0]).read_text()
    own.write_text(pathlib.Path(certificate[0]).read_text() + issuer)
    command = ["-p", port, "--certificate", own, "--private-key", key, "project:channel_layer"]
    assert "certificates of issuers beside it: 1\n" in run("-m", "interface_server", "--check", *command).finish()[1]
    program = server(run, *command)
    for text, told in ((certificate[0], True), (certificate[0], False), (own, False)):
        if text is not own:
            shutil.copyfile(text, own)
        program.signal(signal.SIGHUP)
        program.wait_for("The certificate was loaded again")
        if told:
            assert "had 2 certificates, and has 1 now" in program.wait_for("WARNING")
    program.signal(signal.SIGTERM)
    assert "certificates" not in program.finish()[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_hangup_while_it_begins_ends_nothing(run, port, folder, workers):
    (folder / "slow.py").write_text(
        "import time\nprint('loading', flush=True)\ntime.sleep(1)\nfrom project import channel_layer\n"
    )
    program = run("-m", "interface_server", "-p", port, "--workers", workers, "slow:channel_layer")
    program.wait_for("loading")
    program.signal(signal.SIGHUP)
    eventually(lambda: can_answer(port), "answering")
    program.signal(signal.SIGTERM)
    status, output = program.finish()
    assert status == 0 and "ended by" not in output, output


@pytest.mark.parametrize("workers", [1, 2])
def test_closed_terminal_ends_what_begins(run, port, folder, workers):
    # A signal between Python's look for one and a long sleep would wait for its end.
    (folder / "endless.py").write_text(
        "import time\nprint('loading', flush=True)\nwhile True:\n    time.sleep(0.05)\n"
    )
    master, terminal = os.openpty()
    program = run("-m", "interface_server", "-p", port, "--workers", workers, "endless:channel_layer", stdin=terminal)
    os.close(terminal)
    program.wait_for("loading")
    os.close(master)
    program.signal(signal.SIGHUP)
    # By the signal, which a supervisor passes on.
    assert program.finish()[0] == (0 if workers == 2 else -signal.SIGTERM)


#: A request is answered once there is a file.
HELD = """
import os, threading, time
from django.channels.layers.memory import InMemoryChannelLayer

channel_layer = InMemoryChannelLayer()

def work():
    message = channel_layer.receive(["http.request"], block=True)[1]
    open("came", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.05)
    channel_layer.send(message["reply_channel"], {"status": 200, "content": b"answer"})

threading.Thread(target=work, daemon=True).start()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_closed_terminal_ends_it_once_it_has_answered(run, port, folder, workers):
    (folder / "held.py").write_text(HELD)
    master, terminal = os.openpty()
    program = server(run, "-p", port, "--workers", workers, "held:channel_layer", stdin=terminal)
    os.close(terminal)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, port)
        eventually((folder / "came").exists)
        os.close(master)
        program.signal(signal.SIGHUP)
        # The socket of several processes is open until the last one has ended.
        pid = program._process.pid
        eventually(lambda: not can_connect(port) if workers == 1 else len(children(pid)) == 1, "the end's beginning")
        # A shell passes it on, and the system sends another.
        program.signal(signal.SIGHUP)
        (folder / "go").touch()
        assert answer.result(PATIENCE) == (200, b"answer")
    assert program.finish() == (0, "")


def test_closed_terminal_is_one_signal_to_several_processes(monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda process, number: sent.append(number))
    supervisor = Supervisor(1, lambda index, serves: 0)
    monkeypatch.setattr(supervisor, "_children", {1: (0, 0.0)})
    monkeypatch.setattr(supervisor._terminal, "has_just_closed", lambda: True)
    supervisor._on_signal(signal.SIGHUP, None)
    supervisor._timer.cancel()
    supervisor._on_signal(signal.SIGHUP, None)
    assert sent == [signal.SIGTERM]


def test_certificate_whose_key_is_not_there_yet_changes_nothing(run, port, management, folder, certificate):
    """A renewal writes one file after the other."""
    paths = [folder / "certificate.pem", folder / "key.pem"]
    for source, target in zip(certificate, paths):
        shutil.copyfile(source, target)
    program = server(
        run, "-p", port, "--management", management, "--certificate", paths[0], "--private-key", paths[1],
        "project:channel_layer",
    )
    before = fingerprint(port, certificate[0])
    days = float(fetch(management, "/metrics")[1].split("\ninterface_server_certificate_days_left ")[1].split()[0])
    assert 0 < days < 40000
    assert fetch(management, "/health") == (200, f"alive\nthe certificate ends in {days:.1f} days\n")
    found = open_families(management, "/metrics")
    assert found["interface_server_certificate_days_left"].samples[0].value == pytest.approx(days, abs=0.01)
    assert found["interface_server_connections_refused"].type == "counter"
    text = fetch(management, "/metrics")[1]
    ends = float(text.split("\ninterface_server_certificate_end_timestamp_seconds ")[1].split()[0])
    assert ends == pytest.approx(time.time() + days * 86400, abs=60)
    (folder / "new").mkdir()
    shutil.copyfile(certificates.make(folder / "new")[0], paths[0])
    program.signal(signal.SIGHUP)
    program.wait_for("The certificate stays as it was")
    assert fingerprint(port, certificate[0]) == before
    text = fetch(management, "/health")[1]
    assert "could not be loaded again" in text and f"ends in {days:.1f} days" in text
    assert "interface_server_certificate_reload_failed 1" in fetch(management, "/metrics")[1]


def test_certificate_that_is_none(run, port, folder):
    (folder / "nonsense.pem").write_text("nonsense")
    status, output = run(
        "-m", "interface_server", "-p", port, "--certificate", "nonsense.pem", "project:channel_layer",
    ).finish()
    assert status == 2
    assert "The certificate nonsense.pem and its key can't be loaded" in output and "Traceback" not in output


# systemd

def test_systemd_gives_a_socket_and_is_told(run, folder, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.socket() as listener:
        manager.bind(str(folder / "notify"))
        manager.settimeout(PATIENCE)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        # A shell stands for systemd, which puts the socket at number 3.
        (folder / "activated.py").write_text(
            "import os, sys\n"
            "os.dup2(int(sys.argv[1]), 3)\n"
            "os.set_inheritable(3, True)\n"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'interface_server', 'project:channel_layer'])\n"
        )
        program = run("activated.py", listener.fileno(), pass_fds=[listener.fileno()])
        said = {manager.recv(100), manager.recv(100)}
        assert b"READY=1" in said and said <= {b"READY=1", b"WATCHDOG=1"}
        assert get(listener.getsockname()[1], "/activated") == (200, b"/activated")
        program.signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while manager.recv(100) != b"STOPPING=1":
            assert time.monotonic() < deadline
        assert program.finish()[0] == 0


def test_systemd_hears_from_the_main_process_of_several(run, port, folder, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        # As systemd, which means one process, and says which.
        (folder / "watched.py").write_text(
            "import os, sys\n"
            "os.environ.update(WATCHDOG_PID=str(os.getpid()), WATCHDOG_USEC='200000')\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'interface_server'] + sys.argv[1:])\n"
        )
        program = run("watched.py", "-p", port, "--workers", "2", "project:channel_layer")
        said = [manager.recv(100) for _ in range(10)]
        assert said.count(b"READY=1") == 1 and said.count(b"WATCHDOG=1") == 9
        program.signal(signal.SIGTERM)
        while manager.recv(100) != b"STOPPING=1":
            continue
        assert program.finish()[0] == 0


# The log

def test_formats_of_the_log():
    record = logging.makeLogRecord({
        "name": "interface_server.x", "levelname": "ERROR", "msg": "A reply for %s was ignored.",
        "args": ("/a\n2026-01-01 ERROR forged\x1b[31m",), "process": 7,
    })
    line = TextFormatter().format(record)
    assert line.endswith(r" ERROR interface_server.x: A reply for /a\x0a2026-01-01 ERROR forged\x1b[31m was ignored.")
    try:
        raise ValueError("a cause")
    except ValueError:
        record.exc_info = sys.exc_info()
    told = json.loads(JsonFormatter().format(record))
    assert (told["level"], told["logger"], told["process"]) == ("ERROR", "interface_server.x", 7)
    assert "forged" in told["message"] and "ValueError: a cause" in told["traceback"]
    assert "\nValueError: a cause" in TextFormatter().format(record)


@pytest.mark.parametrize("kind", [TextFormatter, JsonFormatter])
def test_one_log_has_one_time_zone(kind, monkeypatch):
    record = logging.LogRecord("x", logging.ERROR, "", 0, "said", (), None)
    formatter = kind()
    before = formatter.format(record)
    try:
        # As Django does when it loads a project.
        monkeypatch.setenv("TZ", "Pacific/Kiritimati")
        time.tzset()
        assert formatter.format(record) == before
        assert kind().format(record) != before
    finally:
        monkeypatch.undo()
        time.tzset()


def test_log_of_a_command_in_json(run, port, own_redis):
    own_redis.stop()
    program = server(run, "-p", port, "--redis", own_redis.url, "--log-format", "json")
    told = json.loads(program.wait_for("can't be reached"))
    assert told["level"] == "ERROR" and told["logger"].startswith("interface_server")


# The application under any ASGI server

def test_application_of_the_environment():
    options = read_options({
        "INTERFACE_SERVER_HTTP_TIMEOUT": "2.5", "INTERFACE_SERVER_MAX_BODY_SIZE": "10",
        "INTERFACE_SERVER_ALLOWED_HOSTS": "a, b", "INTERFACE_SERVER_ROOT_PATH": "/x", "OTHER": "y",
    })
    assert options == Options(http_timeout=2.5, max_body_size=10, allowed_hosts=("a", "b"), root_path="/x")
    with pytest.raises(UsageError, match="INTERFACE_SERVER_MAX_BODY_SIZE must be a whole number"):
        read_options({"INTERFACE_SERVER_MAX_BODY_SIZE": "ten"})
    with pytest.raises(UsageError, match="INTERFACE_SERVER_STREAM_BODIES must be yes or no, not 'maybe'"):
        read_options({"INTERFACE_SERVER_STREAM_BODIES": "maybe"})
    with pytest.raises(UsageError, match="'localhost' does not appear to be"):
        from_environment({
            "INTERFACE_SERVER_REDIS": "redis://localhost:6379/0", "INTERFACE_SERVER_TRUSTED_PROXIES": "localhost",
        })
    with pytest.raises(UsageError, match="Set one of INTERFACE_SERVER_LAYER"):
        from_environment({})


def test_misspelled_variables_of_the_environment_are_named(caplog):
    read_options({
        "INTERFACE_SERVER_HTTP_TIMOUT": "5", "INTERFACE_SERVER_ALLOWED_HOST": "example.com",
        "INTERFACE_SERVER_REDSI": "",
        # Kubernetes makes these of a service that is called interface-server.
        "INTERFACE_SERVER_SERVICE_HOST": "10.0.0.1", "INTERFACE_SERVER_SERVICE_PORT": "80",
        "INTERFACE_SERVER_PORT": "tcp://10.0.0.1:80", "INTERFACE_SERVER_PORT_80_TCP_ADDR": "10.0.0.1",
        "INTERFACE_SERVER_PORT_80_TCP_PROTO": "tcp", "INTERFACE_SERVER_LAYER": "x:y",
    })
    assert [record.getMessage() for record in caplog.records] == [
        "There is no INTERFACE_SERVER_ALLOWED_HOST. Is it INTERFACE_SERVER_ALLOWED_HOSTS?",
        "There is no INTERFACE_SERVER_HTTP_TIMOUT. Is it INTERFACE_SERVER_HTTP_TIMEOUT?",
        "There is no INTERFACE_SERVER_REDSI. Is it INTERFACE_SERVER_REDIS?",
    ]


@pytest.mark.parametrize("command", [
    ["-m", "uvicorn", "--port", "{port}", "--lifespan", "off"],
    ["-m", "uvicorn", "--port", "{port}", "--ws", "wsproto"],
    ["-m", "hypercorn", "-b", "127.0.0.1:{port}"],
    ["-m", "granian", "--interface", "asgi", "--port", "{port}"],
    ["-m", "daphne", "-p", "{port}"],
], ids=["uvicorn", "uvicorn-wsproto", "hypercorn", "granian", "daphne"])
def test_application_under_other_servers(run, port, folder, command, monkeypatch):
    pytest.importorskip(command[1])
    if "wsproto" in command:
        pytest.importorskip("wsproto")
    (folder / "site_with_sockets.py").write_text(SITE_WITH_SOCKETS)
    monkeypatch.setenv("INTERFACE_SERVER_LAYER", "site_with_sockets:channel_layer")
    run(*[part.format(port=port) for part in command], "interface_server.asgi:application")
    eventually(lambda: can_connect(port), "listening")
    assert get(port, "/under") == (200, b"/under")
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{port}/echo", compression=None) as ws:
        ws.send("hello")
        assert ws.recv(PATIENCE) == "hello"
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{port}/denied", compression=None)
    with connect(f"ws://127.0.0.1:{port}/closed", compression=None) as ws:
        with pytest.raises(Exception):
            ws.recv(PATIENCE)
        assert ws.close_code == 4000


SITE_WITH_SOCKETS = """
import threading

from django.channels.layers.memory import InMemoryChannelLayer

channel_layer = InMemoryChannelLayer()

def work():
    while True:
        channel, message = channel_layer.receive(
            ["http.request", "websocket.connect", "websocket.receive"], block=True,
        )
        if channel == "http.request":
            channel_layer.send(message["reply_channel"], {"status": 200, "content": message["path"].encode()})
        elif channel == "websocket.connect":
            channel_layer.send(message["reply_channel"], {
                "/echo": {"accept": True}, "/denied": {"accept": False}, "/closed": {"accept": True, "close": 4000},
            }[message["path"]])
        elif channel == "websocket.receive":
            channel_layer.send(message["reply_channel"], {"text": message["text"]})

threading.Thread(target=work, daemon=True).start()
"""
