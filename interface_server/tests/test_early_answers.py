"""Answers that come before the request was read to its end (RFC 9112 section 9.6)."""
import http.client

import pytest
from conftest import PATIENCE
from consumers import hello
from django.channels.layers.memory import InMemoryChannelLayer


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


@pytest.mark.parametrize("headers", [{"Connection": "close"}, {}])
def test_answer_is_not_lost_to_a_reset(start, headers):
    """A client that writes all of its body first, as most do, reads the answer after it."""
    server = start({"http.request": hello}, stream_bodies=True)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        # More than all buffers on the way take.
        connection.request("POST", "/", body=b"x" * 20000000, headers=headers)
        assert connection.getresponse().read() == b"hello"
    finally:
        connection.close()


def test_refusal_is_not_lost_to_a_reset(start):
    server = start({"http.request": hello}, max_body_size=1000)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/", body=b"x" * 20000000)
        assert connection.getresponse().status == 413
    finally:
        connection.close()
