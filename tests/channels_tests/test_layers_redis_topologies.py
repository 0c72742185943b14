"""Tests of the Redis channel layer with Sentinels, a cluster, TLS and others."""
from __future__ import absolute_import, unicode_literals

import io
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

import redis
from django.channels import channel_layers
from django.channels.compat import six
from django.channels.compat.text import native_from_text
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.acknowledgement import GONE, receipt_of
from django.channels.layers.presence import WORKER, this_process
from django.channels.layers.redis import RedisChannelLayer, blocking_read
from django.channels.layers.redis.servers import CLUSTER_SHARDS, Server
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, override_settings
from django.utils.functional import lazy

from .redis_case import Records, RedisTestCase
from .redis_server import RedisServer, RedisServerError, find_program, free_port
from .standards import FOLDER

REDIS_PY = tuple(int(part) for part in redis.__version__.split('.')[:2])


class Exchanges(object):
    """What every topology must do; `layer` and `other` are set up."""

    def check(self):
        for number in range(20):
            self.layer.send('a', {'n': number})
            self.layer.send('p.1!a', {'n': number})
            self.layer.send('b?%d' % number, {'n': number})
        for name in ('p.1!a', 'p.2!b', 'b?1', 'normal'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', {'body': b'x' * 2000000})
        self.layer.send_group('g', {'n': 'small'})

        def received(*channels):
            messages = []
            while True:
                channel, message = self.other.receive(list(channels), block=True)
                if channel is None:
                    return messages
                messages.append(message.get('n', 'large'))
        self.other.receive_timeout = 0.05
        self.assertEqual(sorted(received('a')), list(range(20)))
        self.assertEqual(received('p.1!'), list(range(20)) + ['large', 'small'])
        self.assertEqual(received('p.2!'), ['large', 'small'])
        self.assertEqual(received('b?1'), [1, 'large', 'small'])
        self.assertEqual({str(n) for n in received('normal', 'b?2')}, {'2', 'large', 'small'})
        self.assertEqual(sorted(self.layer.group_channels('g')), ['b?1', 'normal', 'p.1!a', 'p.2!b'])
        self.assertGreater(self.layer.global_statistics()['messages_count'], 60)
        self.layer.flush()


class Jobs(object):
    """Acknowledged channels on a topology whose `hosts` are set up: a reader dies, and another does all."""

    def worker(self):
        layer = self.make_layer(hosts=self.hosts, acknowledged=['jobs'])
        process = this_process(WORKER, '1')
        layer.announce(process, {})
        layer.hold_as(process.name)
        return layer, process

    def finish(self, layer, number):
        """Have `layer` acknowledge `number` messages; return what was in them."""
        done = []

        def finished():
            # What was held by what a server has lost comes with this.
            layer.recover()
            found = layer.receive_batch(['jobs'], 100)
            failed = layer.acknowledge([
                (receipt_of(message), [('done', {'n': message['n']})]) for channel, message in found
            ])
            self.assertEqual(failed, [])
            done.extend(message['n'] for channel, message in found)
            return len(done) >= number
        try:
            self.wait_until(finished)
        except AssertionError as error:
            self.fail('%s; %r came, and there are: %r' % (error, done, layer.acknowledged_statistics('jobs')))
        return done

    def check_jobs(self):
        (first, dead), (second, alive) = self.worker(), self.worker()
        for number in range(30):
            first.send('jobs', {'n': number})
        first.send_job('jobs', {'n': 30, 'body': b'x' * 1200000}, unique='large')
        first.group_add('g', 'jobs')
        first.send_group('g', {'n': 31})
        first.group_discard('g', 'jobs')
        held = first.receive_batch(['jobs'], 5)
        self.assertTrue(held)
        first.withdraw(dead)
        self.assertEqual(sorted(self.finish(second, 32)), list(range(32)))
        self.assertEqual({reason for receipt, reason in first.acknowledge([
            (receipt_of(message), []) for channel, message in held
        ])}, {GONE})
        self.assertEqual(second.acknowledged_statistics('jobs')['jobs']['held'], 0)
        second.withdraw(alive)
        second.flush()


class Commands(object):
    """The statuses of manage.py channels on a topology whose `hosts` are set up."""

    def run_command(self, *arguments, **options):
        """Return (whether it ended well, what it wrote or what the error says)."""
        output = six.StringIO()
        try:
            with override_settings(CHANNEL_LAYERS={'default': {
                'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
                'CONFIG': {'hosts': self.hosts, 'prefix': self.prefix, 'acknowledged': ['jobs']},
            }}):
                channel_layers.reset()
                call_command('channels', *arguments, stdout=output, **options)
        except CommandError as error:
            return False, '%s' % error
        finally:
            channel_layers.reset()
        return True, output.getvalue().strip()

    def check_commands(self):
        layer = self.make_layer(hosts=self.hosts, acknowledged=['jobs'])
        layer.flush()
        for number in range(12):
            for channel in ('normal', 'jobs'):
                layer.send(channel, {'n': number})
        ok, empty = (True, 'OK: no channel is above its limits.'), 'No message waits in %s.'
        self.assertEqual(self.run_command('check', max_pending=12, max_age=60), ok)
        self.assertEqual(self.run_command('check', max_pending=11), (False, '\n'.join(
            '%s: 12 messages wait (limit 11)' % channel for channel in ('jobs', 'normal'))))
        self.assertEqual(self.run_command('check', max_pending=11, match=['other']), ok)
        self.assertEqual(self.run_command('check', min_workers=1)[0], False)
        for channel in ('normal', 'jobs'):
            text = self.run_command('peek', channel, json=True, limit=100)[1]
            self.assertEqual(sorted(entry['message']['n'] for entry in json.loads(text)), list(range(12)))
            self.assertEqual(len(json.loads(self.run_command('peek', channel, json=True, limit=3)[1])), 3)
            done, text = self.run_command('drain', channel, timeout=0.0)
            self.assertEqual((done, 'still 12 messages in' in text), (False, True))
            self.assertEqual(self.run_command('purge', channel, interactive=False), (
                True, 'Removed 12 messages from %s.' % channel))
            self.assertEqual(self.run_command('drain', channel, timeout=0.0), (True, '%s is empty.' % channel))
            self.assertEqual(self.run_command('peek', channel), (True, empty % channel))
        self.assertEqual(self.run_command('check', max_pending=0), ok)
        layer.flush()


class HostsTests(SimpleTestCase):

    def test_mistakes_are_refused_with_advice(self):
        cases = [
            ('redis://localhost', 'hosts must be a list'),
            ([], 'hosts must be a list'),
            (['localhost:6379'], 'is not the address of a Redis server'),
            ([('a', 1, 2)], 'is not the address of a Redis server'),
            # In another order elsewhere, they would be other shards.
            ({'redis://a', 'redis://b'}, 'hosts must be a list'),
            ((host for host in ['redis://a']), 'hosts must be a list'),
            ([('a', None)], 'the host must be text and the port a number'),
            ([('a', '6379/0')], 'the host must be text and the port a number'),
            ([('a', 6379.0)], 'the host must be text and the port a number'),
            ([('a', 65536)], 'the host must be text and the port a number'),
            ([(None, 6379)], 'the host must be text and the port a number'),
            ([lazy(lambda: 'redis://a', six.text_type)()], '(of the type __proxy__) is not the address'),
            # redis-py would take database 0, or another host.
            (['redis://a/sessions'], "must be the number of a database, as in '/0'"),
            (['redis://:sec/ret@a/0'], "port in 'redis://***@a/0' must be the number of a database"),
            (['redis:/:secret@a'], "'***@a' is not the address of a Redis server"),
            ([{'host': 'a'}], "needs an 'address', 'sentinels' or a 'cluster'"),
            ([{'sentinels': [('a', 1)]}], "needs the 'master_name'"),
            ([{'sentinels': [], 'master_name': 'x'}], "'sentinels' must be a list of at least one server"),
            ([{'sentinels': [('a',)], 'master_name': 'x'}], "in 'sentinels' is not a pair"),
        ]
        cases += [
            ([dict({'sentinels': [('a', 1)], 'master_name': 'x'}, **wrong)], text) for wrong, text in (
                ({'sentinels': [('a', 'b')]}, 'the host must be text and the port a number'),
                ({'sentinel_kwargs': None}, 'sentinel_kwargs must be a dict'),
            )
        ]
        if REDIS_PY >= (4, 1):
            cases += [
                ([{'cluster': ['redis://a']}, 'redis://b'], 'only one of hosts'),
                ([{'cluster': ['redis://a'], 'shards': 0}], 'a number from 1 to 999'),
                ([{'cluster': []}], "'cluster' must be a list of at least one server"),
            ]
        for hosts, text in cases:
            with self.assertRaisesMessage(ValueError, text):
                RedisChannelLayer(hosts=hosts)
        # Not only once somebody connects.
        for host in ({'address': 'redis://a', 'colour': 'red'}, 'redis://a?colour=red'):
            with self.assertRaisesMessage(TypeError, 'colour'):
                RedisChannelLayer(hosts=[host])
        for options, text in (
            ({'prefix': ''}, 'The prefix must be text without braces'),
            ({'prefix': 'a{b}'}, 'The prefix must be text without braces'),
            ({'connection_kwargs': ['db']}, 'connection_kwargs must be a dict'),
            ({'connection_kwargs': {'socket_connect_timeout': '3'}}, 'socket_connect_timeout must be a number'),
        ):
            with self.assertRaisesMessage(ValueError, text):
                RedisChannelLayer(**options)
        for options, text in (
            ({'confirm': True}, 'confirm must be a dict'),
            ({'confirm': []}, 'confirm must be a dict'),
        ):
            with self.assertRaisesMessage(TypeError, text):
                RedisChannelLayer(**options)

    def test_a_port_may_be_text(self):
        server, = RedisChannelLayer(hosts=[('localhost', '6380')]).servers
        self.assertEqual((server.url, server.name), ('redis://localhost:6380', 'localhost:6380'))

    @unittest.skipIf(REDIS_PY >= (4, 1), 'this redis-py knows clusters')
    def test_a_cluster_with_an_old_redis_py_is_refused_with_advice(self):
        with self.assertRaisesMessage(ValueError, 'Redis Cluster needs redis-py 4.1 or later'):
            RedisChannelLayer(hosts=[{'cluster': ['redis://localhost:7000']}])

    def test_no_password_is_named(self):
        layer = RedisChannelLayer(hosts=['redis://someone:secret@127.0.0.1:1/0'])
        with self.assertRaises(LayerUnavailable) as caught:
            layer.send('a', {})
        self.assertIn('127.0.0.1:1', str(caught.exception))
        self.assertNotIn('secret', str(caught.exception))

    def test_nothing_connects_before_there_is_something_to_say(self):
        RedisChannelLayer(hosts=['redis://192.0.2.1:6379/0'])
        RedisChannelLayer()


class AddressTests(Exchanges, RedisTestCase):

    def check_hosts(self, *hosts):
        for host in hosts:
            self.layer, self.other = self.make_layer(hosts=[host]), self.make_layer(hosts=[host])
            self.check()

    def test_pairs_dicts_and_unix_sockets(self):
        pair = ('127.0.0.1', self.server.port)
        self.check_hosts(
            pair, {'address': pair, 'db': 3}, {'address': self.server.url, 'client_name': 'x'},
            'unix://' + self.server.unix_socket,
        )

    def test_an_acl_user_that_may_do_no_more_than_needed(self):
        path = os.path.join(FOLDER, '..', '..', 'deployment.txt')
        with io.open(path, encoding='utf-8') as file:
            documentation = file.read()
        line, = re.findall('ACL SETUSER mysite .*', documentation)
        for documented, here in (('mysite:', 'test:'), ('mysite', 'app'), ('password', 'secret')):
            line = line.replace(documented, here)
        self.redis.execute_command(*line.split())
        self.redis.execute_command('ACL', 'LOG', 'RESET')
        self.look_at_all('redis://app:secret@127.0.0.1:%d/0' % self.server.port)
        self.assertEqual(self.redis.execute_command('ACL', 'LOG'), [])
        self.check_hosts('redis://app:secret@127.0.0.1:%d/0' % self.server.port)
        layer = self.make_layer(hosts=['redis://app:wrong@127.0.0.1:%d/0' % self.server.port])
        with self.assertRaises(LayerUnavailable):
            layer.send('a', {})

    def look_at_all(self, host):
        layer = self.make_layer(hosts=[host], acknowledged=['jobs'])
        layer.send('jobs', {})
        for size in (2000000, 10):
            layer.send('a', {'body': b'x' * size})
            received = layer.receive(['a'])
        self.assertEqual(layer.requeue([received]), [])
        layer.group_add('group', 'p.1!client')
        layer.send_group('group', {})
        layer.announce(this_process(WORKER, '1'), {})
        self.assertEqual(len(layer.processes()), 1)
        self.assertEqual(sorted(layer.inspect_channels()), ['a', 'jobs', 'p!'])
        self.assertEqual(layer.inspect_groups(), {'group': 1})
        self.assertEqual(len(layer.peek('a', 1)), 1)
        self.assertEqual(layer.purge('a'), 1)
        layer.channel_statistics('jobs'), layer.global_statistics()
        servers, promises = layer.inspect_servers(), layer.promises()
        layer.flush()
        return servers[0], promises[0]

    def test_a_provider_that_tells_nothing_of_its_server(self):
        self.redis.execute_command(
            'ACL', 'SETUSER', 'app', 'on', '>secret', '~test:*', '+@all', '-info', '-config',
        )
        server, promise = self.look_at_all('redis://app:secret@127.0.0.1:%d/0' % self.server.port)
        self.assertEqual((server['memory'], server['memory_limit'], server['policy']), (None, None, '?'))
        # It isn't said either that messages are lost.
        self.assertIsInstance(promise, LayerUnavailable)
        self.assertIn('NOPERM', str(promise))

    def test_a_password(self):
        server = RedisServer(options=['--requirepass', 'secret']).start()
        self.addCleanup(server.stop)
        self.check_hosts('redis://:secret@127.0.0.1:%d/0' % server.port)
        client = self.connect('redis://:secret@127.0.0.1:%d/0' % server.port)
        # In an address it is quoted, in a dict it stands as it is.
        for password in ('#', 'a@b:c/d', '100%', '%41', 'a+b', '?x=1', 'two words', '[x]', '\xe4'):
            client.config_set('requirepass', password)
            quoted = six.moves.urllib.parse.quote(native_from_text(password), str(''))
            for host in ('redis://:%s@127.0.0.1:%d/0' % (quoted, server.port),
                         {'address': ('127.0.0.1', server.port), 'password': password}):
                layer = self.make_layer(hosts=[host])
                layer.send('a', {'n': password})
                self.assertEqual(layer.receive(['a']), ('a', {'n': password}))


class TlsTests(Exchanges, RedisTestCase):

    def test_a_server_with_tls(self):
        folder = tempfile.mkdtemp()
        key, certificate = os.path.join(folder, 'key'), os.path.join(folder, 'certificate')
        try:
            program = find_program('openssl')
        except RedisServerError:
            self.skipTest('openssl is not installed')
        subprocess.check_output([
            program, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
            '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate,
        ], stderr=subprocess.STDOUT)
        server = RedisServer.with_tls(certificate, key)
        try:
            server.start()
        except RedisServerError:
            self.assertTrue(server.lacks_tls())
            self.skipTest('this server is built without TLS')
        self.addCleanup(server.stop)
        url = 'rediss://localhost:%d/0?ssl_ca_certs=%s' % (server.port, certificate)
        self.layer, self.other = self.make_layer(hosts=[url, url]), self.make_layer(hosts=[url, url])
        self.check()
        stranger = self.make_layer(hosts=['rediss://localhost:%d/0' % server.port])
        with self.assertRaises(LayerUnavailable):
            stranger.send('a', {})


class SentinelTests(Commands, Exchanges, Jobs, RedisTestCase):

    def setUp(self):
        super(SentinelTests, self).setUp()
        self.master = RedisServer().start()
        self.replica = RedisServer(options=['--replicaof', '127.0.0.1', str(self.master.port)]).start()
        self.sentinels = [RedisServer(sentinel='\n'.join([
            'sentinel monitor main 127.0.0.1 %d 2' % self.master.port,
            'sentinel down-after-milliseconds main 500',
            'sentinel failover-timeout main 2000',
            'sentinel parallel-syncs main 1',
        ]) + '\n').start() for _ in range(3)]
        for server in [self.master, self.replica] + self.sentinels:
            self.addCleanup(server.stop)
        self.hosts = [{
            'sentinels': [('127.0.0.1', server.port) for server in self.sentinels], 'master_name': 'main',
        }]
        self.layer, self.other = self.make_layer(hosts=self.hosts), self.make_layer(hosts=self.hosts)

    def wait_until_ready(self):
        """Until they know each other and the replica, nothing can fail over."""
        watch = self.connect('redis://127.0.0.1:%d' % self.sentinels[0].port)

        def known():
            # Not sentinel_master(), which redis-py 7.0 can't read.
            state = watch.execute_command('SENTINEL', 'MASTER', 'main')
            if isinstance(state, list):
                state = dict(zip(state[::2], state[1::2]))
            return (int(state[b'num-slaves']), int(state[b'num-other-sentinels']))

        self.wait_until(lambda: known() == (1, 2))
        return watch

    def wait_until_copied(self):
        """Until the replica has what the master has; WAIT counts one of Valkey 9.1 that loads its first copy yet."""
        written = self.connect(self.master.url).info('replication')['master_repl_offset']
        replica = self.connect(self.replica.url)

        def copied():
            state = replica.info('replication')
            return state['master_link_status'] == 'up' and state['slave_repl_offset'] >= written
        self.wait_until(copied)

    def test_a_master_that_steps_down_while_it_is_alive_is_left_at_once(self):
        watch = self.wait_until_ready()
        # Not to one of check(): it is there on the replica as well.
        self.layer.send('connected', {})
        self.other.receive_timeout = 60
        with Records() as records:
            join = self.in_thread(self.other.receive, ['late'], True)
            client = self.connect(self.master.url)
            self.wait_until(lambda: client.info('clients')['blocked_clients'] >= 1)
            watch.execute_command('SENTINEL', 'FAILOVER', 'main')
            self.wait_until(lambda: len([line for line in records.lines if 'is another server now' in line]) == 2)
            # Noticed before the old one was told to be a replica.
            self.assertEqual(client.info('replication')['role'], 'master')
            self.layer.send('late', {'n': 1})
            self.assertEqual(join(), ('late', {'n': 1}))
        self.assertEqual([line for line in records.lines if "can't be reached" in line], [])
        self.check()

    def test_a_master_that_is_frozen_is_left_though_it_answers_nobody(self):
        watch = self.wait_until_ready()
        # Nobody is to wait for that.
        connect = Server.connect
        self.addCleanup(setattr, Server, 'connect', connect)
        Server.connect = lambda self, url, timeout=3600: connect(self, url, timeout)
        self.addCleanup(setattr, blocking_read, 'COMMAND_TIMEOUT', blocking_read.COMMAND_TIMEOUT)
        blocking_read.COMMAND_TIMEOUT = 3600
        self.layer.send('connected', {})
        self.other.receive_timeout = 60
        join = self.in_thread(self.other.receive, ['late'], True)
        client = self.connect(self.master.url)
        self.wait_until(lambda: client.info('clients')['blocked_clients'] >= 1)
        self.addCleanup(self.master.process.send_signal, signal.SIGCONT)
        self.master.process.send_signal(signal.SIGSTOP)
        self.wait_until(lambda: int(
            watch.execute_command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')[1]) == self.replica.port)
        self.make_layer(hosts=[self.replica.url]).send('late', {'n': 1})
        self.assertEqual(join(), ('late', {'n': 1}))

    def test_the_master_is_found_and_a_new_one_after_it_was_killed(self):
        self.check()
        self.check_jobs()
        self.check_commands()
        self.wait_until_ready()
        worker, process = self.worker()
        for number in range(4):
            worker.send('jobs', {'n': number})
        held = worker.receive_batch(['jobs'], 2)
        self.wait_until_copied()
        with Records() as records:
            self.other.receive_timeout = 60
            join = self.in_thread(self.other.receive, ['late'], True)
            client = self.connect(self.master.url)
            self.wait_until(lambda: client.info('clients')['blocked_clients'] >= 1)
            self.master.kill()

            def sent():
                try:
                    self.layer.send('late', {'n': 1})
                    return True
                except LayerUnavailable:
                    # Each try asks the Sentinels anew.
                    return self.sentinels[0].process.poll() is not None
            self.wait_until(sent)
            self.assertEqual(join(), ('late', {'n': 1}))
        self.assertEqual(len([line for line in records.lines if 'trying until it can' in line]), 1)
        # What was held, and what waited, is there on the new one.
        left, unsaid = [receipt_of(message) for channel, message in held], set()

        def acknowledged():
            # Where the processors are busy, Sentinels take the new one for
            # dead as well, for a moment: the answer is lost then, and what
            # was done is gone when it is asked again.
            failed = worker.acknowledge([(receipt, []) for receipt in left])
            self.assertEqual([pair for pair in failed if pair[1] == GONE and pair[0] not in unsaid], [])
            left[:] = [receipt for receipt, reason in failed if reason != GONE]
            unsaid.update(left)
            return not left
        self.wait_until(acknowledged)
        self.assertEqual(sorted(self.finish(worker, 2)), [2, 3])
        worker.withdraw(process)
        worker.flush()
        self.check()


@unittest.skipIf(REDIS_PY < (4, 1), 'Redis Cluster needs redis-py 4.1 or later')
class ClusterTests(Commands, Exchanges, Jobs, RedisTestCase):

    @classmethod
    def setUpClass(cls):
        super(ClusterTests, cls).setUpClass()
        cls.nodes = [RedisServer(
            free_port(), ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
        ) for _ in range(3)]
        try:
            cls.make_cluster()
        except Exception:
            cls.tearDownClass()
            raise

    @classmethod
    def make_cluster(cls):
        for node in cls.nodes:
            node.start()
        # Not by "redis-cli --cluster create": it waits for ever where a node
        # was met too late, as on a busy machine.
        clients = [redis.StrictRedis.from_url(node.url) for node in cls.nodes]
        for number, client in enumerate(clients):
            first, end = [16384 * part // len(clients) for part in (number, number + 1)]
            client.execute_command('CLUSTER', 'ADDSLOTS', *range(first, end))
            client.execute_command('CLUSTER', 'SET-CONFIG-EPOCH', number + 1)
        deadline = time.time() + 60
        while not all(cls.knows_cluster(client) for client in clients):
            if time.time() > deadline:
                raise RedisServerError('the cluster did not come up')
            for node in cls.nodes[1:]:
                clients[0].execute_command('CLUSTER', 'MEET', '127.0.0.1', node.port)
            time.sleep(0.2)
        for client in clients:
            client.connection_pool.disconnect()

    @classmethod
    def knows_cluster(cls, client):
        text = client.execute_command('CLUSTER', 'INFO').decode('ascii')
        return 'cluster_state:ok' in text and 'cluster_known_nodes:%d' % len(cls.nodes) in text

    @classmethod
    def tearDownClass(cls):
        for node in cls.nodes:
            node.stop()
        super(ClusterTests, cls).tearDownClass()

    def setUp(self):
        super(ClusterTests, self).setUp()
        self.hosts = [{'cluster': [node.url for node in self.nodes[:2]]}]
        self.layer, self.other = self.make_layer(hosts=self.hosts), self.make_layer(hosts=self.hosts)

    def test_all_shards_of_a_cluster_are_used(self):
        self.assertEqual(len(self.layer.servers), CLUSTER_SHARDS)
        self.check()
        for number in range(CLUSTER_SHARDS):
            self.layer.send('a', {})
        sizes = [self.connect(node.url).dbsize() for node in self.nodes]
        self.assertEqual(sum(sizes), 2 * CLUSTER_SHARDS)
        self.assertTrue(all(sizes), sizes)

    def test_commands_look_at_all_shards(self):
        self.check_commands()

    def test_acknowledged_channels_on_all_shards(self):
        self.check_jobs()

    def test_a_replica_of_each_node_confirms(self):
        layer = self.make_layer(hosts=self.hosts, acknowledged=['jobs'], confirm={'replicas': 1, 'timeout': 0.05})
        for _ in range(CLUSTER_SHARDS):
            with self.assertRaises(LayerUnavailable) as caught:
                layer.send('jobs', {})
            self.assertIn('0 of 1 replicas', str(caught.exception))
        layer.flush()
        client = self.connect(self.nodes[0].url)
        replica = RedisServer(free_port(), ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']).start()
        self.addCleanup(replica.stop)
        other = self.connect(replica.url)
        name = client.execute_command('CLUSTER', 'MYID').decode('ascii')
        other.execute_command('CLUSTER', 'MEET', '127.0.0.1', self.nodes[0].port)
        self.wait_until(lambda: name in other.execute_command('CLUSTER', 'NODES').decode('ascii'))
        other.execute_command('CLUSTER', 'REPLICATE', name)
        # It counts once it has what was there before.
        self.wait_until(lambda: other.info('replication').get('master_link_status') == 'up')
        self.wait_until(lambda: client.execute_command('WAIT', 1, 1000) == 1)
        layer = self.make_layer(hosts=self.hosts, acknowledged=['jobs'], confirm={'replicas': 1, 'timeout': 5})
        self.addCleanup(layer.flush)
        replicated = {number for number, server in enumerate(layer.servers)
                      if server.resolve()[0].endswith(':%d' % self.nodes[0].port)}

        def is_confirmed(number):
            try:
                layer.send('jobs', {'n': number})
            except LayerUnavailable:
                return False
            return True
        # At the same time, since each of the others waits to the end.
        joins = [self.in_thread(is_confirmed, number) for number in range(CLUSTER_SHARDS)]
        self.assertEqual(sum(join() for join in joins), len(replicated))

    def test_a_slot_that_moves_costs_nothing(self):
        for number in range(CLUSTER_SHARDS):
            self.layer.send('a', {'n': number})
        source, target = [self.connect(node.url) for node in self.nodes[:2]]
        ids = [client.execute_command('CLUSTER', 'MYID').decode('ascii') for client in (source, target)]
        shard = next(
            number for number, server in enumerate(self.layer.servers)
            if server.resolve()[0].endswith(':%d' % self.nodes[0].port)
        )
        slot = self.layer.servers[shard]._slot
        target.execute_command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[0])
        source.execute_command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[1])
        for key in source.execute_command('CLUSTER', 'GETKEYSINSLOT', slot, 100):
            source.execute_command('MIGRATE', '127.0.0.1', self.nodes[1].port, key, 0, 5000)
        # It is between the two: who reads gets what is elsewhere, and no error.
        self.other.receive_timeout = 0.05
        got = [message['n'] for channel, message in self.other.receive_batch(['a'], 2, 5)]
        self.assertTrue(got)
        for client in (target, source, self.connect(self.nodes[2].url)):
            client.execute_command('CLUSTER', 'SETSLOT', slot, 'NODE', ids[1])
        for number in range(CLUSTER_SHARDS, 2 * CLUSTER_SHARDS):
            self.layer.send('a', {'n': number})
        while True:
            channel, message = self.other.receive(['a'], block=True)
            if channel is None:
                break
            got.append(message['n'])
        self.assertEqual(sorted(got), list(range(2 * CLUSTER_SHARDS)))


class EncryptionTests(Exchanges, RedisTestCase):

    def setUp(self):
        try:
            import cryptography  # NOQA
        except ImportError:
            self.skipTest('cryptography is not installed')
        super(EncryptionTests, self).setUp()
        self.layer = self.make_layer(symmetric_encryption_keys=['new', 'old'])

    def test_everything_travels_encrypted(self):
        self.other = self.make_layer(symmetric_encryption_keys=['old', 'new'])
        self.check()
        for size in (100, 200000, 3000000):
            self.layer.send('a', {'text': 'readable' * (size // 8)})
        for key in self.redis.keys('*:q:*'):
            for entry in self.redis.lrange(key, 0, -1):
                self.assertNotIn(b'readable', entry)
        for key in self.redis.keys('*:b:*'):
            for piece in [self.redis.get(key)] if self.redis.type(key) == b'string' else self.redis.hvals(key):
                self.assertNotIn(b'readable', piece)
                self.assertLessEqual(len(piece), 1 << 20)

    def test_a_group_is_encrypted_for_each_shard(self):
        options = {'symmetric_encryption_keys': ['new'], 'hosts': [self.server.url] * 2}
        sender, reader = self.make_layer(**options), self.make_layer(**options)
        shard_of = sender.transport_options.keys.shard_of
        queues = [next('p%d!' % number for number in range(100) if shard_of('p%d!' % number) == shard)
                  for shard in (0, 1)]
        for queue in queues:
            sender.group_add('room', queue + '1')
        sender.send_group('room', {'n': 1})
        for queue in queues:
            self.assertEqual(self.received(queue, layer=reader), [(queue + '1', {'n': 1})])

    def test_a_wrong_key_drops_counts_and_logs_once(self):
        stranger = self.make_layer(symmetric_encryption_keys=['other'])
        plain = self.make_layer()
        for layer in (stranger, plain):
            for _ in range(3):
                self.layer.send('a', {})
            with Records() as records:
                self.assertEqual(layer.receive(['a']), (None, None))
            self.assertEqual(len(records.lines), 1, records.lines)
            layer.receive(['a'])
        self.assertEqual(self.layer.channel_statistics('a')['malformed_count'], 6)

    def test_a_message_that_nobody_encrypted_is_refused(self):
        self.make_layer().send('a', {'n': 1})
        with Records() as records:
            self.assertEqual(self.layer.receive(['a']), (None, None))
        self.assertIn('was not encrypted', records.lines[0])

    def test_a_message_of_another_prefix_is_refused(self):
        self.layer.send('a', {'n': 1})
        key = self.key('q', 'a')
        self.redis.rename(key, key.replace('test:', 'other:'))
        self.prefix = 'other:'
        with Records() as records:
            self.assertEqual(self.make_layer(symmetric_encryption_keys=['new']).receive(['a']), (None, None))
        self.assertIn('was changed on its way', records.lines[0])

    def test_keys_must_be_a_list(self):
        with self.assertRaisesMessage(ValueError, 'must be a list'):
            self.make_layer(symmetric_encryption_keys='secret')

    def test_no_setting_that_is_empty_by_mistake_turns_encryption_off_or_has_a_known_key(self):
        for keys in ('', b'', {}, {'key': 'secret'}, {'secret'}, 0, False):
            with self.assertRaisesMessage(ValueError, 'must be a list of at least one key'):
                self.make_layer(symmetric_encryption_keys=keys)
        for keys in ([''], [b''], ['secret', ''], [None], [5]):
            with self.assertRaisesMessage(ValueError, 'must be text or bytes, and not empty'):
                self.make_layer(symmetric_encryption_keys=keys)
        for keys in (None, [], ()):
            self.assertEqual(self.make_layer(symmetric_encryption_keys=keys).receive(['a']), (None, None))
