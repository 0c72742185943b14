"""WebSocket frames, bytes in and messages out."""
import pytest
from mutants import frame as client

from interface_server.protocols.ws.close_codes import NO_CODE
from interface_server.protocols.ws.frames import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameError, FrameParser, encode, encode_close,
)

CONVERSATIONS = [
    (client(TEXT, b""), [(TEXT, "")]),
    (client(TEXT, "grüße".encode()), [(TEXT, "grüße")]),
    (client(BINARY, b"\x00\xff"), [(BINARY, b"\x00\xff")]),
    (client(BINARY, b"x" * 125), [(BINARY, b"x" * 125)]),
    (client(BINARY, b"x" * 126), [(BINARY, b"x" * 126)]),
    (client(BINARY, b"x" * 65535), [(BINARY, b"x" * 65535)]),
    (client(BINARY, b"x" * 65536), [(BINARY, b"x" * 65536)]),
    (client(PING, b"are you there"), [(PING, b"are you there")]),
    (client(PONG, b""), [(PONG, b"")]),
    (client(CLOSE, b""), [(CLOSE, (NO_CODE, ""))]),
    (client(CLOSE, b"\x03\xe8bye"), [(CLOSE, (1000, "bye"))]),
    (client(CLOSE, b"\x13\x87"), [(CLOSE, (4999, ""))]),
    (client(TEXT, b"a") + client(TEXT, b"b"), [(TEXT, "a"), (TEXT, "b")]),
    (
        client(TEXT, b"gr\xc3", fin=False) + client(PING, b"!") + client(CONTINUATION, b"", fin=False)
        + client(CONTINUATION, b"\xbc\xc3\x9fe"),
        [(PING, b"!"), (TEXT, "grüße")],
    ),
    (client(BINARY, b"a", fin=False) + client(CONTINUATION, b"b"), [(BINARY, b"ab")]),
]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000, 10 ** 9])
@pytest.mark.parametrize("data, events", CONVERSATIONS)
def test_conversations_in_pieces_of_any_size(data, events, step):
    if step < 7 and len(data) > 1000:
        step *= 100
    parser = FrameParser(70000, 70000)
    found = []
    for position in range(0, len(data), step):
        found += parser.feed(data[position:position + step])
    assert found == events


@pytest.mark.parametrize("data, code", [
    (client(TEXT, b"", rsv=0x40), 1002),
    (client(BINARY, b"", rsv=0x10), 1002),
    (client(3, b""), 1002),
    (client(11, b""), 1002),
    (b"\x81\x01x" + b"\0" * 4, 1002),
    (client(PING, b"x" * 126), 1002),
    (client(PING, b"", fin=False), 1002),
    (client(CONTINUATION, b""), 1002),
    (client(TEXT, b"", fin=False) + client(TEXT, b""), 1002),
    (client(CLOSE, b"x"), 1002),
    (client(CLOSE, b"\x03\xed"), 1002),
    (client(CLOSE, b"\x03\xe7"), 1002),
    (client(CLOSE, b"\x04\x4c"), 1002),
    (client(CLOSE, b"\xff\xff"), 1002),
    (client(CLOSE, b"\x03\xe8\xff"), 1007),
    (client(TEXT, b"\xff"), 1007),
    (client(TEXT, b"\xed\xa0\x80"), 1007),
    # Refused at once, before the rest of the message is there.
    (client(TEXT, b"\xff", fin=False), 1007),
    (client(TEXT, b"\xc3", fin=False) + client(CONTINUATION, b"("), 1007),
    (client(BINARY, b"x" * 101)[:8], 1009),
    (b"\x82\xff" + b"\xff" * 8 + b"\0" * 4, 1009),
    (client(BINARY, b"x" * 80, fin=False) + client(CONTINUATION, b"x" * 80), 1009),
])
def test_what_breaks_the_protocol(data, code):
    with pytest.raises(FrameError) as error:
        FrameParser(100, 150).feed(data)
    assert error.value.code == code


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_frames_beyond_those_asked_for_stay_bytes(most):
    parser = FrameParser(0, 0)
    data = b"".join(client(TEXT, b"%d" % number) for number in range(10)) + client(TEXT, b"10")[:4]
    found, takes = parser.feed(data, most), 1
    while parser.has_more:
        events = parser.feed(b"", most)
        assert len(events) <= most
        found, takes = found + events, takes + 1
    assert found == [(TEXT, str(number)) for number in range(10)]
    assert takes >= 10 / most
    assert parser.feed(client(TEXT, b"10")[4:] + client(PING, b"!")) == [(TEXT, "10"), (PING, b"!")]


def test_frames_before_a_broken_one_are_taken():
    parser = FrameParser(0, 0)
    assert parser.feed(client(TEXT, b"a") + client(3, b"")) == [(TEXT, "a")]
    assert parser.has_more
    with pytest.raises(FrameError):
        parser.feed(b"")
    parser = FrameParser(0, 0)
    assert parser.feed(client(TEXT, b"a") + client(TEXT, b"\xff")) == [(TEXT, "a")]
    assert parser.has_more
    with pytest.raises(FrameError):
        parser.feed(client(TEXT, b"b"))


def test_a_message_in_tiny_pieces_takes_no_more_room_than_it_has():
    parser = FrameParser(1000, 10 ** 6)
    parser.feed(client(BINARY, b"", fin=False))
    for _ in range(1000):
        parser.feed(client(CONTINUATION, b"xy", fin=False) + client(CONTINUATION, b"", fin=False))
    assert len(parser._message) == 2000


@pytest.mark.parametrize("size, head", [
    (0, b"\x82\x00"), (125, b"\x82\x7d"), (126, b"\x82\x7e\x00\x7e"), (65535, b"\x82\x7e\xff\xff"),
    (65536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
])
def test_frames_of_the_server(size, head):
    assert encode(BINARY, b"x" * size) == head + b"x" * size


def test_close_frames_of_the_server():
    assert encode_close(1013) == b"\x88\x02\x03\xf5"
    assert encode_close(4000, "grüße") == b"\x88\x09\x0f\xa0" + "grüße".encode()


def test_what_breaks_the_protocol_is_told_when_frames_are_wanted_again():
    parser = FrameParser(1000, 1000)
    assert parser.feed(client(TEXT, b"a") + client(TEXT, b"", rsv=0x40)) == [(TEXT, "a")]
    # The connection is held, and what was on its way still comes.
    assert parser.feed(client(TEXT, b"b"), 0) == parser.feed(b"", 0) == []
    assert parser.has_more
    with pytest.raises(FrameError, match="reserved bits"):
        parser.feed(b"")
