"""
Durability of messages, as the configuration of their servers has it.
"""
from __future__ import absolute_import, unicode_literals

import logging
import re

from ..exceptions import LayerUnavailable

logger = logging.getLogger('django.channels')

_FSYNC = {
    'always': 'nothing that was confirmed is lost if it crashes (appendonly yes, appendfsync always)',
    'everysec': 'a crash of its machine loses up to the last second, or two under load (appendonly yes, appendfsync '
                'everysec)',
    'no': 'a crash of its machine loses what the system hasn\'t written yet, half a minute or so (appendonly yes, '
          'appendfsync no)',
    '': 'it has an append-only file, and doesn\'t say how often that is written to disk',
}


def with_servers(promises, servers):
    """Return `promises`, as a layer's promises() does, with the names of `servers`, those of its shards."""
    return [
        promise if isinstance(promise, LayerUnavailable) else promise._replace(server=server.name)
        for promise, server in zip(promises, servers)
    ]


def described(promise):
    """Return what a Promise means, a list of sentences without their full stops."""
    if promise.aof:
        found = [_FSYNC.get(promise.fsync, _FSYNC[''])]
        if promise.fsync_pauses:
            found.append('while it rewrites that file, or saves a snapshot, a crash of its machine loses what came '
                         'since then, whatever appendfsync says (no-appendfsync-on-rewrite yes)')
    elif promise.snapshots is False:
        found = ['it keeps nothing on disk: a crash or a restart loses everything']
    else:
        age = '' if promise.snapshot_age is None else ', the last one was %d s ago' % promise.snapshot_age
        found = ['a crash loses what came since its last snapshot%s (appendonly no)' % age]
    found.append(
        '%d replicas: one that takes over lacks what it hasn\'t received, unless senders wait for it ("confirm")' %
        promise.replicas if promise.replicas else 'no replicas: its machine is the only one that has the messages'
    )
    found.append('at most %d bytes of memory, then %s' % (
        promise.max_memory, 'sends are refused' if promise.policy == 'noeviction' else
        'it DELETES what it likes (maxmemory-policy %s)' % promise.policy
    ) if promise.max_memory else 'no limit of memory')
    return found


def dangers(promise, has_acknowledged, confirmation=None):
    """
    Return what an admin should change, a list of sentences without full stops.

    `has_acknowledged` says whether there are channels whose messages must not
    be lost; `confirmation` is what the layer waits for after sending there, a
    Confirmation, or None.
    """
    found = []
    if promise.max_memory and promise.policy != 'noeviction':
        found.append(
            'it deletes messages and groups once it has %d bytes (maxmemory-policy %s), and tells nobody: set '
            'maxmemory-policy to noeviction' % (promise.max_memory, promise.policy)
        )
    if has_acknowledged:
        found += ['there are acknowledged channels, whose messages it loses if it crashes: ' + text
                  for text in _unwritten(promise)]
    return found + ([] if confirmation is None else _unconfirmed(promise, confirmation))


def _unwritten(promise):
    """Return what to change where `promise` leaves it to the system when messages are on disk, a list of texts."""
    if not promise.aof:
        return ['set appendonly to yes']
    found = []
    if promise.fsync == 'no':
        found.append('set appendfsync to everysec or always')
    if promise.fsync_pauses:
        found.append('set no-appendfsync-on-rewrite to no')
    return found


def _unconfirmed(promise, confirmation):
    """Return why `promise` can't hold what a Confirmation waits for, a list of such sentences."""
    found, text = [], 'sends to acknowledged channels wait for %s ("confirm"), and all fail: %s'
    if promise.refusal and 'unknown command' not in promise.refusal.lower():
        found.append(text % ('a confirmation', promise.refusal))
    if promise.replicas < confirmation.replicas:
        found.append(text % (
            'replicas, %d of them' % confirmation.replicas, 'it has %d now' % promise.replicas,
        ))
    if confirmation.fsync and not promise.aof:
        found.append(text % ('the disk', 'set appendonly to yes'))
    elif confirmation.fsync and promise.fsync == 'no':
        # It doesn't know what is on disk.
        found.append(text % ('the disk', 'set appendfsync to everysec or always'))
    if confirmation.fsync and [int(part) for part in re.findall('[0-9]+', promise.version)[:2]] < [7, 2]:
        found.append(text % ('the disk', 'Redis has WAITAOF since 7.2, and Valkey; this is %s' % promise.version))
    return found


def warn(promises, has_acknowledged, confirmation=None):
    """Log a warning for each danger that `promises`, what a layer's promises() returns, tells of; see dangers()."""
    for number, promise in enumerate(promises):
        if isinstance(promise, LayerUnavailable):
            # Those who read and send say so, too.
            continue
        for danger in dangers(promise, has_acknowledged, confirmation):
            logger.warning(
                'The Redis of shard %d%s is not safe: %s. See "manage.py channels durability".', number,
                ' (%s)' % promise.server if promise.server else '', danger,
            )
