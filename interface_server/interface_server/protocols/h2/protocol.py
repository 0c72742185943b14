"""
The driver of a connection of HTTP/2: its transport, deadlines and end.

The library h2 reads and makes frames, over TLS after ALPN, and in clear with
prior knowledge. What the client says is handled in `receiver`, what it is sent
in `writer`. What RFC 9113 section 10.5 warns of is bounded: streams, headers,
frames that do nothing, resets.
"""
from __future__ import annotations

import asyncio
import logging
from typing import Any, Optional

import h2.config
import h2.errors
import h2.exceptions

from ...types import Peer, Site
from ..connections import ConnectionLimiter
from ..progress import WriteProgress
from .connection import LAST_STREAM, Flood, Http2Connection
from .floods import Floods
from .lifecycle import CLOSED, DISMISSED, DRAINING, ENDED, LEAVING, LINGERING, NO_MORE, OPEN, TRANSITIONS, WARNED
from .receiver import Receiver
from .writer import FrameWriter

logger = logging.getLogger(__name__)


class Http2Protocol(asyncio.Protocol):
    """
    One connection and its streams.

    `slot` is what `limiter` counts it as.
    """

    def __init__(self, site: Site, limiter: ConnectionLimiter, peer: Peer, slot: str) -> None:
        self._limiter = limiter
        self._slot = slot
        self._options = limiter.options
        self._loop = asyncio.get_running_loop()
        self.deadline = 0.0
        self._state = OPEN
        self._floods = Floods()
        self._conn = Http2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=None), self._count_silent_frame,
        )
        self.writer = FrameWriter(
            self._conn, self._floods, self._options.write_timeout, self._options.min_write_rate, self._update_deadline,
        )
        self.receiver = Receiver(self, self._conn, self.writer, self._floods, site, limiter, peer, slot)

    def _move(self, event: str) -> None:
        self._state = TRANSITIONS[self._state][event]

    # The connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._progress = WriteProgress(transport, self._options)
        self.writer.start(transport)
        self._limiter.connections.add(self)
        self._conn.start(self._options)
        if self._limiter.is_ending:
            self._move(WARNED)
            self._conn.send_goaway(LAST_STREAM)
        self.writer.flush()
        self._update_deadline()

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._limiter.connections.discard(self)
        self._limiter.release(self._slot)
        self.writer.writable.set()
        self.receiver.drop_streams(error)
        self._move(ENDED)
        self._let_go_if_idle()

    @property
    def takes_streams(self) -> bool:
        """Whether more streams may be opened."""
        return self._state is OPEN or self._state is LEAVING

    def on_streams_changed(self) -> None:
        """Take note that streams have come, or gone."""
        if self._state is CLOSED:
            self._let_go_if_idle()
        else:
            self._end_if_done()
            self._update_deadline()

    def _let_go_if_idle(self) -> None:
        """Have all of a connection gone at once, when its last stream has ended, too."""
        if self.receiver.is_idle:
            # They refer to us. Otherwise thousands of objects would wait to be
            # collected together, while everybody waits for that.
            self._conn.close()
            del self._conn, self.writer, self.receiver

    def announce_end(self) -> None:
        """Have the client open no more streams, and take those on their way (RFC 9113 section 6.8)."""
        if self._state is OPEN:
            self._move(WARNED)
            self._conn.send_goaway(LAST_STREAM)
            self.writer.flush()
            self._update_deadline()

    def shutdown(self) -> None:
        """Finish the streams there are, and end."""
        if self.takes_streams:
            self._move(NO_MORE)
            self._conn.send_goaway()
            self.writer.flush()
            self._end_if_done()

    def _end_if_done(self) -> None:
        if self._state is DRAINING and self.receiver.is_idle:
            self.writer.flush()
            self.close()

    def close(self) -> None:
        """Close once the client has read everything, which it has its time for."""
        self.deadline = self._progress.close()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def close_for_flooding(self) -> None:
        """Send a client away that keeps the server busy with nothing."""
        if self._state is not LINGERING:
            self._limiter.repeats.warn(
                logger, "flood", "An HTTP/2 client was sent away: it keeps the server busy with nothing.",
            )
            self._conn.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            self._linger()

    def _linger(self) -> None:
        """Let the client read why, while what it still sends is ignored."""
        self.writer.flush()
        self.writer.muted = True
        self._move(DISMISSED)
        self.receiver.drop_streams(None)
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self.deadline = self._loop.time() + (self._options.close_timeout or float("inf"))
        else:
            self.close()

    # Deadlines

    def on_deadline(self) -> None:
        """Take the client to be gone, or a stream's part of it."""
        if self._transport.is_closing():
            self.deadline = self._progress.end_if_due()
        elif self._state is LINGERING:
            self._transport.abort()
        elif not self.writer.writable.is_set() and self._options.write_timeout:
            if self._progress.suffices():
                self.deadline = self._progress.look()
            else:
                self._transport.abort()
        elif not self.receiver.is_idle:
            self._end_late_streams()
        elif self._state is OPEN and self._options.grace_time:
            self.announce_end()
        else:
            self.shutdown()
            self.close()

    def _end_late_streams(self) -> None:
        now = self._loop.time()
        has_room = self._conn.inbound_flow_control_window > 0
        for stream in [each for each in self.receiver.streams.values() if each.is_late(now, has_room)]:
            self.writer.reset(stream.number, h2.errors.ErrorCodes.CANCEL)
            stream.disconnect()
        self._update_deadline()

    def _update_deadline(self) -> None:
        """Set the deadline for a client that does nothing."""
        if self._state is LINGERING or not self.writer.writable.is_set() or self._transport.is_closing():
            # Whatever else it does, it has to read.
            return
        if not self.receiver.is_idle:
            times = [
                time for each in self.receiver.streams.values() for time in (each.body_deadline, each.window_deadline)
            ]
            self.deadline = min(filter(None, times), default=0.0)
        else:
            timeout = self._options.grace_time if self._state is LEAVING else self._options.keep_alive_timeout
            self.deadline = self._loop.time() + timeout if timeout else 0.0

    def pause_writing(self) -> None:
        self.writer.writable.clear()
        if self._transport.is_closing():
            return
        deadline = self._progress.look()
        if self._options.write_timeout and self._state is not LINGERING:
            self.deadline = deadline

    def resume_writing(self) -> None:
        self.writer.writable.set()
        self._update_deadline()
        self.receiver.pump()

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self._state is LINGERING or self._transport.is_closing():
            return
        try:
            for event in self._conn.events_of(data):
                if self._state is LINGERING or self._transport.is_closing():
                    break
                self.receiver.handle(event)
            self._conn.check_unfinished()
        except Flood:
            self.close_for_flooding()
            return
        except h2.exceptions.ProtocolError as error:
            logger.debug("An HTTP/2 client broke the protocol: %s", error)
            self._linger()
            return
        self.writer.flush()

    def _count_silent_frame(self) -> None:
        # h2 is in the middle of what one read has brought.
        if self._floods.idle_frame(self._loop.time()):
            raise Flood()
