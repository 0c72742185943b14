"""
Coalesced sends: those of several consumers that are done, made in one call.

A worker that handles several messages in a row routes the outboxes delivered
meanwhile into its Coalescer. Code that bypasses the outbox calls
flush_coalesced() first, so that the order is kept.
"""
from __future__ import absolute_import

import itertools
import logging
import threading

from ..compat.context import ContextVar
from ..conf import conf
from ..exceptions import LayerUnavailable
from ..layers.blocking import send_blocking
from ..layers.clock import SYSTEM_CLOCK
from ..layers.endings import end_all
from ..layers.late_answers import LATE_ANSWERS
from .failure_log import failure_log

logger = logging.getLogger('django.channels')

#: The method, among those of sends, that stands for the end of a held message:
#: its content is an Ending.
END = 'end'

#: The Coalescer into which the outboxes go that are delivered in this context,
#: or None.
active_coalescer = ContextVar('django.channels.coalescer', default=None)


def coalesce(layer, name, content, timeout):
    """
    Add a send that no outbox holds back, and return whether that was possible.

    `content` must not change any more; `timeout` is in seconds.
    """
    coalescer = active_coalescer.get()
    if coalescer is None:
        return False
    coalescer.add([(layer, 'send', name, content, timeout)])
    return True


def flush_coalesced():
    """Send what has been coalesced in this context, before something that has to come after it."""
    coalescer = active_coalescer.get()
    if coalescer is not None:
        coalescer.deliver()


def deliver(layer, method, name, content, timeout=None):
    """
    Carry out one send of an outbox: `layer.method(name, content)`.

    `timeout` is how many seconds to wait for room; by default what the
    settings say. Then the message is dropped, with an error in the log.
    """
    if method == 'send_group':
        layer.send_group(name, content)
        return
    if timeout is None:
        timeout = conf.send_timeout
    try:
        send_blocking(layer, name, content, timeout, method=method)
    except layer.ChannelFull:
        logger.error(
            'A message to %s was dropped: the channel was full for %s s. Run more workers for it, or raise its '
            'capacity.', name, timeout,
        )


def _answers_late(layer, name, content):
    """Have a whole response, which is of no use but to who waits for it, be sent late; return whether it is."""
    return ('!' in name and 'status' in content and not content.get('more_content') and
            LATE_ANSWERS.add(layer, name, content))


def note_lost(layer, pairs, refused, error):
    """Log that those of `pairs` that were not `refused` may be lost by `error`; responses among them come late."""
    lost = len(pairs) - len(refused)
    if lost:
        failure_log.failed(layer, 'lost', lost, '%d messages may be lost: %s', lost, error)
    refused = set(map(id, refused))
    for pair in pairs:
        if id(pair) not in refused:
            _answers_late(layer, *pair)


class Coalescer(object):
    """
    Sends of consumers that are done, in their order, until deliver().

    Rule 1: sends leave in the order in which they were added. `_delivering`
    is held from taking them until the layer has them, so that a second
    deliver() waits for the first. It may be entered again by the thread that
    holds it: what the layer logs may be sent to a channel.

    Rule 2: add() never waits for a layer. `_lock` guards the list alone and
    is never held during a call to anything else; it is taken after
    `_delivering`, never before.
    """

    def __init__(self, clock=SYSTEM_CLOCK):
        self._clock = clock
        self._lock = threading.Lock()
        self._delivering = threading.RLock()
        self._sends = []
        #: Whether anything was sent through it, or past it; who wants to know
        #: sets it back.
        self.is_used = False

    @property
    def has_sends(self):
        """Whether anything waits for deliver()."""
        return bool(self._sends)

    def add(self, sends):
        """Add `sends`, a list of (layer, method, name, content, timeout or None)."""
        self.is_used = True
        with self._lock:
            self._sends.extend(sends)

    def take(self, layer, method):
        """Return the sends that wait for deliver(), a list, if all of them are of `layer` and `method`; else none."""
        with self._delivering, self._lock:
            for send in self._sends:
                if send[0] is not layer or send[1] != method:
                    return []
            sends, self._sends = self._sends, []
        return sends

    def deliver(self):
        """Send what was added. Errors are logged, since its consumers are done."""
        self.is_used = True
        with self._delivering:
            with self._lock:
                sends, self._sends = self._sends, []
            if sends:
                SendRun(self._clock).carry_out(sends)


class SendRun(object):
    """Sends that are made together, all of which wait for room at the same time."""

    def __init__(self, clock=SYSTEM_CLOCK):
        self._clock = clock
        self._began = clock.monotonic()
        # Layers that have turned out to be away.
        self._unavailable = set()

    def carry_out(self, sends):
        """Make the `sends` in their order, neighbors that go to one layer in one call."""
        for (layer, method), run in itertools.groupby(sends, lambda send: send[:2]):
            run = list(run)
            if method == END:
                end_all(layer, [send[3] for send in run], conf.send_timeout)
                continue
            if method == 'send' and len(run) > 1 and layer.sends_many_at_once:
                run = self._send_many(layer, run)
            for send in run:
                if layer not in self._unavailable:
                    self._send_one(*send)
                elif not _answers_late(layer, *send[2:4]):
                    failure_log.failed(layer, 'either', 1, 'A message to %s could not be sent either.', send[2])

    def _send_one(self, layer, method, name, content, timeout):
        if timeout is None:
            timeout = conf.send_timeout
        try:
            deliver(layer, method, name, content, max(0, timeout - (self._clock.monotonic() - self._began)))
        except LayerUnavailable as error:
            failure_log.failed(layer, 'unsent', 1, 'A message to %s could not be sent: %s', name, error)
            self._unavailable.add(layer)
            _answers_late(layer, name, content)
        except Exception:
            logger.exception('A message to %s could not be sent.', name)

    def _send_many(self, layer, sends):
        """Send all that there is room for; return the rest, to be sent one by one."""
        rest = []
        while sends:
            pairs = [(name, content) for layer, method, name, content, timeout in sends]
            # The layer returns the very pairs that it refused.
            by_pair = {id(pair): send for pair, send in zip(pairs, sends)}
            try:
                refused = layer.send_many(pairs)
            except LayerUnavailable as error:
                note_lost(layer, pairs, error.refused, error)
                return rest + [by_pair[id(pair)] for pair in error.refused]
            except Exception:
                # One of them can't be sent at all, and so none was.
                return rest + sends
            sends = [by_pair[id(pair)] for pair in refused]
            if sends:
                # The first was tried and is full; those behind it in the
                # queue, for other clients of its process, were not.
                full = sends[0][2]
                rest += [send for send in sends if send[2] == full]
                sends = [send for send in sends if send[2] != full]
        return rest
