"""Tests of large messages on the Redis channel layer, against a real server."""
from __future__ import absolute_import, unicode_literals

import errno
import os
import socket
import threading
from unittest import skipUnless

from django.channels.exceptions import ChannelFull, LayerUnavailable, MessageTooLarge
from django.channels.layers import codec
from django.channels.layers.redis.connection import Connection
from django.channels.layers.transport import large
from django.channels.layers.transport.envelope import Entry, unpack_reference
from django.channels.layers.transport.resp import LargeCommand, ProtocolError, pack
from django.channels.layers.viewing import LargeQuestion, Parted
from django.test import SimpleTestCase

from .redis_case import Records, RedisTestCase


class LargeMessageTests(RedisTestCase):

    def test_sizes_from_one_byte_up_arrive_whole(self):
        edge = 1 << 20
        for size in (1, 255, 65536, 98000, 98304, 98400, edge - 100, edge, edge + 1, 2 * edge - 100, 2 * edge,
                     3 * edge + 17, 20 * edge):
            body = os.urandom(4096) * (size // 4096 + 1)
            message = {'body': body[:size], 'n': size}
            for name in ('a', 'p!a'):
                self.layer.send(name, message)
                self.assertTrue(self.layer.receive([name.rstrip('a') or 'a'], block=True)[1] == message)
        self.received('p!')
        self.assertEqual(self.keys(), set())

    def test_members_of_a_group_get_a_large_message_each(self):
        message = {'body': b'x' * 5000000}
        for name in ('p.1!a', 'p.1!b', 'p.2!a', 'normal'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', message)
        got = self.received('p.1!', 'p.2!', 'normal')
        self.assertEqual(sorted(name for name, content in got), ['normal', 'p.1!a', 'p.1!b', 'p.2!a'])
        self.assertTrue(all(content == message for name, content in got))
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_a_full_channel_refuses_a_large_message_before_it_is_carried(self):
        layer = self.make_layer(capacity=1)
        for name in ('a', 'p!a'):
            layer.send(name, {})
            self.calls()
            with self.assertRaises(ChannelFull):
                layer.send(name, {'body': b'x' * 3000000})
            self.assertNotIn('hset', self.calls())
            self.make_old(name.rstrip('a') or 'a')
            layer.send(name, {'body': b'x' * 3000000})
        self.assertEqual(len(self.redis.keys('*:b:*')), 2)

    def test_a_message_with_a_missing_piece_is_dropped_and_counted(self):
        self.layer.send('a', {'body': b'x' * 3000000})
        self.layer.send('a', {'n': 1})
        pieces = self.redis.keys('*:b:*')[0]
        self.assertEqual([len(self.redis.hget(pieces, number)) for number in (0, 1)], [1 << 20] * 2)
        self.redis.hdel(pieces, 1)
        with Records() as records:
            self.assertEqual(self.received('a'), [('a', {'n': 1})])
        self.assertIn('a piece is missing', records.lines[0])
        self.assertEqual(self.layer.global_statistics()['lost_count'], 1)

    def test_more_than_the_largest_size_is_refused_before_anything_is_sent(self):
        self.addCleanup(setattr, large, 'MAX_SIZE', large.MAX_SIZE)
        self.assertEqual(large.MAX_SIZE, 1 << 30)
        large.MAX_SIZE = 3000000
        self.layer.group_add('room', 'a')
        self.layer.send('a', {'body': b'x' * 2999980})
        self.received('a')
        before = self.keys()
        for send in (self.layer.send, self.layer.send_group):
            with self.assertRaises(MessageTooLarge):
                send({self.layer.send: 'a'}.get(send, 'room'), {'body': b'x' * 3000000})
        self.assertEqual(self.keys(), before)

    def test_large_messages_keep_their_place_in_send_many(self):
        large = {'body': b'x' * 2000000}
        self.layer.send_many([('a', {'n': 0}), ('a', large), ('a', {'n': 1})])
        self.assertEqual([message.get('n') for channel, message in self.received('a')], [0, None, 1])

    def test_what_a_full_channel_refused_leaves_nothing_behind(self):
        layer = self.make_layer(capacity=1)
        for name in ('a', 'p!a'):
            layer.send(name, {})
            with self.assertRaises(ChannelFull):
                layer.send(name, {'body': b'x' * 200000})
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_a_server_that_cannot_store_the_bytes_is_an_error_of_the_sender(self):
        self.layer.send('a', {})
        self.redis.config_set('maxmemory', self.redis.info('memory')['used_memory'] + 50000)
        self.addCleanup(self.redis.config_set, 'maxmemory', 0)
        with self.assertRaises(LayerUnavailable):
            for _ in range(20):
                self.layer.send('b', {'body': b'x' * 200000})
        self.redis.config_set('maxmemory', 0)
        self.layer.send('b', {'n': 1})
        with Records():
            self.assertEqual(self.received('b')[-1], ('b', {'n': 1}))

    def test_a_piece_that_is_not_as_long_as_it_was_to_be_costs_its_message_alone(self):
        for number in range(3):
            self.layer.send('a', {'body': b'x' * 200000, 'n': number})
        second = Entry(self.redis.lindex(self.key('q', 'a'), 1))
        identifier = unpack_reference(second.body)[0]
        self.redis.set('test:{0}:b:' + identifier, b'short', px=60000)
        with Records() as records:
            self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 2])
        self.assertIn('less than it claims', records.lines[0])
        self.assertFalse(self.redis.keys('*:b:*'))


class StringTests(RedisTestCase):
    """A body of up to 2 MiB that has one reader is a string (transport standard, 10.3)."""
    message = {'body': b'x' * 200000}

    def setUp(self):
        super(StringTests, self).setUp()
        # What is done once for a connection is not looked at.
        self.layer.send('other', {})
        self.received('other')

    def beside(self):
        """Return the type of the only key that has something beside its queue."""
        key, = self.redis.keys('*:b:*')
        return self.redis.type(key).decode('ascii')

    def somebody_reads_version_1(self):
        seconds, microseconds = self.redis.time()
        self.redis.hset('test:{0}:statistics', 'reads:1', '%d' % (seconds * 1000))

    def test_it_takes_one_command_to_store_it_and_one_to_have_it(self):
        for name in ('a', 'a?b', 'p!c'):
            self.calls()
            self.layer.send(name, self.message)
            self.assertEqual(self.beside(), 'string')
            sent = self.calls()
            self.assertEqual((sent.get('set'), sent.get('hset')), (1, None))
            queue = name.partition('!')[0] + '!' if '!' in name else name
            self.assertEqual(self.received(queue), [(name, self.message)])
            self.assertEqual(self.calls().get('getdel'), 1)
            self.assertFalse(self.redis.keys('*:b:*'))

    def test_up_to_two_megabytes_are_one(self):
        # A length of four bytes rather than one.
        around = len(codec.encode({'body': b''})) + 3
        for layer in (self.layer, self.make_layer(symmetric_encryption_keys=['secret'])):
            most = layer.transport_options.string_size - around
            for size, kind in ((most, 'string'), (most + 1, 'hash')):
                message = {'body': b'x' * size}
                for send in (layer.send, lambda name, message: layer.send_many([(name, message)])):
                    send('a', message)
                    self.assertEqual(self.beside(), kind)
                    if kind == 'string':
                        self.assertLessEqual(self.redis.strlen(self.redis.keys('*:b:*')[0]), 2 << 20)
                    self.assertTrue(self.received('a', layer=layer) == [('a', message)])
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_one_that_is_no_piece_is_sent_in_pieces_to_who_reads_no_strings(self):
        self.somebody_reads_version_1()
        message = {'body': b'x' * 1500000}
        for layer in (self.make_layer(), self.make_layer(symmetric_encryption_keys=['secret'])):
            with Records():
                layer.send('a', message)
            self.assertEqual(self.beside(), 'hash')
            key, = self.redis.keys('*:b:*')
            self.assertLessEqual(self.redis.hstrlen(key, '0'), 1 << 20)
            self.assertTrue(self.redis.hexists(key, '1'))
            self.assertTrue(self.received('a', layer=layer) == [('a', message)])
        full = self.make_layer(capacity=1)
        full.send('b', {})
        with self.assertRaises(ChannelFull):
            full.send('b', message)
        self.assertFalse(self.redis.keys('*:b:*'))

    def limit_strings(self, size):
        self.redis.config_set('proto-max-bulk-len', size)
        self.addCleanup(self.redis.config_set, 'proto-max-bulk-len', 512 << 20)

    def test_one_that_the_server_does_not_take_is_sent_in_pieces(self):
        self.limit_strings(1 << 20)
        message = {'body': b'x' * 1500000}
        for layer in (self.make_layer(), self.make_layer(symmetric_encryption_keys=['secret'])):
            with Records() as records:
                for send in (layer.send, lambda name, message: layer.send_many([(name, message)])):
                    send('a', message)
                    self.assertEqual(self.beside(), 'hash')
                    self.assertTrue(self.received('a', layer=layer) == [('a', message)])
                # 1 MiB is what each server takes.
                layer.send('a', self.message)
                self.assertEqual(self.beside(), 'string')
                self.received('a', layer=layer)
            self.assertEqual([line.partition(':')[0] for line in records.lines], [
                'The proto-max-bulk-len of shard 0 is below 2 MiB'])

    def test_it_is_asked_once_and_again_after_a_new_connection(self):
        message = {'body': b'x' * 1500000}
        self.layer.send('a', self.message)
        for _ in range(3):
            self.layer.send('a', message)
        self.received('a')
        self.assertEqual(self.calls().get('getbit'), 1)
        self.limit_strings(1 << 20)
        self.redis.client_kill_filter(_type='normal', skipme=True)
        self.layer.send('b', {})
        with Records():
            self.layer.send('a', message)
        self.assertEqual(self.beside(), 'hash')

    def test_a_user_who_may_not_ask_sends_as_before(self):
        self.redis.execute_command('ACL', 'SETUSER', 'plain', 'on', '>password', '~*', '+@all', '-getbit')
        self.addCleanup(self.redis.execute_command, 'ACL', 'DELUSER', 'plain')
        layer = self.make_layer(hosts=[self.server.url.replace('//', '//plain:password@')])
        layer.send('a', {'body': b'x' * 1500000})
        self.assertEqual(self.beside(), 'string')

    def test_an_entry_says_so(self):
        self.layer.send('a', self.message)
        self.assertEqual(self.redis.lindex(self.key('q', 'a'), 0)[:2], b'\x02\x91')
        # Whoever doesn't need that is as before.
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.redis.lindex(self.key('q', 'a'), 1)[:2], b'\x01\x01')

    def test_it_lives_as_long_as_pieces_do(self):
        self.layer.send('a', self.message)
        key, = self.redis.keys('*:b:*')
        self.assertLessEqual(self.redis.pttl(key), 120000)
        self.assertGreater(self.redis.pttl(key), 115000)

    def test_only_where_everybody_reads_version_2(self):
        self.somebody_reads_version_1()
        for layer in (self.make_layer(), self.make_layer(symmetric_encryption_keys=['secret'])):
            with Records() as records:
                layer.send('a', self.message)
            self.assertIn('reads entries of version 1 at most', records.lines[0])
            self.assertEqual(self.beside(), 'hash')
            self.assertEqual(self.redis.lindex(self.key('q', 'a'), 0)[:1], b'\x01')
            self.assertEqual(self.received('a', layer=layer), [('a', self.message)])
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_a_sender_asks_again_after_a_minute_who_reads_what(self):
        self.somebody_reads_version_1()
        self.layer.send('a', self.message)
        self.assertEqual(self.beside(), 'string')
        self.received('a')
        clock = self.layer._transport.clocks[0]
        clock._asked -= 61
        self.layer.send('a', self.message)
        self.assertEqual(self.beside(), 'hash')

    def test_encrypted_it_is_bound_to_its_entry(self):
        layer = self.make_layer(symmetric_encryption_keys=['secret'])
        for number in range(2):
            layer.send('a', dict(self.message, n=number))
        self.assertEqual(self.redis.lindex(self.key('q', 'a'), 0)[:2], b'\x02\xf1')
        first, second = [
            'test:{0}:b:' + entry[12:28].decode('ascii') for entry in self.redis.lrange(self.key('q', 'a'), 0, -1)
        ]
        self.assertEqual(self.redis.type(first), b'string')
        # The other's bytes are not taken for this one's.
        self.redis.set(first, self.redis.get(second), px=60000)
        with Records():
            self.assertEqual(self.received('a', layer=layer), [('a', dict(self.message, n=1))])
        self.assertEqual(layer.global_statistics()['malformed_count'], 1)

    def test_without_its_string_a_message_is_lost_and_costs_no_other(self):
        for number in range(3):
            self.layer.send('a', dict(self.message, n=number))
        second = Entry(self.redis.lindex(self.key('q', 'a'), 1))
        self.redis.delete('test:{0}:b:' + unpack_reference(second.body)[0])
        with Records() as records:
            self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 2])
        self.assertIn('a piece is missing', records.lines[0])
        self.assertEqual(self.layer.global_statistics()['lost_count'], 1)

    def test_of_those_taken_together_one_at_a_time_is_in_memory(self):
        messages = [dict(self.message, n=number) for number in range(5)] + [{'n': 5}]
        messages[3] = {'n': 3}
        for message in messages:
            self.layer.send('p!c', message)
        found, beside = [], []
        while len(found) < len(messages):
            found += [message for channel, message in self.layer.receive_batch(['p!'], 10, 1)]
            beside.append(len(self.redis.keys('*:b:*')))
        self.assertEqual(found, messages)
        # Before Redis 7.0, a wait takes one message only.
        self.assertEqual(beside, [3, 2, 1, 0, 0] if self.has_blmpop() else [3, 2, 1, 1, 0, 0])

    def test_one_that_is_lost_keeps_none_behind_it(self):
        for number in range(3):
            self.layer.send('p!c', dict(self.message, n=number))
        for entry in self.redis.lrange(self.key('q', 'p!'), 0, 1):
            self.redis.delete('test:{0}:b:' + unpack_reference(Entry(entry).body)[0])
        with Records():
            self.assertEqual([message['n'] for channel, message in self.layer.receive_batch(['p!'], 10, 1)], [2])

    def test_those_of_a_batch_are_kept_out_of_the_script_one_by_one(self):
        pairs = [('a', {'n': 0}), ('a', dict(self.message, n=1)), ('b', dict(self.message, n=2)), ('a', {'n': 3})]
        pairs += [('a', dict(self.message, n=number)) for number in (4, 5)]
        self.calls()
        self.assertEqual(self.layer.send_many(pairs), [])
        self.assertEqual(self.calls().get('set'), 4)
        self.assertLess(max(map(len, self.redis.lrange(self.key('q', 'a'), 0, -1))), 100)
        self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 1, 3, 4, 5])
        self.assertEqual(self.received('b'), pairs[2:3])

    def test_of_a_batch_those_are_refused_that_find_it_full(self):
        layer = self.make_layer(capacity=2)
        pairs = [('a', dict(self.message, n=number)) for number in range(4)] + [('a', {'n': 4}), ('b', {'n': 5})]
        refused = layer.send_many(pairs)
        self.assertEqual(refused, pairs[2:5])
        self.assertEqual(len(self.redis.keys('*:b:*')), 2)
        self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 1])

    def test_what_finds_a_full_channel_again_is_not_carried_again(self):
        layer = self.make_layer(capacity=1)
        for name in ('a', 'p!c'):
            layer.send(name, {})
            with self.assertRaises(ChannelFull):
                layer.send(name, self.message)
            self.calls()
            for _ in range(3):
                with self.assertRaises(ChannelFull):
                    layer.send(name, self.message)
            self.assertNotIn('set', self.calls())
            self.received(name.rstrip('c'))
            layer.send(name, self.message)
            self.assertEqual(self.calls().get('set'), 1)
            # What has expired makes room.
            self.make_old(name.rstrip('c'))
            layer.send(name, self.message)
            self.redis.flushall()

    def test_who_fills_a_channel_asks_before_it_carries_more(self):
        layer = self.make_layer(capacity=2)
        for _ in range(3):
            for _ in range(2):
                layer.send('a', self.message)
            self.calls()
            with self.assertRaises(ChannelFull):
                layer.send('a', self.message)
            calls = self.calls()
            self.assertEqual([calls.get(name, 0) for name in ('set', 'evalsha', 'unlink')], [0, 0, 0])
            self.received('a')
            layer.send('a', self.message)
            # While there is room it asks in the write that carries.
            self.calls()
            layer.send('a', self.message)
            self.assertNotIn('lindex', self.calls())
            self.received('a')

    def test_a_channel_that_is_full_now_and_then_is_looked_at_before(self):
        layer, message = self.make_layer(capacity=4), {'body': b'x' * 500000}
        for _ in range(4):
            layer.send('a', {})
        with self.assertRaises(ChannelFull):
            layer.send('a', message)
        for number in range(6):
            layer.receive(['a'])
            layer.send('a', message)
            self.calls()
            with self.assertRaises(ChannelFull):
                layer.send('a', message)
            self.assertNotIn('set', self.calls())
        # Not any more, once there is much room.
        self.received('a')
        layer.send('a', message)
        self.calls()
        layer.send('a', message)
        self.assertNotIn('lindex', self.calls())

    def test_what_is_purged_leaves_none(self):
        self.layer.send('a', self.message)
        self.assertEqual(self.layer.purge('a'), 1)
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_members_of_a_group_share_pieces(self):
        for name in ('a', 'b'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', {'body': b'x' * 2000000})
        self.assertEqual(self.beside(), 'hash')


#: What is answered with a string.
QUESTION = pack('GETDEL', 'a')


class _Opened(object):
    """A connection of redis-py, of which no more than the socket is used."""

    def __init__(self, sock):
        self._sock = sock

    def disconnect(self):
        self._sock.close()


class LongStringTests(SimpleTestCase):
    """Replies of one long string, which are read to where they stay."""

    def setUp(self):
        self.server, ours = socket.socketpair()
        self.addCleanup(self.server.close)
        self.addCleanup(ours.close)
        ours.settimeout(30)
        self.connection = Connection(_Opened(ours))

    def test_it_comes_whole_and_takes_nothing_of_what_follows(self):
        for size in (5000, 70000, 150000):
            text = os.urandom(size)
            head = ('$%d\r\n' % size).encode('ascii')
            for first in (4096, 4999 + len(head), size + len(head) - 1, size + len(head) + 1):
                data = head + text + b'\r\n' + b':5\r\n'
                # What one read has, and then the rest.
                self.server.sendall(data[:first])
                sender = threading.Thread(target=self.server.sendall, args=[data[first:]])
                sender.start()
                replies = self.connection.read(2)
                sender.join()
                self.assertEqual(replies[1], 5)
                self.assertTrue(replies[0] == text, (size, first))

    @skipUnless(hasattr(socket.socket, 'recvmsg_into'), 'Python 2 can not read into several buffers.')
    def test_sockets_that_do_not_wait_in_all_calls_are_asked_for_the_others(self):
        class Other(socket.socket):
            """As those of eventlet."""
            def recvmsg_into(self, *args):
                raise socket.error(errno.EAGAIN, 'It is not ready.')
            sendmsg = recvmsg_into

        server, ours = socket.socketpair()
        self.addCleanup(server.close)
        ours = Other(fileno=ours.detach())
        self.addCleanup(ours.close)
        connection = Connection(_Opened(ours))
        connection.write([LargeCommand([b'SET', b'a'], [b'x' * 9000])])
        self.assertTrue(server.recv(10000).endswith(b'x' * 9000 + b'\r\n'))
        body = codec.whole(codec.encode({'body': b'x' * 90000}))
        connection.write([LargeQuestion(QUESTION)])
        server.sendall(('$%d\r\n' % len(body)).encode('ascii') + body + b'\r\n')
        self.assertEqual(connection.read(1), [body])

    def test_a_string_in_an_array_belongs_to_the_array_wherever_a_read_ends(self):
        entry = b'x' * 200000
        start, string = b'*2\r\n$1\r\na\r\n*1\r\n', b'$200000\r\n' + entry + b'\r\n'
        # Who takes it for a reply waits for the rest of the array.
        self.connection.set_timeout(30)
        self.server.settimeout(30)
        self.connection.write([pack('LMPOP', 1, 'a', 'LEFT')])
        self.server.sendall(start)
        self.assertFalse(self.connection.read_some(1))
        sender = threading.Thread(target=self.server.sendall, args=[string])
        sender.start()
        self.assertEqual(self.connection.read(1), [[b'a', [entry]]])
        sender.join()

    @skipUnless(hasattr(socket.socket, 'recvmsg_into'), 'Python 2 can not read into several buffers.')
    def test_a_message_is_read_in_parts(self):
        content = os.urandom(150000)
        for last in ({}, {'n': 1}):
            body = codec.whole(codec.encode(dict({'path': '/', 'body': content}, **last)))
            head = ('$%d\r\n' % len(body)).encode('ascii')
            data = head + body + b'\r\n'
            for first in (4096, 60000, len(data) - 10, len(data) - 1):
                self.connection.write([LargeQuestion(QUESTION)])
                self.assertEqual(self.server.recv(99), QUESTION)
                # What one read has, and then the rest.
                self.connection._chunk = first
                sender = threading.Thread(target=self.server.sendall, args=[data])
                sender.start()
                reply, = self.connection.read(1)
                sender.join()
                self.assertIs(type(reply), Parted)
                self.assertEqual((len(reply), reply.whole() == body), (len(body), True))
                self.assertTrue(reply.content == content)
        # Nobody else gets one who hasn't asked for it.
        self.connection.write([b'?'])
        self.server.recv(9)
        sender = threading.Thread(target=self.server.sendall, args=[data])
        sender.start()
        reply, = self.connection.read(1)
        sender.join()
        self.assertTrue(reply == body)
        self.connection.write([LargeQuestion(QUESTION)])
        self.server.recv(9)
        self.server.sendall(data[:100000])
        self.server.close()
        with self.assertRaisesMessage(EOFError, 'The server closed the connection.'):
            self.connection.read(1)

    def test_an_end_in_its_middle_is_one(self):
        self.server.sendall(b'$100000\r\n' + b'x' * 50000)
        self.server.close()
        with self.assertRaisesMessage(EOFError, 'The server closed the connection.'):
            self.connection.read(1)

    def test_what_only_looks_like_one_is_left_to_the_parser(self):
        self.server.sendall(b'$-1\r\n' + b':7\r\n' * 1000 + b'$x\r\n' + b'y' * 5000)
        with self.assertRaises(ProtocolError):
            self.connection.read(1003)
