"""What a site mounted at /app sees of its path, under each server that can be in front."""
import json

import pytest
from commands import can_connect, get
from conftest import PATIENCE, eventually

from interface_server.arguments import build_parser, parse
from interface_server.asgi import read_options
from interface_server.options import Options

pytestmark = pytest.mark.outer_pythons

SITE = """
import json
import threading

from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.names import split_path

channel_layer = InMemoryChannelLayer()

def seen(message):
    root = message["root_path"]
    return json.dumps([root, split_path(message["path"], root)])

def work():
    while True:
        channel, message = channel_layer.receive(
            ["http.request", "websocket.connect", "websocket.receive", "websocket.disconnect"], block=True,
        )
        if channel == "http.request":
            channel_layer.send(message["reply_channel"], {"status": 200, "content": seen(message).encode()})
        elif channel == "websocket.connect":
            channel_layer.send(message["reply_channel"], {"accept": True, "text": seen(message)})
        elif channel == "websocket.receive":
            channel_layer.send(message["reply_channel"], {"text": seen(message)})

threading.Thread(target=work, daemon=True).start()
"""

SERVERS = {
    "interface-server": ["-m", "interface_server", "-p", "{port}"],
    "uvicorn": ["-m", "uvicorn", "--port", "{port}", "--lifespan", "off"],
    "hypercorn": ["-m", "hypercorn", "-b", "127.0.0.1:{port}"],
    "daphne": ["-m", "daphne", "-p", "{port}"],
}


#: Paths of requests -> what is left below /app, however a proxy passes them on.
BELOW = {"/app/x/": "/x/", "/x/": "/x/", "/app": "", "/apple/": "/apple/"}
#: Told of a root path, uvicorn puts it in front of each path: the proxy has to
#: have taken it off.
UVICORN = dict(BELOW, **{"/app/x/": "/app/x/", "/app": "/app"})


@pytest.mark.parametrize("given, root", [
    ("/app", "/app"), ("/app/", "/app"), ("app", "/app"), ("//app/x//", "/app/x"), ("/", ""), ("", ""),
    # As in an address, and as in a message.
    ("/caf%C3%A9/", "/café"), ("/café", "/café"), ("/a%20b", "/a b"), ("/a%2525", "/a%25"),
])
def test_spellings_of_a_root_path(given, root):
    options = parse(build_parser(), ["site:layer", "--root-path", given]).options
    assert options == read_options({"INTERFACE_SERVER_ROOT_PATH": given}) == Options(root_path=root)


@pytest.mark.parametrize("name, told", [(name, "server") for name in SERVERS] + [("uvicorn", "application")])
def test_what_lies_below_the_root_path(run, port, folder, name, told, monkeypatch):
    command = [part.format(port=port) for part in SERVERS[name]]
    pytest.importorskip(command[1])
    (folder / "mounted_site.py").write_text(SITE)
    if told == "server":
        command += ["--root-path", "/app"]
    else:
        monkeypatch.setenv("INTERFACE_SERVER_ROOT_PATH", "/app")
    if name == "interface-server":
        command.append("mounted_site:channel_layer")
    else:
        command.append("interface_server.asgi:application")
        monkeypatch.setenv("INTERFACE_SERVER_LAYER", "mounted_site:channel_layer")
    run(*command)
    eventually(lambda: can_connect(port), "listening")
    from websockets.sync.client import connect

    expected = UVICORN if (name, told) == ("uvicorn", "server") else BELOW
    for path, below in expected.items():
        status, content = get(port, path)
        assert (status, json.loads(content)) == (200, ["/app", below]), path
        with connect(f"ws://127.0.0.1:{port}{path}", compression=None) as ws:
            assert json.loads(ws.recv(PATIENCE)) == ["/app", below], path
            ws.send("and later?")
            assert json.loads(ws.recv(PATIENCE)) == ["/app", below], path
