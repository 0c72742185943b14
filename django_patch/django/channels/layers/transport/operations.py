"""
Operations that a plan yields to its driver, and their results.

A plan is a generator that knows what to say to Redis and does no I/O. Its
driver carries out each thing it yields and sends the outcome back in:

``Exchange``
    One write to one shard, and its replies.
``ExchangeAll``
    The same with several shards at once.
``Probe``
    A short question whether one shard is there; who looks at all asks it.
``Block``
    The same, waiting until the first of them has a message.
``Result``
    The end. Nothing is sent in after it.
Another plan
    A part of this one, as only those of a Reader have them: its Result is
    the answer, and what it raises is raised here. `flatten` makes a plan of
    both for drivers that leave it to that.

Whatever the request, a driver repeats commands that failed for want of a
script: see `scripts.to_repeat`.
"""
from __future__ import absolute_import

import collections
import functools
import types

from ...exceptions import LayerUnavailable
from .resp import ReplyError


class Exchange(collections.namedtuple('Exchange', 'shard commands')):
    """
    Packed `commands`, a sequence of bytes, for the shard of that number.

    Send them in one write. The answer is the list of their replies, one
    each; a ReplyError is an item like others. If the shard can't be reached,
    throw LayerUnavailable into the plan, its `sent` False if no command can
    have arrived. Without commands, only see to it that there is a connection.
    """
    __slots__ = ()


class ExchangeAll(collections.namedtuple('ExchangeAll', 'requests')):
    """
    A list of (shard, commands), all to be sent before any reply is read.

    The answer is a list that has for each its replies, or a LayerUnavailable.
    """
    __slots__ = ()


class Probe(collections.namedtuple('Probe', 'shard commands timeout')):
    """As an Exchange whose shard can't be reached if it hasn't answered within `timeout` seconds."""
    __slots__ = ()


class Result(collections.namedtuple('Result', 'value')):
    """The outcome of a plan, for its caller."""
    __slots__ = ()


#: As Result(value) of a tuple that has it, without a call of Python's.
result_of = functools.partial(tuple.__new__, Result)

#: The outcome of plans that have none.
DONE = Result(None)


class Block(object):
    """
    Commands that block until a message comes, `timeout` seconds at most.

    `requests` is a list of (shard, commands); the last command of each is
    the one that blocks. When one shard has replied, or to interrupt, send
    the commands `wake[shard]` to the others over another connection, add
    these shards to `woken`, and read what they reply then. The answer is a
    list of (shard, outcome), the outcome being the replies or a
    LayerUnavailable; an error in place of the last reply is one, too, but for
    that of a key of another type.

    `alarm` is None, or the seconds after which to end the waiting in that
    way whatever comes: servers end a wait up to 0.1 s late (Redis 7.0).

    `first` is how many commands of the first shard are answered before the
    waiting begins. Where there is but one shard, and `alarm` is None, look at
    what they are answered with: unless `is_fine(replies)`, end the waiting.
    """
    __slots__ = ('requests', 'timeout', 'wake', 'alarm', 'first', 'is_fine', 'woken')

    def __init__(self, requests, timeout, wake, alarm=None, first=0, is_fine=None):
        self.requests = requests
        self.timeout = timeout
        self.wake = wake
        self.alarm = alarm
        self.first = first
        self.is_fine = is_fine
        self.woken = set()


def checked(reply):
    """Return `reply`, or raise LayerUnavailable if it is an error."""
    if type(reply) is ReplyError:
        error = LayerUnavailable('Redis refused a command: %s' % reply)
        error.sent = True
        raise error
    return reply


def flatten(plan):
    """Return a plan that does what `plan` says, and yields no other plans."""
    parts, answer, error = [plan], None, None
    while True:
        try:
            request = parts[-1].throw(error) if error is not None else parts[-1].send(answer)
        except Exception as raised:
            parts.pop()
            if not parts:
                raise
            error = raised
            continue
        error = answer = None
        if type(request) is types.GeneratorType:
            parts.append(request)
        elif type(request) is Result and len(parts) > 1:
            parts.pop()
            answer = request.value
        else:
            try:
                answer = yield request
            except LayerUnavailable as raised:
                error = raised
