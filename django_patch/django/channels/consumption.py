"""
A message on its way through its consumer: what is known of it so far.
"""
from __future__ import absolute_import

from .compat.clock import monotonic
from .compat.forks import getpid
from .conf import conf
from .layers.acknowledgement import receipt_of

#: What became of a message, as the Dispatcher's handle() returns it. STARTED
#: is what is known of one whose async consumer goes on; it is counted once
#: that has ended, too.
HANDLED, FAILED, DEFERRED, DROPPED, UNROUTED = 'handled', 'failed', 'deferred', 'dropped', 'unrouted'
STARTED = 'started'


class Consumption(object):
    """A message on its way through its consumer, as far as it has come."""
    __slots__ = (
        'channel', 'content', 'attempt', 'message', 'consumer', 'kwargs', 'since', 'process', 'is_overdue', 'slot',
        'receipt', 'span',
    )

    def __init__(self, channel, content):
        self.channel = channel
        self.content = content
        #: What it is acknowledged by, if it is held; see
        #: layers.acknowledgement.
        self.receipt = receipt_of(content)
        #: 1, and 1 more each time that it came again.
        self.attempt = content.pop('__retries__', 0) + 1 if self.receipt is None else self.receipt.attempt
        self.message = self.consumer = None
        #: The slot of an async one in the InFlight.
        self.slot = None
        self.kwargs = {}
        #: By monotonic().
        self.since = monotonic()
        self.process = getpid()
        #: Whether it has been interrupted, since its time was over.
        self.is_overdue = False
        #: A MessageSpan, where messages are traced, and this one is.
        self.span = None

    @property
    def is_streaming(self):
        """Whether it is a response of which parts have left, and which may go on for ever."""
        return self.message is not None and self.message.is_streaming

    @property
    def consumer_name(self):
        """The dotted name of its consumer; '' before that is known."""
        return name_of(self.consumer)

    def describe(self):
        """Return {name: value} of what a log should say of it, as text."""
        return describe(self.channel, self.content, self.consumer, self.attempt)


def describe(channel, content, consumer, attempt):
    """Return {name: value} of what a log should say of a message with that `content` (a dict), as text."""
    described = {
        'channel': channel,
        'consumer': name_of(consumer),
        'reply_channel': str(content.get('reply_channel') or ''),
        'attempt': attempt,
        'message_keys': ', '.join(sorted(str(key) for key in content)),
    }
    if conf.debug:
        # Others may read the log of a site, and messages are private.
        described['message_content'] = repr(content)
    return described


def name_of(consumer):
    """Return the dotted name of a consumer, as far as it has one."""
    if consumer is None:
        return ''
    name = getattr(consumer, '__qualname__', None) or getattr(consumer, '__name__', None)
    if name is None:
        consumer = type(consumer)
        name = consumer.__name__
    return '%s.%s' % (consumer.__module__, name)
