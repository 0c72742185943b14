"""
A consumer's sends, held back until it has succeeded.

While a consumer runs, what it sends collects in the outbox of its thread, or
of the task that an async view is. When it returns, the outbox is delivered in
order; when it raises, the outbox is dropped, so nobody hears of what didn't
happen. With CHANNEL_SEND_ON_COMMIT, sends wait for the database's commit as
well, in a consumer and elsewhere.
"""
from __future__ import absolute_import

import itertools

from . import tracing
from .compat.context import ContextVar
from .compat.transactions import connection_of, has_commit_hooks, on_commit
from .conf import conf
from .layers.base import copy_message
from .layers.blocking import send_blocking, send_many_blocking
from .prefetch.coalescer import SendRun, active_coalescer, deliver, flush_coalesced

_current = ContextVar('django.channels.outbox', default=None)


class Outbox(object):
    """The sends of one consumer, in order, layer by layer."""

    def __init__(self):
        self.is_open = True
        self._sends = []

    @property
    def has_sends(self):
        """Whether there is anything to deliver."""
        return bool(self._sends)

    @property
    def has_jobs(self):
        """Whether a send to an acknowledged channel is among it."""
        return bool(self._sends) and any(map(_is_job, self._sends))

    def put(self, layer, method, name, content):
        """Hold `layer.method(name, content)` back; `content` is copied."""
        self._sends.append((layer, method, name, copy_message(content), None))

    def clear(self):
        """Drop what is held."""
        self._sends = []

    def take(self):
        """Return what is held as a list of (layer, method, name, content, None), and hold it no more."""
        sends, self._sends = self._sends, []
        return sends

    def deliver(self):
        """
        Send what is held, waiting for room as long as the settings say.

        A message whose channel stays full is dropped, with an error in the
        log that names the channel; the others still go out. Any other error
        of a layer comes through.
        """
        if not self._sends:
            return
        sends, self._sends = self._sends, []
        coalescer = active_coalescer.get()
        if coalescer is not None:
            coalescer.add(sends)
            return
        # One after the other: a direct send and a group send to the same
        # client keep their order.
        for send in sends:
            deliver(*send)

    def deliver_now(self):
        """
        Send what is held before its consumer has ended.

        Raise what keeps one to an acknowledged channel from leaving, the
        layer's ChannelFull among it; those behind it are dropped. What else
        can't be sent is dropped as at the end, with an error in the log.
        """
        sends = self.take()
        flush_coalesced()
        for (is_job, layer, method), run in itertools.groupby(sends, lambda send: (_is_job(send),) + send[:2]):
            if not is_job:
                SendRun().carry_out(list(run))
            elif method == 'send':
                send_many_blocking(layer, [send[2:4] for send in run], conf.send_timeout)
            else:
                for send in run:
                    send_blocking(layer, send[2], send[3], conf.send_timeout, method=method)


def _is_job(send):
    layer, method, name = send[:3]
    return layer.supports_acknowledgement and (
        method == 'put_job' or method == 'send' and layer.options_of(name) is not None)


def current():
    """Return the outbox of the consumer that runs here, or None."""
    outbox = _current.get()
    # What a consumer has started may go on after its end, and inherit this.
    return outbox if outbox is not None and outbox.is_open else None


def holds_back():
    """Return whether what is sent here only goes into an outbox, without a look at a database."""
    return current() is not None and not conf.send_on_commit


class collected(object):
    """
    Hold sends back for the block, as a context manager that gives the outbox.

    The caller may deliver() it after the block. It is a class, since one made
    of a generator takes longer than many a consumer.
    """
    __slots__ = ('_outbox', '_around')

    def __enter__(self):
        self._outbox, self._around = Outbox(), _current.get()
        _current.set(self._outbox)
        return self._outbox

    def __exit__(self, error, *details):
        _current.set(self._around)
        self._outbox.is_open = False


class buffered(collected):
    """As `collected`, and deliver the outbox unless the block raises."""
    __slots__ = ()

    def __exit__(self, error, *details):
        _current.set(self._around)
        self._outbox.is_open = False
        if error is None and self._outbox._sends:
            self._outbox.deliver()


def flush():
    """Send at once what the consumer that runs here has sent, and those before it."""
    outbox = current()
    if outbox is not None:
        outbox.deliver()
    flush_coalesced()


def send(layer, method, name, content, immediately=False, is_committed=False):
    """
    Send now, at the consumer's end, or at the commit: whatever applies.

    `method` is "send" or "send_group"; `immediately` skips the outbox and
    the commit, `is_committed` the commit alone. Return what the method does;
    None if it is called later.
    """
    if tracing.tracer is not None and not is_committed:
        content = tracing.tracer.traced(method, name, content)
    if not immediately:
        alias = None if is_committed else conf.send_on_commit
        if alias and connection_of(alias).in_atomic_block:
            content = copy_message(content)
            at_commit(lambda: send(layer, method, name, content, is_committed=True), alias)
            return None
        outbox = _current.get()
        if outbox is not None and outbox.is_open:
            outbox.put(layer, method, name, content)
            return None
    # As flush_coalesced(); most senders have nothing to flush.
    coalescer = active_coalescer.get()
    if coalescer is not None:
        coalescer.deliver()
    return getattr(layer, method)(name, content)


def at_commit(action, using):
    """
    Call `action` once the database has committed.

    `using` is the database's alias. Outside of a transaction, and where
    Django has no commit hooks, call it now.
    """
    if not has_commit_hooks() or not connection_of(using).in_atomic_block:
        action()
        return
    on_commit(CommitHook(action), using=using)


class CommitHook(object):
    """
    A commit hook of ours, which calls `action` the first time that it is run.

    A TestCase never commits. What runs hooks there all the same, Django's
    captureOnCommitCallbacks() and test.committing, leaves them to each other.
    """

    def __init__(self, action):
        self._action = action

    def __call__(self):
        action, self._action = self._action, None
        if action is not None:
            action()
