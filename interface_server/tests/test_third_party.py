"""A channel layer that isn't ours: the old API, nothing more, and some trouble."""
import collections
import threading
import uuid

import pytest
from conftest import PATIENCE, eventually
from consumers import accept, hello


class OldLayer:
    """What a layer of the 1.x family has: one message at a time, polled."""

    extensions = []

    class ChannelFull(Exception):
        pass

    class MessageTooLarge(Exception):
        pass

    extensions = []

    def __init__(self):
        self._lock = threading.Lock()
        self._messages = collections.defaultdict(collections.deque)
        self.capacity = 100
        #: Raised by the next call of either method.
        self.send_error = self.receive_error = None

    def send(self, channel, message):
        with self._lock:
            error, self.send_error = self.send_error, None
            if error is not None:
                raise error
            queue = self._messages[channel.partition("!")[0]]
            if len(queue) >= self.capacity:
                raise self.ChannelFull(channel)
            queue.append((channel, message))

    def receive(self, channels, block=False):
        with self._lock:
            error, self.receive_error = self.receive_error, None
            if error is not None:
                raise error
            for channel in channels:
                queue = self._messages[channel.partition("!")[0]]
                if queue:
                    return queue.popleft()
        return None, None

    def new_channel(self, pattern):
        return pattern + uuid.uuid4().hex

    def interrupt(self):
        """The tests' workers call it."""


@pytest.fixture
def layer():
    return OldLayer()


def echo(layer, message):
    layer.send(message["reply_channel"], {"text": message["text"]})


def test_requests_and_sockets(start):
    server = start({"http.request": hello, "websocket.connect": accept, "websocket.receive": echo}, threads=1)
    assert server.get("/")[::2] == (200, b"hello")
    with server.socket() as ws:
        for number in range(10):
            ws.send(str(number))
        assert [ws.recv(PATIENCE) for _ in range(10)] == [str(number) for number in range(10)]


def test_full_channel_gives_503(start, layer):
    server = start({}, threads=0, queue_timeout=0.05)
    layer.capacity = 0
    assert server.get("/")[0] == 503


@pytest.mark.parametrize("error, status", [
    (OldLayer.MessageTooLarge("a kilobyte"), 413), (OSError("the cable was pulled"), 503),
])
def test_trouble_with_sending(start, layer, error, status):
    server = start({"http.request": hello})
    layer.send_error = error
    assert server.get("/")[0] == status
    assert server.get("/")[0] == 200


def test_trouble_with_receiving(start, layer, caplog):
    server = start({"http.request": hello})
    # Of the reader or of a worker, whoever comes first; the latter has no say.
    server.workers.stop()
    layer.receive_error = OSError("the cable was pulled")
    eventually(lambda: "The channel layer can't be read (the cable was pulled)" in caplog.text, "the line in the log")
    assert "trying until it can" in caplog.text
    worker = threading.Thread(target=lambda: answer_one(layer))
    worker.start()
    assert server.get("/")[0] == 200
    worker.join(PATIENCE)


def answer_one(layer):
    while True:
        channel, message = layer.receive(["http.request"])
        if channel is not None:
            hello(layer, message)
            return
        threading.Event().wait(0.01)


def test_message_that_is_none_is_a_malformed_response(start, caplog):
    server = start({"http.request": lambda layer, message: layer.send(message["reply_channel"], ["no", "dict"])})
    assert server.get("/")[0] == 500
    assert "A reply to a request must be a dict" in caplog.text


def test_message_that_is_none_is_ignored_by_a_socket(start, caplog):
    def nonsense(layer, message):
        layer.send(message["reply_channel"], ["no", "dict"])
        layer.send(message["reply_channel"], {"text": "sense"})

    server = start({"websocket.connect": accept, "websocket.receive": nonsense}, threads=1)
    with server.socket() as ws:
        ws.send("hello")
        assert ws.recv(PATIENCE) == "sense"
    assert "A reply to a WebSocket must be a dict" in caplog.text
