"""
WebSocket frames (RFC 6455, section 5) without sockets: bytes in, messages out.

Only the server's side, and without extensions. Limits are checked at the
head of a frame, before there is room made for it.

The framing is our own although `websockets` is a dependency, used to unmask:
an idle parser of its sans-I/O layer takes 1,449 bytes and ours 185, of which a
process has as many as sockets; `feed(data, most)` bounds what one read may
become, so that others get their turn; and a frame can be encoded once for all
the sockets of a group. Autobahn's suite is run against it.
"""
from __future__ import annotations

import codecs
import struct
import sys
from typing import Any, Optional, Union

from ...backport import bridge
from .close_codes import INVALID_DATA, NO_CODE, PROTOCOL_ERROR, TOO_BIG

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
#: First bytes of messages in one frame.
_FINAL_TEXT, _FINAL_BINARY = 0x80 | TEXT, 0x80 | BINARY

_LENGTH_16 = struct.Struct("!H")
_LENGTH_64 = struct.Struct("!Q")
_HEAD_16 = struct.Struct("!BBH")
_HEAD_64 = struct.Struct("!BBQ")

#: (TEXT, text), (BINARY, bytes), (PING or PONG, bytes), (CLOSE, (code, reason)).
Event = tuple[int, Any]

_new_decoder = codecs.getincrementaldecoder("utf-8")


class FrameError(Exception):
    """Raised when a client breaks the protocol; close with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def encode(opcode: int, payload: bytes) -> bytes:
    """Return an unmasked frame that is a message, or its control frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return _HEAD_16.pack(0x80 | opcode, 126, size) + payload
    return _HEAD_64.pack(0x80 | opcode, 127, size) + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """Return a close frame; `reason` has at most 123 bytes of UTF-8."""
    return encode(CLOSE, _LENGTH_16.pack(code) + reason.encode("utf-8"))


class FrameParser:
    """
    Turns what a client sends into messages and control frames.

    `max_frame` and `max_message` are the sizes in bytes that are accepted; 0
    takes a limit away.
    """

    __slots__ = (
        "frames", "_max_frame", "_max_message", "_buffer", "_position", "_needed", "_error", "_opcode", "_message",
        "_size", "_decoder",
    )

    def __init__(self, max_frame: int, max_message: int) -> None:
        #: How many frames have come.
        self.frames = 0
        self._max_frame = max_frame or sys.maxsize
        self._max_message = max_message or sys.maxsize
        self._buffer: Union[bytes, bytearray] = b""
        # Where in the buffer the next frame begins.
        self._position = 0
        # Bytes from there that must have come before a look can help.
        self._needed = 2
        # What is to be raised once the frames before it were taken.
        self._error: Optional[FrameError] = None
        # Of the message whose fragments are coming, or None.
        self._opcode: Optional[int] = None
        # In one buffer: a list of tiny pieces would take forty times the room.
        self._message = bytearray()
        self._size = 0
        self._decoder: Any = None

    @property
    def has_more(self) -> bool:
        """Whether feed() stopped before it had seen everything."""
        return self._error is not None or len(self._buffer) - self._position >= self._needed

    def feed(self, data: bytes, most: int = sys.maxsize) -> list[Event]:
        """
        Return what is complete with `data`, of `most` frames.

        A read of many tiny frames would take a hundred times its size, all at
        once: what has_more is kept as it came. Raise FrameError for what
        breaks the protocol, after the frames before it were returned.
        """
        if self._error is not None and most:
            raise self._error
        size = len(data) - 6
        if 0 < size < 126 and data[1] == size | 0x80 and most and not self._buffer and self._opcode is None:
            # Most of what comes is one short message, whole and by itself.
            event = self._short_message(data, size)
            if event is not None:
                self.frames += 1
                return [event]
        return self._read(data, most)

    def _read(self, data: bytes, most: int) -> list[Event]:
        if self._buffer:
            if data:
                if type(self._buffer) is bytes:
                    # A long frame grows in place.
                    self._buffer, self._position = bytearray(self._buffer[self._position:]), 0
                self._buffer += data
            if not self.has_more:
                return []
            data, self._buffer = bytes(self._buffer), b""
        position, self._position = self._position, 0
        events: list[Event] = []
        end = len(data)
        stop = self.frames + most
        try:
            while end - position >= 2 and self.frames < stop:
                first, second = data[position], data[position + 1]
                size, start = second & 0x7F, position + 6
                if size > 125:
                    start = position + (8 if size == 126 else 14)
                    if end < start:
                        self._needed = start - position
                        break
                    if size == 126:
                        size = _LENGTH_16.unpack_from(data, position + 2)[0]
                    else:
                        size = _LENGTH_64.unpack_from(data, position + 2)[0]
                self._check_head(first, second, size)
                if end < start + size:
                    self._needed = start + size - position
                    break
                payload = data[start:start + size]
                if size:
                    payload = apply_mask(payload, data[start - 4:start])
                position = start + size
                self.frames += 1
                self._needed = 2
                event = self._frame(first, payload)
                if event is not None:
                    events.append(event)
        except FrameError as error:
            if not events:
                raise
            self._error = error
        if end - position < self._needed:
            self._buffer = data[position:]
        else:
            self._buffer, self._position = data, position
        return events

    def _short_message(self, data: bytes, size: int) -> Optional[Event]:
        """Return the text or the bytes of a frame with `size` bytes; None if it needs a closer look."""
        first = data[0]
        if size <= self._max_frame and size <= self._max_message:
            if first == _FINAL_TEXT:
                try:
                    return TEXT, apply_mask(data[6:], data[2:6]).decode()
                except UnicodeDecodeError:
                    return None
            if first == _FINAL_BINARY:
                return BINARY, apply_mask(data[6:], data[2:6])
        return None

    def _check_head(self, first: int, second: int, size: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "reserved bits are set")
        if not second & 0x80:
            raise FrameError(PROTOCOL_ERROR, "a client's frames must be masked")
        if opcode & 8:
            if opcode > PONG:
                raise FrameError(PROTOCOL_ERROR, "unknown opcode")
            if size > 125 or not first & 0x80:
                raise FrameError(PROTOCOL_ERROR, "a control frame is small and in one piece")
        else:
            if opcode > BINARY:
                raise FrameError(PROTOCOL_ERROR, "unknown opcode")
            if (opcode == CONTINUATION) is (self._opcode is None):
                raise FrameError(PROTOCOL_ERROR, "a fragment is out of place")
            if size > self._max_frame:
                raise FrameError(TOO_BIG, f"frames may have {self._max_frame} bytes")
            if self._size + size > self._max_message:
                raise FrameError(TOO_BIG, f"messages may have {self._max_message} bytes")

    def _frame(self, first: int, payload: bytes) -> Optional[Event]:
        opcode = first & 0x0F
        if opcode & 8:
            return (opcode, _read_close(payload) if opcode == CLOSE else payload)
        try:
            if first & 0x80 and opcode == TEXT:
                return TEXT, payload.decode()
            if first & 0x80 and opcode == BINARY:
                return BINARY, payload
            return self._fragment(first, opcode, payload)
        except UnicodeDecodeError:
            raise FrameError(INVALID_DATA, "text must be UTF-8") from None

    def _fragment(self, first: int, opcode: int, payload: bytes) -> Optional[Event]:
        if opcode != CONTINUATION:
            self._opcode = opcode
            self._decoder = _new_decoder() if opcode == TEXT else None
        self._size += len(payload)
        self._message += payload
        final = bool(first & 0x80)
        if self._decoder is not None:
            # What isn't UTF-8 is refused at once, not at the end.
            self._decoder.decode(payload, final)
        if not final:
            return None
        message = bytes(self._message)
        event = (TEXT, message.decode()) if self._opcode == TEXT else (BINARY, message)
        self._opcode, self._decoder, self._message, self._size = None, None, bytearray(), 0
        return event


def _read_close(payload: bytes) -> tuple[int, str]:
    if not payload:
        return NO_CODE, ""
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "a close code has two bytes")
    code = _LENGTH_16.unpack_from(payload)[0]
    if not bridge.is_close_code(code):
        raise FrameError(PROTOCOL_ERROR, "a close code that must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "the reason of a close must be UTF-8") from None
