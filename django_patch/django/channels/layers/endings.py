"""
Endings of held messages: consumers' sends are made, the messages acknowledged.
"""
from __future__ import absolute_import

import logging
import sys

from ..exceptions import LayerUnavailable
from .acknowledgement import GONE
from .blocking import send_blocking

logger = logging.getLogger('django.channels')


class Ending(object):
    """
    A held message whose consumer has succeeded.

    `sends` are those of its outbox. `on_failure(exc_info)` is called if they
    can't be made, which makes the consumer's success a failure.
    """
    __slots__ = ('layer', 'receipt', 'sends', 'on_failure')

    def __init__(self, layer, receipt, sends, on_failure):
        self.layer = layer
        self.receipt = receipt
        self.sends = sends
        self.on_failure = on_failure


def end_all(layer, endings, timeout):
    """
    Carry out `endings`, a list of Ending of one `layer`, in few calls.

    Sends wait up to `timeout` seconds for room. A failure is passed to the
    on_failure() of its Ending.
    """
    finished, by_receipt = _begin(layer, endings, timeout)
    if not finished:
        return
    try:
        failed = layer.acknowledge(finished)
    except Exception:
        _fail(by_receipt)
        return
    _end_otherwise(by_receipt, failed, timeout)


def end_and_receive(layer, endings, timeout, channels, limit):
    """Carry out `endings` as end_all(), and wait for messages; return them as receive_batch() does."""
    finished, by_receipt = _begin(layer, endings, timeout)
    if not finished:
        return layer.receive_batch(channels, limit, layer.receive_timeout)
    is_known = []

    def on_failed(failed):
        is_known.append(True)
        _end_otherwise(by_receipt, failed, timeout)

    try:
        return layer.acknowledge_and_receive(finished, on_failed, channels, limit, layer.receive_timeout)
    except Exception:
        if not is_known:
            _fail(by_receipt)
        raise


def _begin(layer, endings, timeout):
    """Send what comes before; return what acknowledge() takes, and {token: Ending}."""
    finished, by_receipt = [], {}
    for ending in endings:
        # Most have sent nothing.
        pairs = ending.sends and [(name, content) for of, method, name, content, timeout in ending.sends
                                  if method == 'send' and of is layer]
        if len(pairs) != len(ending.sends):
            # To groups and other layers first: a crash in between repeats.
            if not _send_all(ending, timeout):
                continue
            pairs = []
        finished.append((ending.receipt, pairs))
        by_receipt[ending.receipt.token] = ending
    return finished, by_receipt


def _fail(by_receipt):
    # Which ones succeeded is not known, so all count as failed; a retry of one
    # that was acknowledged finds it gone.
    for ending in by_receipt.values():
        ending.on_failure(sys.exc_info())


def _end_otherwise(by_receipt, failed, timeout):
    for receipt, reason in failed:
        _ended_otherwise(by_receipt[receipt.token], reason, timeout)


def _send_all(ending, timeout):
    """Make the sends of `ending`, waiting for room; return whether that worked."""
    try:
        for layer, method, name, content, own_timeout in ending.sends:
            if method == 'send_group':
                layer.send_group(name, content)
            else:
                send_blocking(layer, name, content, timeout if own_timeout is None else own_timeout, method=method)
        return True
    except Exception:
        ending.on_failure(sys.exc_info())
        return False


def _ended_otherwise(ending, reason, timeout):
    receipt = ending.receipt
    if reason == GONE:
        logger.warning(
            'A message on %s (%s, attempt %d) was requeued before its consumer finished here; what the consumer sent '
            'was dropped.', receipt.channel, receipt.id, receipt.attempt,
        )
    elif isinstance(reason, LayerUnavailable):
        # The layer tries again by itself; the outcome isn't known yet.
        logger.warning('A message on %s (%s) is acknowledged later: %s', receipt.channel, receipt.id, reason)
    elif isinstance(reason, ending.layer.ChannelFull):
        if _send_all(ending, timeout):
            ending.sends = []
            end_all(ending.layer, [ending], timeout)
    else:
        ending.on_failure((type(reason), reason, getattr(reason, '__traceback__', None)))
