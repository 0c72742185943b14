"""
Sends of several messages at once, and calls that say what a worker has done
and wait for its next messages.
"""
from __future__ import absolute_import

import functools

from ..exceptions import LayerUnavailable


class CombiningMixin(object):
    """The part of BaseChannelLayer that saves workers a round trip, where a layer can do that."""
    #: Does send_many() cost less than one send() after the other, and send
    #: nothing if one of the messages can't be sent at all?
    sends_many_at_once = False
    #: Do send_and_receive() and acknowledge_and_receive() cost less than one
    #: after the other?
    sends_with_receive = acknowledges_with_receive = False

    def send_many(self, pairs):
        """
        Send each (channel, message) of `pairs`; return those refused as full.

        The list has the very pairs that were given. The order on each channel
        is kept: once a channel has refused a message, it gets none of the
        later ones. See `sends_many_at_once`.
        """
        refused, full = [], set()
        for pair in pairs:
            channel, message = pair
            if channel not in full:
                try:
                    self.send(channel, message)
                    continue
                except self.ChannelFull:
                    full.add(channel)
            refused.append(pair)
        return refused

    def keep_own_send(self):
        """Have send_many() call send() where a project's class has one of its own, which counts or logs perhaps."""
        if not self.sends_many_at_once:
            return
        send, send_many = [
            next(base for base in type(self).__mro__ if name in vars(base)) for name in ('send', 'send_many')]
        if send is not send_many and issubclass(send, send_many):
            self.sends_many_at_once = self.sends_with_receive = False
            self.send_many = functools.partial(CombiningMixin.send_many, self)

    def send_and_receive(self, pairs, on_sent, channels, limit, timeout=0, counted=None, on_counted=None):
        """
        Carry out send_many(), then receive_batch(); return what that does.

        The sends don't wait for a message to come. As soon as it is known
        what became of them, `on_sent` is called with the pairs that surely
        were not sent, a list, and with a LayerUnavailable, by which the
        others may be lost, or None. A wait ends early if some were not sent.
        Raise what send_many() raises for what can't be sent; then nothing
        was, and `on_sent` isn't called. A layer that has the answer without a
        round trip calls `on_counted` with the number of messages on the
        channel `counted`, those it is about to return among them.
        """
        try:
            refused, error = self.send_many(pairs), None
        except LayerUnavailable as raised:
            refused, error = raised.refused, raised
        on_sent(refused, error)
        return self.receive_batch(channels, limit, 0 if refused else timeout)

    def acknowledge_and_receive(self, finished, on_failed, channels, limit, timeout=0):
        """
        Carry out acknowledge(), then receive_batch(); return what that does.

        The acknowledgement doesn't wait for a message to come. Before this
        returns, or raises, it calls `on_failed` with what acknowledge()
        returns; a wait ends early if that isn't empty.
        """
        on_failed(self.acknowledge(finished))
        return self.receive_batch(channels, limit, timeout)
