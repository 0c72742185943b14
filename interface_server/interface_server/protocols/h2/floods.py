"""
Detection of floods by a client of HTTP/2 (RFC 9113, section 10.5).

Frames that ask for work and bring nothing are counted. No limit is an
option: each is far above what any honest client needs.
"""
from __future__ import annotations

#: Frames without use (pings, settings, priorities, empty and unknown ones) in
#: one second.
IDLE_FRAMES = 200
#: Streams that a client may reset, of a hundred that it opens; and how many
#: are looked at first (CVE-2023-44487).
RESETS_PER_HUNDRED, RESETS_AT_LEAST = 50, 100
#: Window updates for each frame that they let us send (Envoy: 10), and how
#: many come before any.
UPDATES_PER_FRAME, UPDATES_AT_LEAST = 10, 1000


class Floods:
    """The counts of one connection; each method says if it is too much."""

    __slots__ = ("opened", "frames_sent", "_resets", "_updates", "_idle_frames", "_window_start")

    def __init__(self) -> None:
        #: Streams that were opened, and frames with content sent on them.
        self.opened = 0
        self.frames_sent = 0
        self._resets = 0
        self._updates = 0
        self._idle_frames = 0
        self._window_start = 0.0

    def idle_frame(self, now: float) -> bool:
        """Count a frame without use at the time `now`, in seconds."""
        if now - self._window_start > 1:
            self._window_start, self._idle_frames = now, 0
        self._idle_frames += 1
        return self._idle_frames > IDLE_FRAMES

    def reset(self) -> bool:
        """Count a stream that was broken off."""
        self._resets += 1
        return self._resets > max(RESETS_AT_LEAST, self.opened * RESETS_PER_HUNDRED // 100)

    def window_update(self) -> bool:
        """Count a window's growing."""
        self._updates += 1
        return self._updates > UPDATES_AT_LEAST + UPDATES_PER_FRAME * (self.frames_sent + self.opened)
