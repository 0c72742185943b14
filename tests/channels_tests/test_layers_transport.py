"""Tests of the Redis transport without a server, and by the standard's vectors."""
from __future__ import absolute_import, unicode_literals

import binascii
import hashlib
import struct

from django.channels.layers import codec
from django.channels.layers.transport import scripts
from django.channels.layers.transport.cipher import Cipher
from django.channels.layers.transport.envelope import Entry, unpack_reference
from django.channels.layers.transport.inbox import Inbox
from django.channels.layers.transport.keys import Keys
from django.channels.layers.transport.resp import (
    INCOMPLETE, FastParser, Parser, ProtocolError, ReplyError, hiredis, pack,
)
from django.channels.layers.transport.server_clock import ServerClock
from django.channels.names import non_local_name, statistics_name
from django.test import SimpleTestCase

from .standards import vectors


def unhex(text):
    return binascii.unhexlify(text)


class VectorTests(SimpleTestCase):

    def setUp(self):
        self.vectors = vectors('transport.json')

    def test_channels_are_placed_and_counted_as_the_standard_says(self):
        for vector in self.vectors['placement']:
            queue = non_local_name(vector['channel'])
            self.assertEqual((queue, vector['channel'][len(queue):]), (vector['queue'], vector['client']))
            self.assertEqual(statistics_name(queue), vector['counted_as'])
            for shards, shard in vector['shard_of'].items():
                keys = Keys('p', int(shards))
                self.assertEqual(keys.shard_of(queue), shard)
                everywhere = '!' not in queue and '?' not in queue
                self.assertEqual(keys.shards_of(queue), tuple(range(int(shards))) if everywhere else (shard,))

    def test_jobs_are_placed_as_the_standard_says(self):
        for vector in self.vectors['jobs']:
            for shards, shard in vector['shard_of'].items():
                self.assertEqual(Keys('p', int(shards)).shard_of_job(vector['name']), shard)
                # One that joins changes nothing.
                self.assertEqual(Keys('p', int(shards) + 1, 1).shard_of_job(vector['name']), shard)

    def test_a_shard_that_is_added_takes_its_share_and_nothing_else_moves(self):
        queues = ['websocket.send.%x!' % (number * 7919) for number in range(20000)]
        for shards in (1, 3, 12):
            before, after = Keys('p', shards), Keys('p', shards + 1)
            moved = [queue for queue in queues if before.shard_of(queue) != after.shard_of(queue)]
            self.assertEqual({after.shard_of(queue) for queue in moved}, {shards})
            self.assertLess(abs(len(moved) * (shards + 1.0) / len(queues) - 1), 0.05)

    def test_names_that_keep_their_place(self):
        for shards, joining in ((1, 0), (2, 1), (3, 0), (4, 2)):
            keys = Keys('p', shards, joining)
            kept = [queue for queue in ('q.%d!' % number for number in range(200)) if keys.keeps_place(queue)]
            self.assertGreater(len(kept), 10)
            for queue in kept:
                shard = keys.shard_of(queue)
                self.assertLess(shard, shards - joining)
                for number in range(shards - joining, 2 * shards + 1):
                    self.assertEqual(Keys('p', number).shard_of(queue), shard)

    def test_a_shard_that_joins_is_read_and_gets_nothing_of_normal_channels(self):
        keys = Keys('p', 3, 1)
        self.assertEqual((keys.shards_of('a'), keys.shards_to('a')), ((0, 1, 2), (0, 1)))
        self.assertLess(max(keys.shard_of('a%d' % number) for number in range(100)), 2)
        self.assertEqual(max(keys.shard_of('a%d!' % number) for number in range(100)), 2)

    def test_keys_are_named_as_the_standard_says(self):
        keys = Keys(self.vectors['keys']['prefix'], 4)
        for vector in self.vectors['keys']['vectors']:
            arguments = [vector[part] for part in ('group', 'queue', 'identifier', 'token') if part in vector]
            self.assertEqual(getattr(keys, vector['kind'])(vector['shard'], *arguments), vector['key'])

    def test_entries_are_read_as_the_standard_says(self):
        for vector in self.vectors['entries']:
            entry = Entry(unhex(vector['entry']))
            self.assertEqual(entry.kind | entry.flags, vector['kind'], vector['name'])
            self.assertEqual((entry.deadline, entry.label), (vector['deadline'], vector['label']))
            if 'version' in vector:
                self.assertEqual((entry.base, entry.version), (vector['base'], vector['version']))
                self.assertEqual(list(entry.changes), vector['changes'])
            if 'json' in vector:
                self.assertEqual(codec.decode(entry.body), codec.from_json(vector['json']))
            else:
                self.assertEqual(
                    unpack_reference(entry.body), (vector['identifier'], vector['size'], vector['pieces']),
                )

    def test_scripts_are_those_of_the_standard(self):
        self.assertEqual(set(self.vectors['scripts']), {script.name for script in scripts.ALL})
        for script in scripts.ALL:
            vector = self.vectors['scripts'][script.name]
            text = ''.join(scripts.read_text(name) for name in vector['files'])
            self.assertEqual(hashlib.sha1(text.encode('utf-8')).hexdigest(), vector['sha1'], script.name)
            self.assertEqual(script.sha, vector['sha1'])

    def test_encryption_is_that_of_the_standard(self):
        vector = self.vectors['encryption']
        try:
            cipher = Cipher([vector['secret']], vector['prefix'])
        except ImportError:
            self.skipTest('cryptography is not installed')
        self.assertEqual(cipher.decrypt(unhex(vector['encrypted_body'])), unhex(vector['body']))
        context = ('%s/%d' % (vector['identifier'], vector['index'])).encode('ascii')
        self.assertEqual(cipher.decrypt(unhex(vector['encrypted_piece']), context), unhex(vector['piece']))
        again = cipher.encrypt(unhex(vector['body']))
        self.assertEqual(again[:4], unhex(vector['key_name']))
        self.assertEqual(cipher.decrypt(again), unhex(vector['body']))
        # Each time with another nonce.
        nonces = {cipher.encrypt(b'the same')[4:16] for _ in range(100)}
        self.assertEqual(len(nonces), 100)


class ParserTests(SimpleTestCase):
    #: Bytes -> the replies they hold.
    cases = [
        (
            b'+OK\r\n:5\r\n:-1\r\n$3\r\nabc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n',
            [b'OK', 5, -1, b'abc', b'', None, None, []],
        ),
        (b'*2\r\n$3\r\nkey\r\n*2\r\n$2\r\n\r\n\r\n$1\r\na\r\n:1\r\n', [[b'key', [b'\r\n', b'a']], 1]),
        (b'*2\r\n*0\r\n*1\r\n*1\r\n:1\r\n', [[[], [[1]]]]),
        (b'$70000\r\n' + b'x' * 70000 + b'\r\n+a\r\n', [b'x' * 70000, b'a']),
    ]

    def parsers(self):
        return [Parser] + ([FastParser] if hiredis is not None else [])

    def replies(self, parser):
        replies = []
        while True:
            reply = parser.next()
            if reply is INCOMPLETE:
                return replies
            replies.append(reply)

    def test_bytes_in_parts_of_any_size_are_the_same_replies(self):
        for make in self.parsers():
            for data, expected in self.cases:
                for size in (1, 2, 3, 7, 1000, len(data)):
                    if len(data) / size > 20000:
                        continue
                    parser, replies = make(), []
                    for start in range(0, len(data), size):
                        parser.feed(data[start:start + size])
                        replies += self.replies(parser)
                    self.assertEqual(replies, expected)

    def test_errors_are_replies_with_a_code(self):
        for make in self.parsers():
            parser = make()
            parser.feed(b'-NOSCRIPT No matching script.\r\n*1\r\n-ERR x\r\n')
            first, (second,) = self.replies(parser)
            self.assertEqual((first.code, str(first)), ('NOSCRIPT', 'NOSCRIPT No matching script.'))
            self.assertIsInstance(second, ReplyError)

    def test_errors_of_commands_in_scripts_are_those_of_the_commands(self):
        # As Redis before 7.0 has them. What Lua itself raises stays as it is.
        for text, code in (
            ("ERR Error running script (call to f_e3): @user_script:1: @user_script: 1: -READONLY You can't write "
             'against a read only replica.', 'READONLY'),
            ('ERR Error running script (call to f_e3): @user_script:1: WRONGTYPE Operation against', 'WRONGTYPE'),
            ('ERR Error running script (call to f_e3): @user_script:1: attempt to index a nil value', 'ERR'),
        ):
            error = ReplyError(text)
            self.assertEqual(error.code, code)
            self.assertTrue(str(error).startswith(code + ' '))

    def test_what_is_not_resp_is_refused(self):
        # Older releases of hiredis take more for a number.
        cases = [(make, b'HTTP/1.1 400 Bad Request\r\n') for make in self.parsers()]
        for make, data in cases + [(Parser, b'$x\r\n'), (Parser, b':one\r\n')]:
            parser = make()
            with self.assertRaises(ProtocolError):
                parser.feed(data)
                parser.next()

    def test_commands_are_packed(self):
        self.assertEqual(pack('GET', b'\xff', 'caf\xe9', 12, 0.25),
                         b'*5\r\n$3\r\nGET\r\n$1\r\n\xff\r\n$5\r\ncaf\xc3\xa9\r\n$2\r\n12\r\n$4\r\n0.25\r\n')


class ServerClockTests(SimpleTestCase):

    def setUp(self):
        self.now = 10000.0
        self.clock = ServerClock(lambda: self.now)

    def answer(self, server, takes):
        """Have the server say that it is `server` seconds ahead; the answer takes so many seconds."""
        asked, said = self.now, self.now + server
        self.now += takes
        self.clock.update((int(said), int(said % 1 * 1000000), b'epoch', 1, 1), asked)
        return round(self.clock.now() / 1000.0 - self.now, 3)

    def test_a_slower_answer_counts_once_the_quicker_one_is_old(self):
        self.assertEqual(self.answer(50.0, 0.001), 50)
        for _ in range(3):
            self.now += 60
            self.assertEqual(self.answer(50.1, 0.2), 50)
        self.now += 60
        self.assertEqual(self.answer(50.1, 0.2), 50.1)
        self.now += 60
        self.assertEqual(self.answer(50.05, 0.1), 50.05)

    def test_a_clock_that_was_set_is_known_by_the_first_answer(self):
        for server in (50.0, 3650.0, -3600.0, -3605.0):
            self.assertEqual(self.answer(server, 0.001 if server == 50.0 else 0.5), server)
            self.now += 1


class InboxTests(SimpleTestCase):

    def entry(self, base, version, changes=''):
        header = struct.pack(str('>BBQH'), 1, 2, 0, 1) + b'g' + struct.pack(str('>QQL'), base, version, len(changes))
        return Entry(header + changes.encode('ascii'))

    def test_lists_and_changes_are_followed(self):
        inbox = Inbox('p!', 0)
        for base, version, changes, members in [
            (0, 5, '+a +b', ('p!a', 'p!b')),
            (5, 5, '', ('p!a', 'p!b')),
            (5, 9, '-a +c -c +d', ('p!b', 'p!d')),
            (0, 12, '+x', ('p!x',)),
        ]:
            self.assertEqual(inbox.apply_changes(self.entry(base, version, changes)), members)

    def test_a_gap_is_noticed(self):
        inbox = Inbox('p!', 0)
        self.assertIsNone(inbox.apply_changes(self.entry(5, 5)))
        inbox.apply_changes(self.entry(0, 5, '+a'))
        self.assertIsNone(inbox.apply_changes(self.entry(7, 8, '+b')))

    def test_changes_that_an_answer_included_do_no_harm(self):
        inbox = Inbox('p!', 0)
        self.assertEqual(inbox.reset_members('g', 20, ['a', 'c']), ('p!a', 'p!c'))
        # Sent before the answer was given, and read after it.
        self.assertEqual(inbox.apply_changes(self.entry(5, 10, '+b')), ('p!a', 'p!c'))
        self.assertEqual(inbox.apply_changes(self.entry(0, 10, '+b')), ('p!a', 'p!c'))
        # From before the answer to after it.
        self.assertEqual(inbox.apply_changes(self.entry(10, 30, '-b +c +d')), ('p!a', 'p!c', 'p!d'))

    def test_an_empty_name_is_a_name(self):
        self.assertEqual(Inbox('p!', 0).apply_changes(self.entry(0, 1, '+ +a')), ('p!', 'p!a'))

    def test_groups_are_not_remembered_without_end(self):
        inbox = Inbox('p!', 0)
        for number in range(10000):
            inbox.reset_members('g%d' % number, 1, ['a'])
        self.assertLess(len(inbox._groups), 5000)


class Monotonic(object):

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class ClockTests(SimpleTestCase):

    def heard(self, clock, server_time, asked, epoch=b'e'):
        return clock.update([b'%d' % int(server_time), b'%d' % ((server_time % 1) * 1000000), epoch, 1, 1], asked)

    def test_the_servers_time_goes_on_by_the_own_clock(self):
        monotonic = Monotonic()
        clock = ServerClock(monotonic)
        self.assertFalse(clock.is_known())
        self.heard(clock, 5000.5, 100.0)
        monotonic.now = 107.0
        self.assertEqual(clock.now(), 5007500)

    def test_a_slow_answer_does_not_replace_a_quick_one(self):
        monotonic = Monotonic()
        clock = ServerClock(monotonic)
        self.heard(clock, 5000, 100.0)
        monotonic.now = 120.0
        # It took ten seconds, and the server's time is of some moment within.
        self.heard(clock, 5019, 110.0)
        self.assertEqual(clock.now(), 5020000)

    def test_it_is_asked_again_after_a_while(self):
        monotonic = Monotonic()
        clock = ServerClock(monotonic)
        self.assertFalse(clock.is_fresh())
        self.heard(clock, 5000, 100.0)
        self.assertTrue(clock.is_fresh())
        monotonic.now += 100
        self.assertFalse(clock.is_fresh())

    def test_the_lowest_version_that_is_read_here(self):
        clock = ServerClock(Monotonic())
        self.assertEqual(clock.lowest_version, 2)
        clock.update([b'5000', b'0', b'e', 1, 7], 100.0)
        self.assertEqual(clock.lowest_version, 7)

    def test_it_is_asked_again_soon_after_another_connection(self):
        monotonic = Monotonic()
        clock = ServerClock(monotonic)
        self.heard(clock, 5000, 100.0)
        clock.ask_soon()
        monotonic.now += 4
        self.assertFalse(clock.is_fresh())
        self.heard(clock, 5004, 104.0)
        monotonic.now += 4
        self.assertTrue(clock.is_fresh())

    def test_the_latest_mark_is_that_of_an_epoch(self):
        clock = ServerClock(Monotonic())
        clock.update([b'5000', b'0', b'one', 1, 1, b'7'], 100.0)
        clock.see_mark(b'9')
        clock.see_mark(b'8')
        clock.see_mark(None)
        self.assertEqual(clock.mark, 9)
        clock.update([b'5000', b'0', b'two', 1, 1, b'3'], 100.0)
        self.assertEqual(clock.mark, 3)

    def test_marks_of_groups_are_known_by_themselves(self):
        clock = ServerClock(Monotonic())
        clock.update([b'5000', b'0', b'one', 1, 1, b'7', b'run', 0], 100.0)
        self.assertEqual((clock.mark, clock.groups_mark, clock.run, clock.went_back), (7, 0, b'run', False))
        clock.see_mark(b'9', of_groups=True)
        clock.see_mark(b'10')
        clock.update([b'5000', b'0', b'one', 1, 1, b'11', b'next', 1], 100.0)
        self.assertEqual((clock.mark, clock.groups_mark, clock.run, clock.went_back), (11, 9, b'next', True))
        clock.update([b'5000', b'0', b'two', 1, 1, b'3', b'next', 0], 100.0)
        self.assertEqual((clock.mark, clock.groups_mark, clock.went_back), (3, 0, True))

    def test_marks_for_what_was_taken_are_not_made_too_often(self):
        monotonic = Monotonic()
        clock = ServerClock(monotonic)
        self.assertFalse(clock.is_to_mark())
        clock.took('a', [b'\1\1'])
        self.assertTrue(clock.is_to_mark())
        clock.took('a', [b'\1\1'])
        self.assertFalse(clock.is_to_mark())
        monotonic.now += 1
        self.assertTrue(clock.is_to_mark())
        self.assertFalse(clock.is_to_mark())

    def test_what_was_taken_last_is_known_until_it_would_have_expired(self):
        monotonic = Monotonic()
        clock = ServerClock(monotonic)
        self.heard(clock, 5000, 100.0)

        def entry(ms):
            return struct.pack(str('>BBQH'), 1, 1, ms, 0)
        clock.took('a', [entry(5040000), entry(5050000)])
        clock.took('b', [entry(5009000)])
        clock.took('a', [b'garbage'])
        self.assertEqual(clock.taken(), {'a': 5050000, 'b': 5009000})
        monotonic.now += 20
        self.assertEqual(clock.taken(), {'a': 5050000})
        for number in range(3000):
            clock.took('?%d' % number, [entry(5019000 + number)])
        # What has expired makes room.
        self.assertLess(len(clock._taken), 2001)
        self.assertEqual(clock.taken()['a'], 5050000)

    def test_another_epoch_says_that_all_is_lost(self):
        clock = ServerClock(Monotonic())
        self.assertFalse(self.heard(clock, 5000, 100.0, b'one'))
        self.assertFalse(self.heard(clock, 5000, 100.0, b'one'))
        self.assertTrue(self.heard(clock, 5000, 100.0, b'two'))
