"""
Waiting until what was sent to an acknowledged channel is safe.

A server has a message in memory when it answers. Whether its replicas have
it, and whether it is on disk, is asked on the connection that sent it.
"""
from __future__ import absolute_import, unicode_literals

from ...compat import six
from ...durations import checked_seconds
from ...exceptions import LayerUnavailable
from .operations import Exchange, ExchangeAll
from .resp import ReplyError, pack

#: Seconds that are waited, unless the configuration says otherwise.
_TIMEOUT = 1.0


class Confirmation(object):
    """
    What is asked of a server after a message was put there.

    That is that `replicas` of it, a number, have got it, and, with `fsync`,
    that it is on disk, too; within `timeout` seconds. Raise TypeError or
    ValueError for anything else.
    """
    __slots__ = ('replicas', 'fsync', 'timeout', 'command', 'probe')

    def __init__(self, replicas=0, fsync=False, timeout=_TIMEOUT):
        if not isinstance(replicas, six.integer_types) or isinstance(replicas, bool) or replicas < 0:
            raise ValueError('replicas must be a number of replicas, not %r.' % (replicas,))
        if not replicas and not fsync:
            raise ValueError('confirm needs replicas, or fsync, or both.')
        # With 0, servers would wait for ever.
        checked_seconds('timeout', timeout)
        self.replicas = replicas
        self.fsync = bool(fsync)
        self.timeout = timeout
        milliseconds = max(1, int(timeout * 1000))
        self.command = pack('WAITAOF', 1, replicas, milliseconds) if fsync else pack('WAIT', replicas, milliseconds)
        #: The same, asked for nothing: only a server that refuses it says no.
        self.probe = pack('WAITAOF', 0, 0, 1) if fsync else pack('WAIT', 0, 1)

    def error(self, reply):
        """Return the LayerUnavailable for `reply`, the answer to `command`; None if it confirms."""
        if type(reply) is ReplyError:
            text = 'Redis refused to confirm a message: %s' % reply
            if self.fsync and 'unknown command' in str(reply).lower():
                text = ('This Redis has no WAITAOF, which "fsync" in the option "confirm" needs: use Redis 7.2 or '
                        'later, or Valkey, or "replicas" alone.')
        else:
            local, replicas = reply if self.fsync else (1, reply)
            if local >= 1 and replicas >= self.replicas:
                return None
            text = '%s was not confirmed within %s s: it has %d of %d replicas%s.' % (
                'A message', self.timeout, replicas, self.replicas,
                '' if local else ', and is not on disk' if self.fsync else '',
            )
        error = LayerUnavailable(text)
        # It is there, and will be received unless the server is lost.
        error.sent = True
        return error

    def split(self, replies):
        """Return (the replies but the last, the error that the last says, or None)."""
        return replies[:-1], self.error(replies[-1])


def confirming(plan, confirmation, applies):
    """
    Return a plan that does what `plan` says, each write confirmed.

    `plan` yields no other plans. `applies()` returns whether the next write
    is one to confirm. What isn't confirmed is raised in `plan`.
    """
    answer = error = None
    while True:
        request = plan.throw(error) if error is not None else plan.send(answer)
        answer = error = None
        if not applies():
            try:
                answer = yield request
            except LayerUnavailable as raised:
                error = raised
        elif type(request) is Exchange:
            try:
                answer, error = confirmation.split((
                    yield Exchange(request.shard, tuple(request.commands) + (confirmation.command,))
                ))
            except LayerUnavailable as raised:
                error = raised
        elif type(request) is ExchangeAll:
            answer = _each_confirmed(confirmation, (yield ExchangeAll([
                (shard, tuple(commands) + (confirmation.command,)) for shard, commands in request.requests
            ])))
        else:
            answer = yield request


def _each_confirmed(confirmation, answers):
    found = []
    for replies in answers:
        if not isinstance(replies, LayerUnavailable):
            replies, error = confirmation.split(replies)
            replies = error or replies
        found.append(replies)
    return found
