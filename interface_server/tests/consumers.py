"""Consumers of the tests, functions of (layer, message)."""
import threading

from conftest import PATIENCE


def read_body(layer, message):
    """Return the whole body of a request, as a worker puts it together."""
    body, channel = message["body"], message.get("body_channel")
    chunks = 0
    while channel:
        name, chunk = layer.receive([channel], block=True)
        assert name == channel
        if chunk.get("closed"):
            return None, chunks
        body += chunk["content"]
        chunks += 1
        if not chunk["more_content"]:
            channel = None
    return body, chunks


def answer(status=200, content=b"", headers=()):
    """Return a consumer that answers a request with that."""
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": status, "headers": list(headers), "content": content})
    return consumer


def echo_body(layer, message):
    """Answer a request with its body, and in a header with the number of its pieces."""
    body, chunks = read_body(layer, message)
    layer.send(message["reply_channel"], {
        "status": 200, "headers": [[b"X-Chunks", b"%d" % chunks]], "content": body,
    })


def hello(layer, message):
    """Answer a request."""
    layer.send(message["reply_channel"], {"status": 200, "content": b"hello"})


def say_path(layer, message):
    """Answer a request with its path, in a header as well."""
    path = message["path"].encode()
    layer.send(message["reply_channel"], {"status": 200, "headers": [[b"x-path", path]], "content": path})


class Held:
    """Holds each request until `go_on` is set, and answers it then with its path, unless it is not to answer."""

    def __init__(self, answers=True):
        self.answers = answers
        self.asked, self.go_on, self.order = threading.Event(), threading.Event(), []

    def __call__(self, layer, message):
        self.asked.set()
        assert self.go_on.wait(PATIENCE)
        self.order.append(message["path"])
        if self.answers:
            say_path(layer, message)


def accept(layer, message):
    """Open a socket."""
    layer.send(message["reply_channel"], {"accept": True})
