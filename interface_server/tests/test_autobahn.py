"""
WebSockets as the Autobahn test suite sees them, from outside.

It runs on Python 2.7 only. `runtests.py` gives it an environment of its own;
elsewhere CHANNELS_WSTEST names its program, wstest.
"""
import json
import os
import subprocess

import pytest
from commands import server
from needs import missing

SITE = """
import threading
from django.channels.layers.memory import InMemoryChannelLayer

channel_layer = InMemoryChannelLayer()

def work():
    while True:
        channel, message = channel_layer.receive(["websocket.connect", "websocket.receive"], block=True)
        if channel == "websocket.connect":
            channel_layer.send(message["reply_channel"], {"accept": True})
        elif channel == "websocket.receive":
            kind = "text" if message["bytes"] is None else "bytes"
            channel_layer.send(message["reply_channel"], {kind: message[kind]})

threading.Thread(target=work, daemon=True).start()
"""
#: 12 and 13 are about compression, which is not spoken; 9 sends up to 16 MiB
#: a message, 54 times. One of 8 exists no more.
SHORT = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
LONG = ["9.*"]
#: What the suite's authors call "non-strict" is allowed: a worker's answers to
#: the frames before a broken one come after the close, and broken UTF-8 is
#: found at the end of the frame with it, not inside.
ALLOWED = {"OK", "NON-STRICT", "INFORMATIONAL"}


@pytest.mark.parametrize("cases", [SHORT, LONG], ids=["short", "long"])
def test_autobahn(run, port, folder, cases):
    if "CHANNELS_WSTEST" not in os.environ:
        pytest.skip("CHANNELS_WSTEST doesn't name the program wstest of the Autobahn test suite; runtests.py does")
    if not os.environ["CHANNELS_WSTEST"]:
        missing("The Autobahn test suite couldn't be installed: it needs Python 2.7 and a C compiler")
    if cases is LONG and not os.environ.get("CHANNELS_LONG_TESTS"):
        pytest.skip("takes minutes: --long")
    (folder / "echo.py").write_text(SITE)
    size = 20 * 1024 * 1024
    server(
        run, "-p", port, "--max-frame-size", size, "--max-message-size", size, "--outbound-buffer", 4 * size,
        "--max-frames-per-second", 0, "echo:channel_layer",
    )
    (folder / "spec.json").write_text(json.dumps({
        "outdir": str(folder / "reports"), "cases": cases, "exclude-cases": [], "exclude-agent-cases": {},
        "servers": [{"agent": "ours", "url": f"ws://127.0.0.1:{port}"}],
    }))
    subprocess.run(
        [os.environ["CHANNELS_WSTEST"], "-m", "fuzzingclient", "-s", "spec.json"], cwd=folder, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600,
    )
    results = json.loads((folder / "reports" / "index.json").read_text())["ours"]
    assert len(results) >= (240 if cases is SHORT else 54)
    assert not {
        case: result for case, result in results.items()
        if result["behavior"] not in ALLOWED or result["behaviorClose"] not in ("OK", "INFORMATIONAL")
    }
