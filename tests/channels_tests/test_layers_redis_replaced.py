"""
Tests of the Redis channel layer when another server takes the place of its own.

The address is that of a Unix socket, a link that leads to one server and later
to another, as the address of a service or a name does that is moved.
"""
from __future__ import absolute_import, unicode_literals

import os
import shutil
import tempfile

from django.channels.exceptions import LayerUnavailable

from .redis_case import Records, RedisTestCase
from .redis_server import RedisServer, free_port


class ReplacedServerTests(RedisTestCase):

    def setUp(self):
        self.server = self.started('--repl-diskless-sync', 'no')
        folder = tempfile.mkdtemp(prefix='redis-link-')
        self.addCleanup(shutil.rmtree, folder)
        self.link = os.path.join(folder, 'redis.sock')
        self.lead_to(self.server)
        super(ReplacedServerTests, self).setUp()
        self.process = self.make_layer()

    def make_layer(self, **options):
        return super(ReplacedServerTests, self).make_layer(**dict({'hosts': ['unix://' + self.link]}, **options))

    def started(self, *options, **copied):
        """Return a server that is stopped after the test; it may begin with the `dump` of another."""
        server = RedisServer(options=options)
        if copied:
            server.folder = tempfile.mkdtemp(prefix='redis-')
            shutil.copy(os.path.join(copied['dump'].folder, 'dump.rdb'), server.folder)
        self.addCleanup(server.stop)
        return server.start()

    def lead_to(self, server):
        if os.path.lexists(self.link):
            os.remove(self.link)
        os.symlink(server.unix_socket, self.link)

    def use(self):
        """Have a socket in a group, a message that was received, and one that waits."""
        self.process.group_add('room', 'x!1')
        self.layer.send('a', {'n': 1})
        self.layer.send('b', {'n': 2})
        self.process.receive(['x!'])

    def use_more(self):
        """What the other server doesn't have: a receipt, and another member."""
        self.assertEqual(self.received('a'), [('a', {'n': 1})])
        self.process.group_add('room', 'x!2')

    def replace(self, server):
        """Have `server` take the place, and everybody come back; return what is logged in that."""
        self.server.kill()
        self.lead_to(server)
        with Records() as records:
            self.process.receive(['x!'])
            self.layer.receive(['c'])
        return records.lines

    def check_both_are_told(self, lines):
        self.assertEqual(len([line for line in lines if 'has lost what it held' in line]), 2, lines)

    def check_all_works(self):
        self.process.group_add('room', 'x!3')
        self.layer.send_group('room', {'n': 4})
        self.assertIn(('x!3', {'n': 4}), self.received('x!', layer=self.process))
        self.layer.send('a', {'n': 5})
        self.assertEqual(self.received('a'), [('a', {'n': 5})])

    def test_another_server_that_is_empty_is_told_from_the_one_before(self):
        self.use()
        self.use_more()
        self.check_both_are_told(self.replace(self.started()))
        self.assertEqual(self.received('a', 'b'), [])
        self.check_all_works()

    def test_another_server_with_an_older_dump_is_told_from_the_one_before(self):
        self.use()
        self.redis.save()
        self.use_more()
        self.check_both_are_told(self.replace(self.started(dump=self.server)))
        # What was received doesn't come again, and what waited is there.
        self.assertEqual(self.received('a', 'b'), [('b', {'n': 2})])
        self.check_all_works()

    def test_another_server_with_data_of_others_is_told_from_the_one_before(self):
        self.use()
        self.use_more()
        other = self.started()
        stranger = self.make_layer(hosts=[other.url])
        stranger.group_add('room', 'y!1')
        stranger.send('b', {'n': 6})
        self.check_both_are_told(self.replace(other))
        self.assertEqual(self.received('a', 'b'), [('b', {'n': 6})])
        self.assertEqual(self.layer.group_channels('room'), ['y!1'])
        self.check_all_works()

    def test_a_replica_that_lagged_and_took_over_is_told_from_its_master(self):
        replica = self.replicated()
        # It is cut off: nothing listens where it looks for its master now.
        self.connect(replica.url).execute_command('REPLICAOF', '127.0.0.1', free_port())
        self.use_more()
        self.check_both_are_told(self.replace(self.promoted(replica)))
        self.assertEqual(self.received('a', 'b'), [('b', {'n': 2})])
        self.check_all_works()

    def test_a_replica_that_has_everything_and_took_over_costs_nothing(self):
        replica = self.replicated()
        self.use_more()
        self.wait_for_replica()
        lines = self.replace(self.promoted(replica))
        self.assertEqual([line for line in lines if 'has lost' in line], [])
        self.assertEqual(sorted(self.layer.group_channels('room')), ['x!1', 'x!2'])
        self.assertEqual(self.received('a', 'b'), [('b', {'n': 2})])
        self.check_all_works()

    def test_a_replica_that_has_not_taken_over_is_not_used(self):
        replica = self.replicated()
        self.lead_to(replica)
        self.redis.client_kill_filter(_type='normal', skipme=True)
        # One of somebody who only reads, which a replica would answer.
        with self.assertRaises(LayerUnavailable):
            self.layer.receive(['a'])
        with self.assertRaises(LayerUnavailable):
            self.layer.send('a', {})
        self.promoted(replica)
        self.assertEqual(self.received('a'), [('a', {'n': 1})])

    def replicated(self):
        """Return a replica that has what use() did."""
        replica = self.started()
        self.use()
        client = self.connect(replica.url)
        # Said in this way, it begins at once.
        client.execute_command('REPLICAOF', '127.0.0.1', self.server.port)
        self.wait_until(lambda: client.info('replication')['master_link_status'] == 'up')
        self.wait_for_replica()
        return replica

    def wait_for_replica(self):
        # It speaks of what its own connection has written.
        self.redis.set('written', 'last')
        self.assertEqual(self.redis.execute_command('WAIT', 1, 30000), 1)

    def promoted(self, replica):
        self.connect(replica.url).execute_command('REPLICAOF', 'NO', 'ONE')
        return replica
