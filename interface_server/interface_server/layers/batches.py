"""
The number of messages that a reader takes at once.

Small ones cost the least when many come together. Two hundred of a megabyte
would be two hundred megabytes, and hold everybody up until they are handed out.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..types import Delivery

#: Messages that are taken at once: at first, and at most.
FIRST, MOST = 16, 200
#: Bytes that a batch should have at most, if it has more than one message.
MOST_BYTES = 1024 * 1024
#: Of so many messages one is looked at, if there are more than that in all.
EVERY, ALL = 8, 16


class BatchSize:
    """Learns how many messages to ask for, from those that came."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        #: As many are to be asked for next.
        self.number = FIRST

    def learn(self, deliveries: Sequence[Delivery]) -> None:
        """Take note of what has come."""
        # A part of them tells enough: each message comes this way.
        count, size = len(deliveries), 0
        # The end of a stream, which is empty, says nothing of the pieces behind it.
        some = deliveries if count <= ALL else deliveries[::EVERY]
        for _, message in some:
            if type(message) is dict:
                content = message.get("content") or message.get("text") or message.get("bytes")
                if content:
                    size += len(content)
        if some:
            size = size * count // len(some)
        if size > MOST_BYTES:
            self.number = max(1, count * MOST_BYTES // size)
        elif count >= self.number and 2 * size <= MOST_BYTES:
            self.number = min(MOST, 2 * self.number)
