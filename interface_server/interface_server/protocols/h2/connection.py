"""
The library h2's part of a connection: what we tell its client at the start,
and how it ends.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Optional

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hpack
from hyperframe.frame import Frame, GoAwayFrame, SettingsFrame

from ...options import Options

#: Bytes of a stream's and of the connection's body that may be on their way.
STREAM_WINDOW, CONNECTION_WINDOW = 256 * 1024, 1024 * 1024


#: Streams that have ended and are kept in mind. The library's 65,536 take
#: megabytes of each connection; frames on older ones are errors as well.
CLOSED_STREAMS = 1000


#: The last stream that there can be.
LAST_STREAM = 2 ** 31 - 1


#: Frames that are taken before what they ask for is done, and counted. One read
#: may bring 7,000, which take the library a quarter of a second.
BATCH = 16


class _Enough(Exception):
    """Raised in the middle of a read, when there is a batch."""


class Flood(Exception):
    """Raised when a client keeps the server busy with nothing."""


class CompressionError(h2.exceptions.ProtocolError):
    """Raised for headers that can't be decoded (RFC 9113 section 4.3)."""

    error_code = h2.errors.ErrorCodes.COMPRESSION_ERROR


class Http2Connection(h2.connection.H2Connection):
    """
    A connection that goes on after GOAWAY.

    For h2 the connection and all its streams end with that frame, whichever
    side sent it; RFC 9113 section 6.8 has those finished that there are.
    """

    MAX_CLOSED_STREAMS = CLOSED_STREAMS

    def __init__(
        self, config: Optional[h2.config.H2Configuration] = None, on_idle_frame: Optional[Callable[[], None]] = None,
    ) -> None:
        """Call `on_idle_frame`, which may raise Flood, for each frame that brings nothing."""
        super().__init__(config)
        self._most_unfinished = 0
        # No state of `lifecycle`: a client that opens with another frame has
        # no connection whose life could begin.
        self._is_greeted = False
        self._on_idle_frame = on_idle_frame
        #: Events of a few frames, and how many frames may come before those are
        #: handled; 0 stands for all.
        self._batch: list[h2.events.Event] = []
        self._frames_left = 0

    def events_of(self, data: bytes) -> Iterator[h2.events.Event]:
        """Take `data`; give its events. After those of a few frames the next ones are looked at."""
        has_more = True
        while has_more:
            self._batch, self._frames_left, has_more = [], BATCH, False
            try:
                self.receive_data(data)
            except _Enough:
                # The library keeps what it hasn't looked at.
                data, has_more = b"", True
            self._frames_left = 0
            yield from self._batch

    def start(self, options: Options) -> None:
        """Send the settings of a server."""
        codes = h2.settings.SettingCodes
        # RFC 9113 section 6.5.2 counts 32 bytes more for each header.
        header_list = options.max_header_bytes + 32 * (options.max_headers or 100)
        if not options.max_header_bytes:
            header_list = 2 ** 31 - 1
        self.local_settings = h2.settings.Settings(client=False, initial_values={
            codes.MAX_CONCURRENT_STREAMS: options.max_streams or 2 ** 31 - 1,
            codes.MAX_HEADER_LIST_SIZE: header_list,
            codes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            codes.ENABLE_PUSH: 0,
            codes.ENABLE_CONNECT_PROTOCOL: 1,
        })
        self.decoder.max_header_list_size = header_list
        self._most_unfinished = header_list
        self.initiate_connection()
        self.increment_flow_control_window(CONNECTION_WINDOW - 65535)

    def close(self) -> None:
        """Read nothing more, and refer to nobody, so that all of it is gone at once."""
        self._frame_dispatch_table = {}
        self._on_idle_frame = None

    def check_unfinished(self) -> None:
        """Raise Flood if headers that have no end yet are larger than they may be; the library keeps a megabyte."""
        # Nothing else shows them before they are complete.
        frames = self.incoming_buffer._headers_buffer
        if frames and sum(len(frame.data) for frame in frames) > self._most_unfinished:
            raise Flood()

    @property
    def open_inbound_streams(self) -> int:
        """
        The number of the client's streams, as far as h2 may know it.

        Beyond the limit it would end the connection, and all streams with it;
        RFC 9113 section 5.1.2 lets the one stream be refused, as we do.
        """
        number: int = super().open_inbound_streams
        return min(number, max(self.local_settings.max_concurrent_streams - 1, 0))

    def _receive_frame(self, frame: Frame) -> list[h2.events.Event]:
        if not self._is_greeted:
            # RFC 9113 section 3.4; the library takes any frame first.
            if not self.config.client_side and (type(frame) is not SettingsFrame or "ACK" in frame.flags):
                raise h2.exceptions.ProtocolError("The first frame is none of settings.")
            self._is_greeted = True
        try:
            events: list[h2.events.Event] = super()._receive_frame(frame)
        except h2.exceptions.ProtocolError as error:
            if isinstance(error.__cause__ or error.__context__, hpack.HPACKError):
                raise CompressionError(str(error)) from error
            raise
        # Frames on streams that are closed, and acknowledgments, cost time
        # like any others.
        if self._on_idle_frame is not None and (
            not events or type(events[0]) is h2.events.SettingsAcknowledged
        ):
            self._on_idle_frame()
        if self._frames_left:
            self._batch += events
            self._frames_left -= 1
            if not self._frames_left:
                raise _Enough()
        return events

    def send_goaway(self, last_stream: Optional[int] = None) -> None:
        """Send GOAWAY for streams after `last_stream`, or for all that are yet to come."""
        last = self.highest_inbound_stream_id if last_stream is None else last_stream
        self._prepare_for_sending([GoAwayFrame(0, last)])

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[h2.events.Event]]:
        if frame.error_code != h2.errors.ErrorCodes.NO_ERROR:
            return super()._receive_goaway_frame(frame)
        event = h2.events.ConnectionTerminated()
        event.error_code = h2.errors.ErrorCodes.NO_ERROR
        return [], [event]
