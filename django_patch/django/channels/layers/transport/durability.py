"""
Plans that ask servers what they promise of the messages that wait there.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import LayerUnavailable
from ..acknowledgement import Promise
from .operations import ExchangeAll, Result
from .resp import ReplyError, pack

_QUESTIONS = (pack('INFO'), pack('CONFIG', 'GET', '*appendfsync*'), pack('CONFIG', 'GET', 'save'))


class DurabilityOperations(object):
    """Plans that ask servers of their configuration; any number of threads may share it."""

    def __init__(self, options):
        self._options = options

    def promises(self, absent=None):
        """
        Ask each shard but those of `absent`, {shard: why}.

        The Result is a list that has for each shard a Promise, or the
        LayerUnavailable why not.
        """
        absent = absent or {}
        shards = range(self._options.keys.shards)
        confirmation = self._options.confirmation
        questions = _QUESTIONS if confirmation is None else _QUESTIONS + (confirmation.probe,)
        asked = [shard for shard in shards if shard not in absent]
        answers = {shard: LayerUnavailable(text) for shard, text in absent.items()}
        if asked:
            answers.update(zip(asked, (yield ExchangeAll([(shard, questions) for shard in asked]))))
        yield Result([
            answers[shard] if isinstance(answers[shard], LayerUnavailable) else _promise(*answers[shard])
            for shard in shards
        ])


def _promise(info, fsync, save, confirmed=None):
    """
    Return the Promise that the replies to _QUESTIONS make.

    `confirmed` is that to the probe of a Confirmation. Return a
    LayerUnavailable where there is none.
    """
    if type(info) is ReplyError:
        return LayerUnavailable('Redis refused a command: %s' % info)
    facts = {}
    for line in info.splitlines():
        name, colon, value = line.decode('utf-8', 'replace').partition(':')
        facts[name] = value
    # A server that somebody else runs may refuse CONFIG.
    save, fsyncs = _values(save).get('save'), _values(fsync)
    return Promise(
        version=facts.get('valkey_version') or facts.get('redis_version', ''),
        aof=facts.get('aof_enabled') == '1', fsync=fsyncs.get('appendfsync', ''),
        snapshots=None if save is None else save != '',
        snapshot_age=_age(facts), replicas=int(facts.get('connected_slaves', 0)),
        max_memory=int(facts.get('maxmemory', 0)), policy=facts.get('maxmemory_policy', ''),
        fsync_pauses=fsyncs.get('no-appendfsync-on-rewrite') == 'yes',
        refusal=str(confirmed) if type(confirmed) is ReplyError else '',
    )


def _values(reply):
    """Return what the reply to a CONFIG GET says, as a dict of texts."""
    if type(reply) is ReplyError:
        return {}
    texts = [part.decode('utf-8', 'replace') for part in reply]
    return dict(zip(texts[::2], texts[1::2]))


def _age(facts):
    """Return for how many seconds there has been no snapshot, by the server's own clock; None if it isn't said."""
    try:
        now = int(facts['server_time_usec']) // 1000000
        return max(0, now - int(facts['rdb_last_save_time']))
    except (KeyError, ValueError):
        return None
