"""Tests of acknowledged channels on a real Redis: readers that die, and senders of all kinds."""
from __future__ import absolute_import, unicode_literals

import socket
import struct
import threading
import time

from django.channels.exceptions import LayerUnavailable
from django.channels.layers import acknowledgement
from django.channels.layers.acknowledgement import receipt_of
from django.channels.layers.presence import WORKER, this_process
from django.channels.layers.transport import server_clock
from django.channels.processes.holding import Holding

from .logs import LogTestCase
from .redis_case import Records, RedisTestCase
from .redis_server import RedisServer


class AcknowledgedTestCase(RedisTestCase):

    def setUp(self):
        super(AcknowledgedTestCase, self).setUp()
        self.processes = {}

    def reader(self, **options):
        """Return a layer of a process that is alive."""
        options.setdefault('acknowledged', {'jobs*': {'deliveries': 3}})
        layer = self.make_layer(**options)
        process = this_process(WORKER, '1')
        layer.announce(process, {})
        layer.hold_as(process.name)
        self.processes[layer] = process
        return layer

    def die(self, layer):
        """Have the process of `layer` be dead for everybody, as after LIFETIME without a beat."""
        layer.withdraw(self.processes[layer])

    def take(self, layer, *channels):
        return [message for channel, message in layer.receive_batch(list(channels or ['jobs']), 100)]


class ForgetfulServerTests(AcknowledgedTestCase):
    """Scripts are flushed again and again, while jobs are sent, taken and acknowledged."""

    def setUp(self):
        super(ForgetfulServerTests, self).setUp()
        self.is_over = threading.Event()
        client = self.connect(self.server.url)

        def flush():
            while not self.is_over.is_set():
                client.script_flush()
            return True
        join = self.in_thread(flush)
        self.addCleanup(join)
        self.addCleanup(self.is_over.set)

    def test_nothing_is_lost_nor_done_twice(self):
        first, second = self.reader(), self.reader()
        for number in range(20):
            first.send('jobs', {'n': number})
            first.send_job('jobs', {'n': 1000 + number}, delay=0)
        # What one held that died comes again.
        held = first.receive_batch(['jobs'], 5)
        self.die(first)
        done = []

        def finished():
            second.recover()
            found = [message for channel, message in second.receive_batch(['jobs'], 10)]
            self.assertEqual(second.acknowledge([
                (receipt_of(message), [('done', {'n': message['n']})]) for message in found
            ]), [])
            done.extend(message['n'] for message in found)
            return len(done) >= 40
        self.wait_until(finished)
        self.assertEqual(sorted(done), list(range(20)) + list(range(1000, 1020)))
        failed = first.acknowledge([(receipt_of(message), [('done', {'n': -1})]) for channel, message in held])
        self.assertEqual({reason for receipt, reason in failed}, {acknowledgement.GONE})
        numbers = []
        while len(numbers) < 40:
            numbers += [message['n'] for channel, message in self.layer.receive_batch(['done'], 100)]
        self.assertEqual(sorted(numbers), sorted(done))
        self.assertEqual(second.acknowledged_statistics('jobs')['jobs']['held'], 0)


class AnswerCutter(object):
    """Passes connections on to a port, and cuts one in place of an answer that has `word` in it, after cut()."""

    def __init__(self, port):
        self._port = port
        self._word = None
        self._listener = socket.socket()
        self._listener.bind(('127.0.0.1', 0))
        self._listener.listen(10)
        self.url = 'redis://127.0.0.1:%d/0' % self._listener.getsockname()[1]
        self._start(self._accept)

    def cut(self, word):
        self._word = word

    def close(self):
        self._listener.close()

    def _start(self, function, *args):
        thread = threading.Thread(target=function, args=args)
        thread.daemon = True
        thread.start()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except (OSError, socket.error):
                return
            server = socket.create_connection(('127.0.0.1', self._port))
            self._start(self._pass_on, client, server, False)
            self._start(self._pass_on, server, client, True)

    def _pass_on(self, source, target, are_answers):
        try:
            data = source.recv(65536)
            while data:
                if are_answers and self._word is not None and self._word in data:
                    self._word = None
                    break
                target.sendall(data)
                data = source.recv(65536)
        except (OSError, socket.error):
            # The other direction has ended.
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except (OSError, socket.error):
                # It was closed already.
                pass
        target.close()


class LostAnswerTests(AcknowledgedTestCase):

    def test_what_was_taken_and_not_answered_comes_again_while_the_process_lives(self):
        cutter = AnswerCutter(self.server.port)
        self.addCleanup(cutter.close)
        first, second = self.reader(hosts=[cutter.url]), self.reader()
        for number in range(2):
            second.send('jobs', {'n': number})
        known = first.receive(['jobs'])[1]
        cutter.cut(b'jobs')
        with self.assertRaises(LayerUnavailable):
            first.receive(['jobs'])
        # One look is not enough: a thread might be about to read the answer.
        self.assertEqual(first.recover(), [])
        self.assertEqual(self.take(second), [])
        self.assertEqual(first.recover(), [])
        message, = self.take(second)
        self.assertEqual((message['n'], receipt_of(message).attempt), (1, 1))
        # What it got is still its own.
        self.assertEqual([first.recover() for _ in range(3)], [[], [], []])
        self.assertEqual(first.acknowledge([(receipt_of(known), [])]), [])
        self.assertEqual(second.acknowledge([(receipt_of(message), [])]), [])
        self.assertEqual([key for key in self.keys() if '}:t:' in key], [])


class LateTests(LogTestCase, AcknowledgedTestCase):
    """What a worker says once it can reach a server again."""

    def unsaid(self, **options):
        """
        Return a reader with those options, and the receipt of a message.

        It is done with that, and has sent a message to "out", which the server
        hasn't heard.
        """
        layer = self.reader(**options)
        layer.send('jobs', {'n': 1})
        message, = self.take(layer)
        receipt = receipt_of(message)
        layer.note_unsaid([(receipt, [('out', {'n': 2})])], [(receipt, LayerUnavailable('away'))])
        return layer, receipt

    def test_what_was_requeued_meanwhile_is_logged(self):
        layer, receipt = self.unsaid()
        self.die(layer)
        self.assertEqual(len(self.reader().recover()), 1)
        layer.recover()
        self.assertLogged('A message on jobs (%s, attempt 1) is not held here any more' % receipt.id)
        self.assertEqual(self.received('out'), [])

    def test_what_finds_no_room_is_said_again(self):
        layer, receipt = self.unsaid(capacity=1)
        layer.send('out', {'n': 1})
        layer.recover()
        self.assertEqual(layer.acknowledged_statistics('jobs')['jobs']['held'], 1)
        self.assertEqual(self.received('out'), [('out', {'n': 1})])
        layer.recover()
        self.assertEqual(layer.acknowledged_statistics('jobs')['jobs']['held'], 0)
        self.assertEqual(self.received('out'), [('out', {'n': 2})])


class DeathTests(AcknowledgedTestCase):

    def test_what_a_dead_reader_held_comes_again_before_the_others(self):
        first, second = self.reader(), self.reader()
        for number in range(4):
            first.send('jobs', {'n': number})
        held = [first.receive(['jobs'])[1] for _ in range(2)]
        self.assertEqual(second.recover(), [])
        self.die(first)
        (channel, reader, returned, dead), = second.recover()
        self.assertEqual((channel, returned, dead), ('jobs', 2, 0))
        self.assertTrue(reader.startswith(self.processes[first].name))
        again = self.take(second)
        self.assertEqual([message['n'] for message in again], [0, 1, 2, 3])
        self.assertEqual([receipt_of(message).attempt for message in again], [2, 2, 1, 1])
        # It wasn't dead, only frozen: what it says comes too late.
        self.assertEqual(
            first.acknowledge([(receipt_of(held[0]), [('out', {})])]), [(receipt_of(held[0]), acknowledgement.GONE)]
        )
        self.assertEqual(first.postpone(receipt_of(held[1]), acknowledgement.RETRY), acknowledgement.GONE)
        self.assertEqual(self.received('out'), [])
        self.assertEqual(second.acknowledge([(receipt_of(message), []) for message in again]), [])
        self.assertEqual(second.acknowledged_statistics()['jobs']['given_back'], 2)

    def test_nobody_acknowledges_a_newer_job_with_its_id(self):
        first, second = self.reader(), self.reader()
        second.send_job('jobs', {'n': 1}, id='a')
        old, = self.take(first)
        self.die(first)
        self.assertEqual(len(second.recover()), 1)
        again, = self.take(second)
        self.assertEqual(second.acknowledge([(receipt_of(again), [])]), [])
        # It was only frozen, and one of its threads gets the next.
        first.announce(self.processes[first], {})
        second.send_job('jobs', {'n': 2}, id='a')
        new, = self.take(first)
        self.assertEqual(receipt_of(new).token, receipt_of(old).token)
        self.assertEqual(
            first.acknowledge([(receipt_of(old), [('out', {})])]), [(receipt_of(old), acknowledgement.GONE)])
        self.assertEqual(first.postpone(receipt_of(old), acknowledgement.RETRY), acknowledgement.GONE)
        self.assertEqual(self.received('out'), [])
        self.assertEqual(first.acknowledge([(receipt_of(new), [])]), [])

    def test_a_reader_that_is_alive_keeps_its_messages_for_ever(self):
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        message, = self.take(first)
        # A beat may be as old as this.
        self.redis.zincrby('test:{0}:processes', -11000, self.processes[first].name)
        self.assertEqual(second.recover(), [])
        self.redis.zincrby('test:{0}:processes', -2000, self.processes[first].name)
        self.assertEqual(len(second.recover()), 1)

    def test_a_reader_that_looks_first_after_a_stop_keeps_its_messages(self):
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        message, = self.take(first)
        self.redis.zincrby('test:{0}:processes', -13000, self.processes[first].name)
        self.assertEqual(first.recover(), [])
        self.assertEqual(second.recover(), [])
        self.assertEqual(first.acknowledge([(receipt_of(message), [])]), [])

    def test_a_job_of_six_hours_is_done_once(self):
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        message, = self.take(first)
        process = self.processes[first]
        for _ in range(2160):
            # Ten seconds pass: of two beats, one was lost.
            self.redis.zincrby('test:{0}:processes', -10000, process.name)
            self.assertEqual(second.recover(), [])
            self.assertEqual(first.announce(process, {}), [])
        self.assertEqual(self.take(second), [])
        self.assertEqual(first.acknowledge([(receipt_of(message), ())]), [])

    def set_clock(self, seconds):
        """Have what the server noted be as if its clock had been set forward by so much, or it had been away."""
        for name in self.redis.zrange('test:{0}:processes', 0, -1):
            self.redis.zincrby('test:{0}:processes', -1000 * seconds, name)
        for name in ('looked', 'spared'):
            if self.redis.hexists('test:{0}:statistics', name):
                self.redis.hincrby('test:{0}:statistics', name, -1000 * seconds)

    def held_by_another(self):
        """Return a reader, the message that it holds, and another reader, which has looked for dead ones."""
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        message, = self.take(first)
        self.assertEqual(second.recover(), [])
        return first, message, second

    def test_nobody_died_while_the_server_was_away(self):
        first, message, second = self.held_by_another()
        self.set_clock(20)
        # It comes before the beat of the first.
        self.assertEqual(second.recover(), [])
        self.assertEqual(second.recover(), [])
        self.assertEqual(first.acknowledge([(receipt_of(message), [])]), [])

    def test_who_died_while_the_server_was_away_is_found(self):
        first, message, second = self.held_by_another()
        for seconds, number in ((20, 0), (4, 0), (4, 0), (4, 1)):
            self.set_clock(seconds)
            self.assertEqual(len(second.recover()), number)
        self.assertEqual(len(self.take(second)), 1)

    def test_who_left_while_the_server_was_away_is_found_at_once(self):
        first, message, second = self.held_by_another()
        self.die(first)
        self.set_clock(60)
        self.assertEqual(len(second.recover()), 1)

    def test_a_dead_reader_is_found_where_all_look_seldom(self):
        first, message, second = self.held_by_another()
        found = []
        for _ in range(3):
            self.set_clock(10)
            found += second.recover()
        self.assertEqual(len(found), 1)

    def test_nobody_is_dead_or_alive_for_a_clock_that_was_set_back(self):
        first, message, second = self.held_by_another()
        self.set_clock(-3600)
        self.assertEqual(second.recover(), [])
        self.set_clock(4)
        self.assertEqual(second.recover(), [])
        for _ in range(2):
            self.set_clock(4)
            found = second.recover()
        self.assertEqual(len(found), 1)

    def test_nobody_is_dead_since_the_list_has_expired(self):
        first, message, second = self.held_by_another()
        self.set_clock(3600)
        self.redis.delete('test:{0}:processes', 'test:{0}:facts')
        self.assertEqual(second.recover(), [])
        self.assertGreater(self.redis.pttl('test:{0}:processes'), 0)
        self.assertEqual(first.acknowledge([(receipt_of(message), [])]), [])

    def test_a_reader_is_alive_before_its_first_beat(self):
        # As one that a server which was away has not heard of yet.
        reader, other = self.make_layer(acknowledged=['jobs']), self.reader()
        reader.hold_as('host-7-1f2e3d4c')
        reader.send('jobs', {})
        message, = self.take(reader)
        self.assertEqual(other.recover(), [])
        self.assertEqual(reader.acknowledge([(receipt_of(message), [])]), [])

    def test_the_time_is_the_servers(self):
        layer = self.make_layer()
        before = layer.time()
        # As a server tells it whose clock is an hour ahead.
        layer._transport.clocks[0]._offset += 3600
        self.assertLess(abs(layer.time() - before - 3600), 60)
        self.assertLess(abs(before - time.time()), 60)

    def test_the_numbers_of_a_channel_do_not_ask_for_those_of_others(self):
        reader = self.reader()
        for number in range(20):
            reader.send('jobs.%d' % number, {})
            self.take(reader, 'jobs.%d' % number)
        reader.channel_statistics('plain')
        self.calls()
        reader.channel_statistics('plain')
        self.assertLessEqual(sum(self.calls().values()), 6)

    def test_purging_leaves_what_is_held(self):
        reader = self.reader()
        for number in range(600):
            reader.send('jobs', {'n': number})
        reader.send('jobs', {'large': 'x' * 200000})
        for number in range(600):
            reader.send_job('jobs', {'n': number}, delay=number % 2 * 1000)
        held = reader.receive(['jobs'])[1]
        self.assertEqual(reader.purge('jobs'), 1200)
        numbers = reader.acknowledged_statistics()['jobs']
        self.assertEqual((numbers['waiting'], numbers['later'], numbers['held']), (0, 0, 1))
        self.assertEqual(self.redis.keys('*}:k:*'), [])
        self.assertEqual(reader.acknowledge([(receipt_of(held), [])]), [])

    def test_a_message_that_kills_its_readers_is_a_dead_letter_in_the_end(self):
        watcher = self.reader()
        watcher.send('jobs', {'poison': True})
        for attempt in (1, 2, 3):
            victim = self.reader()
            self.assertEqual(receipt_of(self.take(victim)[0]).attempt, attempt)
            self.die(victim)
            watcher.recover()
        letter, = watcher.dead_letters('jobs')
        self.assertEqual((letter.message, letter.attempts), ({'poison': True}, 3))
        self.assertEqual(letter.story, {'error': 'Its readers died each time.'})

    def test_the_story_of_another_program_is_read_as_far_as_it_can_be(self):
        reader = self.reader()
        for text, story in [
            ('{"error": "no", "later": [1]}', {'error': 'no', 'later': [1]}), ('[]', {}), ('5', {}), ('{', {}),
            ('\xff', {}), ('[' * 100000, {}), ('{"error": 5, "traceback": ["x"], "consumer": null}', {}),
        ]:
            reader.send('jobs', {})
            message, = self.take(reader)
            reader.postpone(receipt_of(message), acknowledgement.BURY, story=text)
            letter, = reader.dead_letters('jobs')
            self.assertEqual(letter.story, story, text[:50])
            reader.delete_dead_letters('jobs', [letter.id])

    def test_an_id_is_in_the_order_of_time_and_nobody_elses(self):
        ids = [acknowledgement.new_job_id(lambda: 1480000000.5 + number) for number in (0, 0, 1)]
        self.assertEqual([id[:14] for id in ids], ['05420d5a4c2120', '05420d5a4c2120', '05420d5a5b6360'])
        self.assertEqual((len(set(ids)), {len(id) for id in ids}), (3, {26}))

    def test_those_that_wait_are_woken_by_what_is_given_back(self):
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        self.take(first)
        got = self.in_thread(second.receive, ['jobs'], True)
        self.wait_until_blocked()
        self.die(first)
        self.make_layer().recover()
        self.assertEqual(got(), ('jobs', {}))

    def test_a_reader_that_is_frozen_does_not_keep_others_from_what_is_given_back(self):
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        self.take(first)
        # It has waited longest, and so is woken first.
        frozen = self.in_thread(self.connect(self.server.url).blpop, self.key('n', 'jobs'))
        self.wait_until_blocked()
        # Whoever is woken by nobody looks in an hour.
        second.receive_timeout = 3600
        got = self.in_thread(second.receive, ['jobs'], True)
        self.wait_until_blocked(2)
        self.die(first)
        self.make_layer().recover()
        frozen()
        self.wait_until_blocked(0)
        self.assertEqual(got(), ('jobs', {}))

    def test_holding_gives_back_and_tells_of_it(self):
        first, second = self.reader(), self.reader()
        first.send('jobs', {})
        self.take(first)
        self.die(first)
        with Records() as records:
            with Holding(second, self.processes[second].name):
                self.assertEqual(len(self.take(second)), 1)
        self.assertIn('has died: 1 messages that it held on jobs', '\n'.join(records.lines))
        self.assertIsNone(second.reader)

    def test_a_server_that_lost_what_it_held_leaves_nothing_held_for_ever(self):
        reader = self.reader()
        reader.send('jobs', {'n': 1})
        message, = self.take(reader)
        # As after a fail-over to data in which this is still held, and the process listed.
        self.redis.hset('test:{0}:statistics', 'epoch', 'another')
        reader._transport.clocks[0].ask_soon()
        reader._run(reader._transport.ask_time(0))
        self.assertEqual(len(reader.recover()), 1)
        again = self.take(self.reader())
        self.assertEqual((again, receipt_of(again[0]).attempt), ([{'n': 1}], 2))
        self.assertEqual(
            reader.acknowledge([(receipt_of(message), [])]), [(receipt_of(message), acknowledgement.GONE)]
        )


class SenderTests(AcknowledgedTestCase):

    def test_a_sender_that_does_not_know_learns_it(self):
        reader, sender = self.reader(), self.make_layer()
        reader.send('jobs', {'n': 0})
        for size in (1, 200000, 3000000):
            sender.send('jobs', {'n': size, 'large': 'x' * size})
        self.assertEqual(sender.send_many([('jobs', {'n': 1}), ('other', {}), ('jobs', {'n': 2})]), [])
        other = self.make_layer()
        self.assertEqual(other.send_many([('jobs', {'n': 3}), ('jobs', {'n': 4})]), [])
        self.assertEqual([message['n'] for message in self.take(reader)], [0, 1, 200000, 3000000, 1, 2, 3, 4])
        self.assertEqual(reader.acknowledged_statistics()['jobs']['sent'], 8)

    def test_what_is_kept_is_in_pieces_also_where_it_is_small(self):
        reader = self.reader()
        reader.send('jobs', {'large': 'x' * 200000})
        reader.send_job('jobs', {'large': 'x' * 200000}, delay=1000)
        self.make_layer().send_job('undeclared', {'large': 'x' * 200000}, delay=1000)
        pieces = self.redis.keys('*:k:*')
        self.assertEqual([self.redis.type(key) for key in pieces], [b'hash'] * 3)
        self.assertFalse(self.redis.keys('*:b:*'))
        for name in ('jobs', 'undeclared'):
            entries = self.redis.lrange(self.key('a', name), 0, -1) + self.redis.hvals(self.key('j', name))
            self.assertNotIn(b'\x02\x91', b''.join(entries))

    def test_a_string_that_was_sent_before_the_channel_was_declared_is_held_as_pieces(self):
        sender, reader = self.make_layer(), self.reader()
        sender.send('jobs', {'large': 'x' * 200000})
        string, = self.redis.keys('*:b:*')
        self.assertEqual(self.redis.type(string), b'string')
        reader.send('jobs', {'n': 0})
        first, second = self.take(reader)
        self.assertEqual([len(message.get('large', '')) for message in (first, second)], [0, 200000])
        pieces, = self.redis.keys('*:[bk]:*')
        self.assertEqual((self.redis.type(pieces), self.redis.pttl(pieces)), (b'hash', -1))
        reader.acknowledge([(receipt_of(message), []) for message in (first, second)])
        self.assertFalse(self.redis.keys('*:[bk]:*'))

    def test_what_an_old_sender_puts_on_the_queue_is_held_and_does_not_expire(self):
        reader = self.reader()
        reader.send('jobs', {'n': 0})
        self.take(reader)
        # As the scripts of the first draft do.
        entry = struct.pack(str('>BBQH'), 1, 1, 5, 0) + b'\x81\xa1n\x01'
        self.redis.rpush(self.key('q', 'jobs'), entry)
        self.redis.pexpire(self.key('q', 'jobs'), 60000)
        reader.recover()
        self.assertEqual(self.redis.pttl(self.key('q', 'jobs')), -1)
        message, = self.take(reader)
        self.assertEqual((message, receipt_of(message).attempt), ({'n': 1}, 1))

    def test_nothing_of_it_expires_but_what_wakes(self):
        reader = self.reader()
        reader.send('jobs', {'large': 'x' * 3000000})
        reader.send_job('jobs', {}, delay=1000)
        self.take(reader)
        reader.send('jobs', {})
        reader.postpone(receipt_of(self.take(reader)[0]), acknowledgement.BURY)
        reader.send('jobs', {})
        expiring = {key for key in self.keys() if self.redis.pttl(key) != -1}
        self.assertEqual(
            {key.rpartition('{0}:')[2] for key in expiring}, {'n:jobs', 'processes', 'facts'}
        )

    def test_a_job_leaves_neither_its_key_nor_its_pieces_to_one_with_its_id(self):
        layer, client = self.reader(), self.connect(self.server.url)
        for unique in ('one', 'two'):
            layer.send_job('jobs', {'large': 'x' * 200000}, id='same', unique=unique, delay=3600)
        self.assertEqual(layer.send_job('jobs', {'n': 1}, id='other', unique='one'), 'other')
        self.assertEqual(layer.cancel_jobs('jobs', ['same', 'other']), 2)
        self.assertEqual([key for key in client.keys(self.prefix + '*') if b'k:' in key], [])

    def test_when_all_is_done_nothing_is_left(self):
        reader = self.reader()
        reader.send('jobs', {'large': 'x' * 3000000})
        reader.send_job('jobs', {'large': 'x' * 200000}, priority=3, unique='one')
        for message in self.take(reader):
            reader.acknowledge([(receipt_of(message), [])])
        reader.send_job('jobs', {'large': 'x' * 3000000}, delay=1000, id='x')
        reader.cancel_jobs('jobs', ['x'])
        self.die(reader)
        self.make_layer().recover()
        self.redis.delete(self.key('n', 'jobs'))
        self.assertEqual({key.rpartition('{0}:')[2] for key in self.keys()} - {'acknowledged'}, set())

    def test_malformed_entries_are_dead_letters(self):
        reader = self.reader()
        reader.send('jobs', {'n': 0})
        self.take(reader)
        for garbage in (b'', b'garbage', struct.pack(str('>BBQH'), 1, 1, 5, 0) + b'\xc1',
                        struct.pack(str('>BBQH'), 9, 1, 5, 0) + b'\x80'):
            self.redis.rpush(self.key('a', 'jobs'), garbage)
        reader.send('jobs', {'n': 1})
        with Records():
            self.assertEqual(self.take(reader), [{'n': 1}])
        letters = reader.dead_letters('jobs')
        self.assertEqual([letter.message for letter in letters], [None] * 4)
        self.assertEqual(reader.delete_dead_letters('jobs', [letter.id for letter in letters]), 4)

    def test_encrypted_messages_are_read_however_late(self):
        options = {'symmetric_encryption_keys': ['secret'], 'expiry': 1}
        try:
            reader = self.reader(**options)
        except ImportError:
            self.skipTest('cryptography is not installed')
        for size in (1, 200000, 3000000):
            reader.send('jobs', {'large': 'x' * size})
            reader.send_job('jobs', {'large': 'y' * size}, priority=-1)
        # An hour later by the readers' clock.
        for clock in reader._transport.clocks:
            clock._offset += 3600
        self.assertEqual(
            [(message['large'][0], len(message['large'])) for message in self.take(reader)],
            [('x', 1), ('x', 200000), ('x', 3000000), ('y', 1), ('y', 200000), ('y', 3000000)]
        )

    def test_a_message_costs_a_call_to_hold_and_one_to_acknowledge_it(self):
        reader = self.reader()
        reader.send('jobs', {})
        self.received('jobs', layer=reader)
        reader.send('jobs', {})
        self.calls()
        message, = self.take(reader)
        self.assertEqual(self.calls().get('evalsha'), 1)
        reader.acknowledge([(receipt_of(message), [('out', {}), ('jobs', {})])])
        self.assertEqual(self.calls().get('evalsha'), 1)

    def test_one_that_comes_while_a_reader_waits_is_taken_without_another_wait(self):
        reader = self.reader()
        got = self.in_thread(reader.receive, ['jobs'], True)
        self.wait_until_blocked()
        # A wait is counted when it begins, and since Redis 7.2 when it ends.
        before = self.calls()
        self.make_layer(acknowledged={'jobs': {}}).send('jobs', {'n': 1})
        self.assertEqual(got(), ('jobs', {'n': 1}))
        after = self.calls()
        self.assertEqual(sum(calls.get(name, 0) for calls in (before, after) for name in ('blmpop', 'blpop')), 1)

    def test_a_delayed_one_comes_when_it_is_due_and_nobody_looks_for_it_meanwhile(self):
        reader, sender, late = self.reader(), self.make_layer(acknowledged={'jobs': {}}), []
        reader.receive_timeout = 30
        # A machine may be busy, but not each time.
        while len(late) < 3 and (not late or late[-1] >= 0.1):
            got = self.in_thread(reader.receive, ['jobs'], True)
            self.wait_until_blocked()
            due = time.time() + 0.6
            sender.send_job('jobs', {}, at=due)
            self.calls()
            reader.acknowledge([(receipt_of(got()[1]), ())])
            late.append(time.time() - due)
            self.assertLessEqual(self.calls()['evalsha'], 5)
        self.assertLess(late[-1], 0.1)
        self.assertGreater(min(late), -0.005)

    def test_what_was_taken_together_wakes_nobody_any_more(self):
        reader, bell = self.reader(), self.key('n', 'jobs')
        for number in range(5):
            reader.send('jobs', {'n': number})
        self.assertEqual(self.redis.llen(bell), 5)
        reader.receive_batch(['jobs'], 3)
        # One for each that waits, which other readers may take.
        self.assertEqual(self.redis.llen(bell), 2)
        self.take(reader)
        self.assertEqual(self.redis.llen(bell), 0)


class EndingWhileWaitingTests(AcknowledgedTestCase):
    """A message is acknowledged by the wait for the next one."""

    def setUp(self):
        super(EndingWhileWaitingTests, self).setUp()
        self.failed = []

    def holding(self, **options):
        """Return a layer that holds a message, and its Receipt."""
        layer = self.reader(**options)
        layer.send('jobs', {})
        return layer, receipt_of(self.take(layer)[0])

    def end(self, layer, receipt, *sends):
        return layer.acknowledge_and_receive([(receipt, sends)], self.failed.extend, ['jobs', 'plain'], 5, 20)

    def held(self, layer):
        return layer.acknowledged_statistics()['jobs']['held']

    def test_it_is_one_write_and_held_back_by_nothing(self):
        # What was taken is marked at times, which a slow machine comes to.
        self.addCleanup(setattr, server_clock, '_MARK_EVERY', server_clock._MARK_EVERY)
        server_clock._MARK_EVERY = 3600.0
        layer, receipt = self.holding()
        got = self.in_thread(self.end, layer, receipt, ('out', {'n': 1}))
        self.wait_until_blocked()
        self.assertEqual((self.held(layer), layer.receive(['out'])), (0, ('out', {'n': 1})))
        layer.send('jobs', {'n': 2})
        (channel, message), = got()
        self.assertEqual(message, {'n': 2})
        # A mark is due after a tenth of a second.
        layer._transport.clocks[0].is_to_mark = lambda: False
        # Nobody looks at `plain` first: the wait did that.
        self.calls()
        got = self.in_thread(self.end, layer, receipt_of(message))
        self.wait_until_blocked()
        calls = self.calls()
        self.assertEqual((calls.get('evalsha'), calls.get('lmpop')), (2, None))
        layer.send('plain', {})
        self.assertEqual((got(), self.failed), ([('plain', {})], []))

    def test_a_backlog_is_one_write_for_each_batch_and_others_have_their_turn(self):
        layer, receipt = self.holding()
        for number in range(20):
            layer.send('jobs', {'n': number})
        # Before Redis 7.0 a wait takes one message, and a look takes several.
        reads = 1 if self.has_blmpop() else 2
        got = self.end(layer, receipt)
        for _ in range(2):
            self.calls()
            before = self.redis.info('stats')['total_reads_processed']
            got = layer.acknowledge_and_receive(
                [(receipt_of(message), ()) for channel, message in got], self.failed.extend, ['jobs', 'plain'], 5, 20,
            )
            self.assertEqual([channel for channel, message in got], ['jobs'] * 5)
            # One is that of info().
            self.assertLessEqual(self.redis.info('stats')['total_reads_processed'] - before - 1, reads)
        turns = []
        for number in range(8):
            layer.send('plain', {})
        while self.held(layer) or turns.count('plain') < 8:
            got = layer.acknowledge_and_receive(
                [(receipt_of(message), ()) for channel, message in got if receipt_of(message)], self.failed.extend,
                ['jobs', 'plain'], 2, 1,
            )
            turns += [channel for channel, message in got]
        self.assertEqual(turns, ['plain'] * 2 + ['jobs'] * 2 + ['plain'] * 2 + ['jobs'] * 2 + ['plain'] * 2 +
                         ['jobs'] + ['plain'] * 2)
        self.assertEqual(self.failed, [])

    def test_jobs_have_their_turn_while_others_wait_however_many_there_are(self):
        for timeout in (0, 1):
            layer = self.reader()
            for number in range(3):
                layer.send('jobs', {})
            for number in range(20):
                layer.send('plain', {})
            turns = []
            # More than there are jobs: each of these batches is a small one.
            for number in range(4):
                turns += [channel for channel, message in layer.receive_batch(['jobs', 'plain'], 5, timeout)]
                layer.send('jobs', {}) if len(turns) == 8 else None
            self.assertEqual(
                turns[:14], ['jobs'] * 3 + ['plain'] * 5 + ['jobs'] + ['plain'] * 5, timeout,
            )
            layer.flush()

    def test_one_that_is_another_readers_ends_the_wait(self):
        layer, receipt = self.holding()
        layer.acknowledge([(receipt, [])])
        self.assertEqual(self.end(layer, receipt, ('out', {})), [])
        self.assertEqual(self.failed, [(receipt, acknowledgement.GONE)])

    def test_it_ends_the_wait_if_what_comes_of_it_finds_no_room(self):
        layer, receipt = self.holding(capacity=1)
        layer.send('out', {})
        self.assertEqual(self.end(layer, receipt, ('out', {})), [])
        self.assertIsInstance(self.failed[0][1], layer.ChannelFull)
        self.assertEqual(self.held(layer), 1)
        # Nothing of that ends another wait.
        got = self.in_thread(layer.receive_batch, ['jobs'], 1, 20)
        self.wait_until_blocked()
        layer.send('jobs', {'n': 1})
        self.assertEqual(got(), [('jobs', {'n': 1})])

    def test_it_is_done_at_once_if_the_server_has_forgotten_the_script(self):
        layer, receipt = self.holding()
        self.redis.script_flush()
        got = self.in_thread(self.end, layer, receipt)
        self.wait_until(lambda: self.held(layer) == 0)
        layer.send('jobs', {'n': 1})
        self.assertEqual((got(), self.failed), ([('jobs', {'n': 1})], []))

    def test_an_interrupted_wait_acknowledges(self):
        layer, receipt = self.holding()
        layer.interrupt()
        self.assertEqual((self.end(layer, receipt), self.failed, self.held(layer)), ([], [], 0))

    def test_it_goes_first_where_something_is_due_soon(self):
        layer, receipt = self.holding()
        layer.send_job('jobs', {'n': 1}, delay=0.3)
        self.assertEqual(self.take(layer), [])
        self.assertEqual((self.end(layer, receipt), self.failed), ([('jobs', {'n': 1})], []))
        self.assertEqual(self.held(layer), 1)

    def test_what_is_not_known_is_asked_for_again(self):
        cutter = AnswerCutter(self.server.port)
        self.addCleanup(cutter.close)
        layer, receipt = self.holding(hosts=[cutter.url])
        other = self.make_layer(acknowledged={'jobs': {}})
        got = self.in_thread(self.end, layer, receipt)
        self.wait_until_blocked()
        cutter.cut(b'')
        other.send('jobs', {'n': 1})
        got()
        (failed, reason), = self.failed
        self.assertEqual((failed, type(reason)), (receipt, LayerUnavailable))
        layer.recover()
        self.assertFalse(self.redis.hexists(self.key('t', 'jobs') + ':' + receipt.holder, receipt.token))

    def test_on_several_servers_it_goes_first(self):
        layer, receipt = self.holding(hosts=[self.server.url, self.server.url.rpartition('/')[0] + '/1'])
        layer.send('plain', {'n': 1})
        self.assertEqual((self.end(layer, receipt), self.failed), ([('plain', {'n': 1})], []))
        self.assertEqual(self.held(layer), 0)


class OutageTests(AcknowledgedTestCase):
    """With servers of its own, which go away."""

    def setUp(self):
        super(OutageTests, self).setUp()
        self.own = RedisServer(options=['--appendonly', 'yes', '--appendfsync', 'always']).start()
        self.addCleanup(self.own.stop)

    def test_what_could_not_be_acknowledged_is_once_the_server_is_back(self):
        reader = self.reader(hosts=[self.own.url])
        for number in range(2):
            reader.send('jobs', {'n': number})
        first, second = [receipt_of(message) for message in self.take(reader)]
        self.own.kill()
        (receipt, reason), = reader.acknowledge([(first, [('out', {'n': 1})])])
        self.assertIsInstance(reason, LayerUnavailable)
        with self.assertRaises(LayerUnavailable):
            reader.postpone(second, acknowledgement.RETRY)
        self.own.start()
        reader.recover()
        numbers = reader.acknowledged_statistics()['jobs']
        self.assertEqual((numbers['held'], numbers['retried']), (0, 1))
        self.assertEqual(reader.receive(['out']), ('out', {'n': 1}))
