"""
Deferred sends and endings of a batch, for the call that receives the next.

It saves the worker a round trip for each batch. Nothing waits for it: the
worker receives at once, and what is sent goes out first, in the same write.
"""
from __future__ import absolute_import

from ..conf import conf
from ..exceptions import LayerUnavailable
from ..layers.endings import end_all, end_and_receive
from .coalescer import note_lost


class DeferredEndings(object):
    """The Endings of held messages of one `layer`."""

    def __init__(self, layer, endings):
        self._layer = layer
        self._endings = endings
        #: Whether nobody waits for it: its consumers have sent nothing.
        self.may_wait = not any(ending.sends for ending in endings)

    def receive(self, channels, limit, counted=None, on_counted=None):
        """Carry them out, and return what receive_batch() returns; raise what it raises. It counts nothing."""
        return end_and_receive(self._layer, self._endings, conf.send_timeout, channels, limit)

    def carry_out(self):
        """Carry them out alone."""
        end_all(self._layer, self._endings, conf.send_timeout)


class DeferredSends(object):
    """
    The `sends` of a Coalescer to one `layer`, to which they return if there is
    no room.

    `on_done()` is called as soon as they have left, or never will.
    """
    may_wait = False

    def __init__(self, layer, coalescer, sends, on_done):
        self._layer = layer
        self._coalescer = coalescer
        self._sends = sends
        self._on_done = on_done

    def receive(self, channels, limit, counted=None, on_counted=None):
        """
        Make them, and return what receive_batch() does; raise what it raises.

        `counted` and `on_counted` are as those of send_and_receive().
        """
        layer = self._layer
        # Of each its name and its content.
        pairs = [send[2:4] for send in self._sends]

        def on_sent(refused, error):
            if error is not None:
                note_lost(layer, pairs, refused, error)
            # The layer returns the very pairs that it refused.
            refused = {id(pair) for pair in refused}
            self._sends = [send for pair, send in zip(pairs, self._sends) if id(pair) in refused] if refused else []
            if not self._sends:
                self._on_done()

        try:
            received = layer.send_and_receive(
                pairs, on_sent, channels, limit, layer.receive_timeout, counted, on_counted)
        except Exception as error:
            known = isinstance(error, LayerUnavailable) or not self._sends
            self.carry_out()
            if known:
                raise
            # One of them can't be sent at all, and so none was; that is
            # logged now.
            return ()
        if self._sends:
            # Who waits for room keeps nobody waiting who needs none.
            received = layer.requeue(list(received)) if received else received
            self.carry_out()
        return received

    def carry_out(self):
        """Make them alone."""
        if self._sends:
            self._coalescer.add(self._sends)
            self._coalescer.deliver()
            self._sends = []
            self._on_done()
