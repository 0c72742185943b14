"""Tests of what the Redis channel layer says to its server, command by command."""
from __future__ import absolute_import, unicode_literals

from django.channels.layers.transport import scripts
from django.channels.layers.transport.resp import pack

from .redis_case import RedisTestCase


class RoundTripTests(RedisTestCase):

    def test_a_send_is_one_command(self):
        self.layer.send('a', {})
        self.layer.send('p!a', {})
        self.calls()
        self.layer.send('a', {})
        self.layer.send('p!a', {})
        self.assertEqual(self.calls()['evalsha'], 2)

    def test_a_receive_is_one_command_on_a_connection_that_stays(self):
        for _ in range(4):
            self.layer.send('a', {})
        self.without_marks()
        self.layer.receive(['a'], block=True)
        self.calls()
        self.layer.receive(['a'], block=True)
        self.layer.receive_batch(['a'], 10)
        self.assertEqual(self.redis.info('stats')['total_connections_received'], 0)
        # Before Redis 7.0 a script takes several messages, with LPOP in it.
        self.assertEqual(self.calls(), {'blmpop': 1, 'lmpop': 1} if self.has_blmpop() else
                         {'blpop': 1, 'evalsha': 1, 'lpop': 1})

    def without_marks(self):
        # Ten times a second, a receive has one more command in its write.
        self.layer._transport.clocks[0].is_to_mark = lambda: False

    def test_sends_go_along_with_the_wait_for_the_next(self):
        told = []
        self.layer.send('a', {})
        self.layer.receive(['a'])
        self.without_marks()
        self.layer.send('p!a', {'n': 1})
        self.layer.send('q', {'n': 2})
        writes, connection = [], self.layer._pools[0]._idle[-1]
        connection.write = lambda commands, write=connection.write: writes.append(len(commands)) or write(commands)
        pairs = [('p!a', {'n': 3}), ('q', {'n': 4}), ('p!b', {'n': 5})]
        got = self.in_thread(
            self.layer.send_and_receive, pairs, lambda *outcome: told.append(outcome), ['a'], 10, 20)
        self.wait_until_blocked()
        # The thread hears of it while it waits.
        self.wait_until(lambda: told)
        self.assertEqual((told, writes), ([([], None)], [3]))
        self.assertEqual(len(self.layer.receive_deliveries(['p!'], 10)), 3)
        self.layer.send('a', {'n': 6})
        self.assertEqual(got(), [('a', {'n': 6})])

    def test_what_waits_is_counted_in_the_same_write(self):
        for number in range(3):
            self.layer.send('a', {'n': number})
        self.without_marks()
        told = []
        self.calls()
        for counted in ('a', 'empty', 'other', None):
            if counted == 'other':
                self.redis.set(self.key('q', 'other'), 'of another type', px=60000)
            received = self.layer.send_and_receive(
                [('p!a', {})], lambda *outcome: None, ['a'], 1, 20, counted, told.append)
            if counted == 'a':
                self.assertEqual((received, self.calls()['llen']), ([('a', {'n': 0})], 1))
            self.layer.send('a', {})
        # Those that are returned are among them; of what isn't a queue nothing is said.
        self.assertEqual(told, [3, 0])

    def test_what_was_taken_is_marked_in_the_same_write(self):
        for _ in range(2):
            self.layer.send('a', {})
        self.layer.receive(['a'])
        self.calls()
        self.layer.receive(['a'])
        calls = self.calls()
        if self.has_blmpop():
            self.assertEqual((calls['evalsha'], calls['lmpop']), (1, 1))
        else:
            self.assertEqual((calls['evalsha'], calls['lpop']), (2, 1))
        self.assertEqual(self.redis.info('stats')['total_connections_received'], 0)

    def test_a_process_reports_what_it_took_in_the_same_write(self):
        for number in range(3):
            self.layer.send('p.1!a', {'n': number})
        self.assertEqual(self.redis.hgetall(self.key('p', 'p.1!')), {b'a': b'3'})
        self.assertEqual(len(self.layer.receive_deliveries(['p.1!'], 10)), 3)
        self.assertEqual(self.redis.hgetall(self.key('p', 'p.1!')), {b'a': b'3'})
        self.layer.receive(['p.1!'])
        self.assertEqual(self.keys(), set())

    def test_a_hundred_kilobytes_go_beside_the_script_in_one_write(self):
        message = {'body': b'x' * 100000}
        self.without_marks()
        for name in ('a', 'p!a'):
            self.layer.send(name, {})
            self.received(name.rstrip('a') or 'a')
        self.calls()
        self.layer.send('p!a', message)
        calls = self.calls()
        self.assertEqual((calls['set'], calls['evalsha']), (1, 1))
        # What the script was given is a reference; the bytes are not in the queue.
        self.assertLess(len(self.redis.lindex(self.key('q', 'p!'), 0)), 100)
        self.calls()
        self.assertEqual(self.layer.receive(['p!'], block=True), ('p!a', message))
        calls = self.calls()
        self.assertEqual(calls['getdel'], 1)
        self.received('p!')
        self.assertEqual(self.keys(), set())

    def test_waiting_does_not_poll(self):
        self.layer.send('a', {})
        self.layer.receive(['a'])
        join = self.in_thread(self.layer.receive, ['a', 'b'], True)
        self.wait_until_blocked()
        self.calls()
        # Time enough for one who polls to be seen.
        self.redis.blpop(['nothing'], 1)
        self.assertEqual(self.calls().get('blmpop', 0) + self.calls().get('lmpop', 0), 0)
        self.layer.send('b', {'n': 1})
        self.assertEqual(join(), ('b', {'n': 1}))

    def test_a_group_send_is_one_command_and_one_entry_for_each_process(self):
        for process in ('p.1!', 'p.2!'):
            for client in range(500):
                self.layer.group_add('g', '%s%d' % (process, client))
        self.layer.send_group('g', {})
        self.calls()
        self.layer.send_group('g', {'text': 'x'})
        self.assertEqual(self.calls()['evalsha'], 1)
        for process in ('p.1!', 'p.2!'):
            self.assertEqual(self.redis.llen(self.key('q', process)), 2)
            # The members were sent with the first.
            self.assertLess(len(self.redis.lindex(self.key('q', process), 1)), 100)
            deliveries = self.layer.receive_deliveries([process], 10)
            self.assertEqual([len(channels) for channels, message in deliveries], [500, 500])

    def test_what_else_is_there_costs_a_send_nothing(self):
        for number in range(300):
            self.layer.send('other.%d' % number, {})
            self.layer.group_add('group.%d' % number, 'p!%d' % number)
        self.layer.send('a', {})
        self.calls()
        self.layer.send('a', {})
        self.assertEqual(
            self.calls(), {'evalsha': 1, 'time': 1, 'hexists': 1, 'rpush': 1, 'pexpire': 1, 'hincrby': 1},
        )

    def test_messages_of_many_queues_are_received_in_few_writes(self):
        channels = ['a.%d' % number for number in range(40)]
        for channel in channels:
            self.layer.send(channel, {})
        self.layer.receive_batch(channels, 1)
        self.without_marks()
        writes, connection = [], self.layer._pools[0]._idle[-1]
        connection.write = lambda commands, write=connection.write: writes.append(len(commands)) or write(commands)
        received = self.layer.receive_batch(channels, 40)
        self.assertEqual((len(received), len(writes)), (33, 2))
        received += self.layer.receive_batch(channels, 40)
        self.assertEqual(len(set(channel for channel, message in received)), 39)
        self.assertEqual(self.layer.receive_batch(channels, 40), [])

    def test_servers_before_redis_7_are_read_by_other_commands(self):
        self.layer.receive(['a'])
        self.layer._transport.clocks[0].pops_many = False
        self.without_marks()
        for number in range(5):
            self.layer.send('a', {'n': number})
        self.calls()
        self.assertEqual(self.layer.receive(['b', 'a'])[1], {'n': 0})
        self.assertEqual(self.layer.receive(['b', 'a'], block=True)[1], {'n': 1})
        self.assertEqual(len(self.layer.receive_batch(['b', 'a'], 10)), 3)
        self.assertEqual(self.layer.receive(['b', 'a']), (None, None))
        calls = self.calls()
        # The batch has asked for what the other queue may have.
        self.assertEqual((calls['blpop'], calls['evalsha']), (1, 4))
        self.assertNotIn('lmpop', calls)

    def test_scripts_that_the_server_forgot_are_sent_again(self):
        self.layer.send('a', {'n': 0})
        self.redis.script_flush()
        self.layer.send('a', {'n': 1})
        self.redis.script_flush()
        self.assertEqual(self.layer.send_many([('a', {'n': 2}), ('p!a', {'n': 3})]), [])
        self.layer.receive(['p!'])
        self.redis.script_flush()
        self.layer.receive(['p!'])
        self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 1, 2])
        self.assertEqual(self.keys(), set())

    def test_scripts_that_the_server_forgets_once_more_meanwhile_come_with_their_texts(self):
        self.layer.send('a', {'n': 0})
        load, scripts.LOAD = scripts.LOAD, (pack('SCRIPT', 'FLUSH'),) * 2
        try:
            self.redis.script_flush()
            self.layer.send('a', {'n': 1})
            self.assertEqual(self.layer.send_many([('a', {'n': 2}), ('p!a', {'n': 3})]), [])
        finally:
            scripts.LOAD = load
        self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 1, 2])
