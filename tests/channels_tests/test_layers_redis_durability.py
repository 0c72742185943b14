"""Tests of what servers promise, and of sends that wait for it, on real ones."""
from __future__ import absolute_import, unicode_literals

import json

from django.channels.compat import six
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.acknowledgement import Promise
from django.channels.layers.promises import dangers, described, warn
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.transport.confirmation import Confirmation
from django.channels.layers.transport.resp import ReplyError, pack
from django.channels.routing import include, route
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, override_settings

from .logs import LogTestCase
from .redis_case import RedisTestCase
from .redis_server import RedisServer
from .standards import vectors


def promise(**facts):
    """Return a Promise of a server of Debian's configuration, but for `facts`."""
    return Promise(**dict({
        'version': '7.0.15', 'aof': False, 'fsync': 'everysec', 'snapshots': True, 'snapshot_age': 60, 'replicas': 0,
        'max_memory': 0, 'policy': 'noeviction',
    }, **facts))


class SentenceTests(LogTestCase, SimpleTestCase):

    def test_each_way_to_keep_messages_has_its_sentence(self):
        for facts, text in (
            ({}, 'since its last snapshot, the last one was 60 s ago'),
            ({'snapshots': False}, 'keeps nothing on disk'),
            ({'aof': True, 'fsync': 'always'}, 'nothing that was confirmed is lost'),
            ({'aof': True, 'fsync': 'everysec'}, 'up to the last second'),
            ({'aof': True, 'fsync': ''}, 'doesn\'t say how often'),
            ({'aof': True, 'fsync': 'no'}, 'half a minute or so'),
            ({'aof': True, 'fsync_pauses': True}, 'whatever appendfsync says'),
            ({'replicas': 2}, '2 replicas'),
            ({'max_memory': 100, 'policy': 'allkeys-lru'}, 'DELETES'),
            ({'max_memory': 100}, 'sends are refused'),
        ):
            self.assertIn(text, '. '.join(described(promise(**facts))))

    def test_what_confirms_no_send_is_a_danger(self):
        replicas, disk = Confirmation(replicas=2), Confirmation(fsync=True)
        for facts, confirmation, texts in (
            ({'aof': True, 'replicas': 2}, replicas, []),
            ({'aof': True, 'replicas': 1}, replicas, ['replicas, 2 of them ("confirm"), and all fail: it has 1 now']),
            ({'aof': True, 'version': '7.2.4'}, disk, []),
            ({'aof': True, 'version': '10.0'}, disk, []),
            ({'aof': True}, disk, ['since 7.2, and Valkey; this is 7.0.15']),
            ({'aof': True, 'version': '8.0.1', 'fsync': 'no'}, disk, [
                'set appendfsync to everysec', 'wait for the disk ("confirm"), and all fail: set appendfsync',
            ]),
            ({'version': '8.0.1'}, disk, ['set appendonly to yes', 'wait for the disk']),
        ):
            found = dangers(promise(**facts), True, confirmation)
            self.assertEqual(len(found), len(texts))
            for text, danger in zip(texts, found):
                self.assertIn(text, danger)

    def test_dangers_are_told_with_what_to_do(self):
        self.assertEqual(dangers(promise(), False), [])
        self.assertEqual(dangers(promise(aof=True), True), [])
        self.assertIn('set appendonly to yes', dangers(promise(), True)[0])
        # Unless the file is written to disk when Redis says so, it is none.
        self.assertIn('set appendfsync to everysec or always', dangers(promise(aof=True, fsync='no'), True)[0])
        self.assertIn('set no-appendfsync-on-rewrite to no', dangers(promise(aof=True, fsync_pauses=True), True)[0])
        self.assertEqual(dangers(promise(aof=True, fsync='no', fsync_pauses=True), False), [])
        # A server that refuses CONFIG doesn't say.
        self.assertEqual(dangers(promise(aof=True, fsync=''), True), [])
        self.assertIn('noeviction', dangers(promise(max_memory=100, policy='volatile-ttl'), False)[0])
        # Nothing is deleted before there is a limit.
        self.assertEqual(dangers(promise(policy='allkeys-lru'), False), [])

    def test_a_warning_names_the_shard(self):
        warn([LayerUnavailable('away'), promise(max_memory=100, policy='allkeys-lru', server='a:1')], False)
        self.assertLogged('shard 1 (a:1) is not safe', 'manage.py channels durability')
        self.assertNotIn('shard 0', self.log())


class ConfirmationTests(SimpleTestCase):

    def test_what_is_asked_and_what_counts_as_confirmed_is_what_the_standard_says(self):
        for vector in vectors('transport.json')['confirmations']:
            confirmation = Confirmation(vector['replicas'], vector['disk'], vector['ms'] / 1000.0)
            self.assertEqual(confirmation.command, pack(*vector['command']), vector['name'])
            answer = vector['answer']
            if isinstance(answer, dict):
                answer = ReplyError(answer['error'])
            self.assertEqual(confirmation.error(answer) is None, vector['confirmed'], vector['name'])


class PromiseTests(RedisTestCase):

    def test_a_server_tells_what_it_promises(self):
        for name, value in (('maxmemory', '100mb'), ('maxmemory-policy', 'allkeys-lru'), ('save', '')):
            self.redis.execute_command('CONFIG', 'SET', name, value)
            self.addCleanup(self.redis.execute_command, 'CONFIG', 'SET', name,
                            {'maxmemory': '0', 'maxmemory-policy': 'noeviction', 'save': ''}[name])
        found, = self.layer.promises()
        self.assertEqual((found.aof, found.snapshots, found.replicas, found.max_memory, found.policy),
                         (False, False, 0, 104857600, 'allkeys-lru'))
        self.assertTrue(found.version[0].isdigit())

    def test_a_server_that_refuses_to_confirm_says_so(self):
        confirm = {'replicas': 1}
        self.assertEqual(self.make_layer(confirm=confirm).promises()[0].refusal, '')
        # One that is somebody else's, and lets its users do little.
        rules = ('on', '>secret', '~*', '+@all', '-wait', '-config')
        self.redis.execute_command('ACL', 'SETUSER', 'guest', *rules)
        self.addCleanup(self.redis.execute_command, 'ACL', 'DELUSER', 'guest')
        host = 'redis://guest:secret@127.0.0.1:%d/0' % self.server.port
        layer = self.make_layer(hosts=[host], confirm=confirm)
        found, = layer.promises()
        self.assertIn('NOPERM', found.refusal)
        self.assertIn('NOPERM', dangers(found._replace(replicas=1), True, layer.confirmation)[-1])
        self.assertEqual(self.make_layer(hosts=[host]).promises()[0].refusal, '')

    def test_a_server_that_is_away_promises_nothing(self):
        found, = RedisChannelLayer(hosts=['redis://127.0.0.1:1/0']).promises()
        self.assertIsInstance(found, LayerUnavailable)


class CommandTests(RedisTestCase):
    """manage.py channels durability, and schedules."""

    config = {}

    def call(self, action, **options):
        layers = {'default': {
            'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
            'CONFIG': dict(self.config, hosts=[self.server.url], prefix=self.prefix),
            'ROUTING': [route('jobs', len, acknowledged=True), include('django.channels.schedules.channel_routing')],
        }}
        schedules = {'tick': {'channel': 'jobs', 'every': 3600}}
        output = six.StringIO()
        try:
            with override_settings(CHANNEL_LAYERS=layers, CHANNEL_SCHEDULES=schedules):
                call_command('channels', action, stdout=output, **options)
        finally:
            self.output = output.getvalue()
        return self.output

    def test_what_should_be_changed_is_an_error(self):
        with self.assertRaises(CommandError) as caught:
            self.call('durability')
        self.assertIn('Shard 0: there are acknowledged channels', str(caught.exception))
        self.assertIn('no replicas', self.output)
        self.assertIn('Shard 0 (127.0.0.1:%d, version ' % self.server.port, self.output)

    def test_a_server_that_keeps_what_it_confirms_is_fine(self):
        server = RedisServer(options=['--appendonly', 'yes']).start()
        self.addCleanup(server.stop)
        self.server, own = server, self.server
        self.addCleanup(setattr, self, 'server', own)
        self.assertIn('up to the last second', self.call('durability'))
        self.config = {'confirm': {'replicas': 1}}
        with self.assertRaises(CommandError) as caught:
            self.call('durability')
        self.assertIn('and all fail: it has 0 now', str(caught.exception))
        self.config = {}
        for name, value in (('appendfsync', 'no'), ('no-appendfsync-on-rewrite', 'yes')):
            self.connect(server.url).execute_command('CONFIG', 'SET', name, value)
        with self.assertRaises(CommandError) as caught:
            self.call('durability')
        self.assertIn('if it crashes: set appendfsync to everysec or always', str(caught.exception))
        self.assertIn('if it crashes: set no-appendfsync-on-rewrite to no', str(caught.exception))
        self.assertIn('half a minute', self.output)

    def test_schedules_are_listed(self):
        self.assertIn('tick: to jobs, next ', self.call('schedules'))
        row, = json.loads(self.call('schedules', json=True))
        self.assertEqual((row['name'], row['sends'], row['last'], row['next'] % 3600), ('tick', 'jobs', None, 0))


class ConfirmTests(RedisTestCase):

    def confirmed(self, **confirm):
        return self.make_layer(acknowledged=['jobs'], confirm=confirm)

    def test_a_message_that_no_replica_has_is_not_sent(self):
        layer = self.confirmed(replicas=1, timeout=0.01)
        for send in (
            lambda: layer.send('jobs', {}), lambda: layer.send_many([('jobs', {})]),
            lambda: layer.send_job('jobs', {}, delay=5), lambda: layer.send('jobs', {'large': b'x' * 200000}),
            lambda: layer.send('jobs', {'large': b'x' * 2000000}),
        ):
            with self.assertRaises(LayerUnavailable) as caught:
                send()
            self.assertIn('0 of 1 replicas', str(caught.exception))
            # It is there all the same.
            self.assertTrue(caught.exception.sent)

    def test_other_channels_wait_for_nothing(self):
        layer = self.confirmed(replicas=1, timeout=60)
        layer.send('chat', {'n': 1})
        self.assertEqual(layer.receive(['chat']), ('chat', {'n': 1}))

    def test_a_channel_that_only_others_call_acknowledged_is_confirmed_too(self):
        self.make_layer(acknowledged=['jobs']).send('jobs', {})
        with self.assertRaises(LayerUnavailable):
            self.make_layer(confirm={'replicas': 1, 'timeout': 0.01}).send('jobs', {})

    def test_a_replica_confirms(self):
        replica = RedisServer(options=['--replicaof', '127.0.0.1', str(self.server.port)]).start()
        self.addCleanup(replica.stop)
        layer = self.confirmed(replicas=1, timeout=20)
        layer.send('jobs', {'n': 1})
        layer.send_job('jobs', {'n': 2})
        self.assertEqual(layer.promises()[0].replicas, 1)
        self.assertEqual(layer.acknowledged_statistics('jobs')['jobs']['waiting'], 2)

    def test_a_message_that_had_to_be_sent_twice_is_confirmed_as_others_are(self):
        replica = RedisServer(options=['--replicaof', '127.0.0.1', str(self.server.port)]).start()
        self.addCleanup(replica.stop)
        layer = self.confirmed(replicas=1, timeout=20)
        layer.send('jobs', {'n': 1})
        self.redis.script_flush()
        self.calls()
        layer.send('jobs', {'n': 2})
        # What was asked behind the first try was no answer to the second.
        self.assertEqual(self.calls()['wait'], 2)

    def test_the_disk_confirms_where_the_server_can(self):
        server = RedisServer(options=['--appendonly', 'yes', '--appendfsync', 'always']).start()
        self.addCleanup(server.stop)
        layer = RedisChannelLayer(hosts=[server.url], acknowledged=['jobs'], confirm={'fsync': True, 'timeout': 20})
        version = tuple(int(part) for part in layer.promises()[0].version.split('.')[:2])
        if version >= (7, 2):
            layer.send('jobs', {})
            self.assertEqual(layer.promises()[0].fsync, 'always')
            # It says of no message that it is on disk then, see dangers().
            self.connect(server.url).execute_command('CONFIG', 'SET', 'appendfsync', 'no')
            with self.assertRaises(LayerUnavailable):
                RedisChannelLayer(
                    hosts=[server.url], acknowledged=['jobs'], confirm={'fsync': True, 'timeout': 0.05},
                ).send('jobs', {})
            return
        with self.assertRaises(LayerUnavailable) as caught:
            layer.send('jobs', {})
        self.assertIn('use Redis 7.2 or later', str(caught.exception))

    def test_what_comes_of_a_message_is_confirmed_with_it(self):
        first = self.make_layer(acknowledged=['jobs'])
        first.send('jobs', {})
        layer = self.confirmed(replicas=1, timeout=0.01)
        layer.hold_as('reader')
        channel, message = layer.receive(['jobs'])
        (receipt, reason), = layer.acknowledge([(message.receipt, [('jobs', {})])])
        self.assertIsInstance(reason, LayerUnavailable)

    def test_what_may_be_lost_is_not_waited_for(self):
        self.make_layer(acknowledged=['jobs']).send('jobs', {})
        layer = self.confirmed(replicas=1, timeout=0.01)
        layer.hold_as('reader')
        channel, message = layer.receive(['jobs'])
        self.assertEqual(layer.acknowledge([(message.receipt, [('chat', {'n': 1})])]), [])
        self.assertEqual(layer.receive(['chat']), ('chat', {'n': 1}))

    def test_nonsense_is_refused(self):
        for confirm in ({}, {'replicas': -1}, {'replicas': True}, {'replicas': 1, 'timeout': 0}):
            with self.assertRaises(ValueError):
                self.confirmed(**confirm)
        with self.assertRaises(TypeError):
            self.confirmed(replica=1)
