"""
Replies and acknowledgments that go out in the write that waits for the next.
"""
from __future__ import absolute_import, unicode_literals

from ..base import RESERVED_KEY
from .acknowledging_layer import RedisAcknowledgementMixin


class RedisCombinedCallsMixin(RedisAcknowledgementMixin):
    """The parts `sends_with_receive` and `acknowledges_with_receive` of RedisChannelLayer."""
    sends_with_receive = acknowledges_with_receive = True

    def send_and_receive(self, pairs, on_sent, channels, limit, timeout=0, counted=None, on_counted=None):
        for channel, message in pairs:
            if type(message) is not dict or RESERVED_KEY in message:
                self.check_message(message)
        reader = self._reader(channels)
        calls = None
        if reader.has_one_shard:
            calls = self._transport.sender.prepare(pairs, on_sent)
        if calls is None:
            return super(RedisCombinedCallsMixin, self).send_and_receive(pairs, on_sent, channels, limit, timeout)
        if counted is not None:
            calls.count(self.transport_options.keys.queue(calls.shard, counted), on_counted)
        try:
            return self._take_along(calls, reader, limit, timeout)
        finally:
            calls.finish()

    def acknowledge_and_receive(self, finished, on_failed, channels, limit, timeout=0):
        reader = self._reader(channels)
        if not reader.has_one_shard or self.transport_options.confirmation is not None:
            on_failed(self.acknowledge(finished))
            return self.receive_batch(channels, limit, timeout)
        calls = self._run(self._transport.acknowledged.prepare(finished))
        try:
            return self._take_along(calls, reader, limit, timeout)
        finally:
            on_failed(self.note_unsaid(finished, calls.failed))

    def _take_along(self, calls, reader, limit, timeout):
        """Receive, with `calls` in the same write; write them alone if they couldn't go along."""
        try:
            # Nothing here is for several clients at once.
            return [(names[0], message) for names, message in self._take(reader, limit, timeout, False, calls)]
        finally:
            if calls.shards():
                self._run(self._transport.acknowledged.write(calls))
