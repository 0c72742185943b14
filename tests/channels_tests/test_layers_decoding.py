"""Tests of what a reader makes of entries, by the standard's vectors."""
from __future__ import absolute_import, unicode_literals

import binascii
import random
import types

from django.channels.layers import codec
from django.channels.layers.transport.operations import Result, flatten
from django.channels.layers.transport.options import Options
from django.channels.layers.transport.plans import Transport
from django.test import SimpleTestCase

from .logs import LogTestCase
from .standards import vectors


def unhex(text):
    return binascii.unhexlify(text)


class DecodingTestCase(LogTestCase, SimpleTestCase):
    """Decodes entries at a moment before the deadlines of the vectors."""
    prefix = 'channels:'

    def setUp(self):
        super(DecodingTestCase, self).setUp()
        self.vectors = vectors('transport.json')
        self.transport = self.make_transport()

    def make_transport(self, secrets=None, prefix='channels:', ms=1479999999000, unbound=None):
        options = Options(prefix, 4, 60, 86400, lambda queue: 100, lambda queue: 10000, secrets, unbound)
        transport = Transport(options, monotonic=lambda: 100.0)
        for clock in transport.clocks:
            clock.update([b'%d' % (ms // 1000), b'%d' % (ms % 1000 * 1000), b'epoch', 1, 1], 100.0)
        return transport

    #: What Redis says of the members of a group.
    members = [b'p!', b'5', [b'a']]

    def decode(self, data, queue='p!', transport=None, shard=0, pieces=()):
        """
        Return (channels, message), or the name of the counter that it is
        dropped under. `pieces` are what a reference leads to.
        """
        self.pieces = iter(pieces)
        transport = transport or self.transport
        inbox = transport.inbox(queue) if queue.endswith('!') else None
        delivery = transport.decoder.decode(shard, queue, data, inbox)
        if isinstance(delivery, types.GeneratorType):
            delivery = self.carry_out(delivery)
        if delivery is not None:
            return delivery[1:]
        counted = transport.pop_unwritten(shard)
        if not counted:
            return 'nobody'
        return counted[0].split(b'\r\n')[6].decode('ascii').partition(':')[0]

    def carry_out(self, plan):
        plan = flatten(plan)
        request = next(plan)
        while not isinstance(request, Result):
            is_script = b'EVALSHA' in request[1][0]
            request = plan.send([self.members if is_script else next(self.pieces, None)])
        return request.value


class EntryVectorTests(DecodingTestCase):

    def test_good_entries_are_delivered(self):
        for vector in self.vectors['entries']:
            if 'json' in vector and not vector.get('base'):
                queue = vector.get('queue') or ('p!' if vector['label'] else 'n')
                labels = [''] if vector['kind'] == 3 else [vector['label']]
                if 'changes' in vector:
                    labels = [change[1:] for change in vector['changes']]
                expected = tuple(queue + label for label in labels), codec.from_json(vector['json'])
                transport = self.make_transport()
                outcome = self.decode(unhex(vector['entry']), queue, transport)
                self.assertEqual(outcome, expected, vector['name'])

    def test_malformed_entries_are_counted_as_such(self):
        for vector in self.vectors['malformed_entries']:
            outcome = self.decode(unhex(vector['entry']), vector.get('queue', 'p!'))
            self.assertEqual(outcome, 'malformed', vector['name'])
        self.assertLogged('A message for p! was dropped: ')

    def test_entries_of_later_versions_have_a_counter_and_a_line_of_their_own(self):
        for vector in self.vectors['unsupported_entries']:
            self.assertEqual(self.decode(unhex(vector['entry'])), 'unsupported', vector['name'])
        self.assertLogged('Is a newer release among the senders?')

    def test_no_bytes_make_a_reader_fail(self):
        draw = random.Random(20)
        entries = [
            unhex(vector['entry'])
            for kind in ('entries', 'malformed_entries', 'unsupported_entries') for vector in self.vectors[kind]
        ]
        for number in range(3000):
            data = bytearray(draw.choice(entries))
            for _ in range(draw.randrange(1, 4)):
                where = draw.randrange(len(data) + 1)
                new = bytearray(draw.randrange(256) for _ in range(draw.randrange(3)))
                data[where:where + draw.randrange(3)] = new
            self.decode(bytes(data), draw.choice(['p!', 'n', 'x?y']))

    def test_entries_expire_at_their_deadline_and_are_not_looked_into_then(self):
        for vector in self.vectors['expiry']:
            outcome = self.decode(unhex(vector['entry']), vector['queue'], self.make_transport(ms=vector['now']))
            if vector['outcome'] == 'delivered':
                outcome = 'delivered' if outcome == (('n',), {'text': 'hi'}) else outcome
            self.assertEqual(outcome, vector['outcome'], vector['name'])


class EncryptedEntryTests(DecodingTestCase):

    def setUp(self):
        super(EncryptedEntryTests, self).setUp()
        try:
            self.make_transport(['secret'])
        except ImportError:
            self.skipTest('cryptography is not installed')

    def test_encrypted_entries_are_read_where_they_were_sent_and_nowhere_else(self):
        for vector in self.vectors['encrypted_entries']:
            transport = self.make_transport(
                vector['secrets'], vector['prefix'], vector['now'], vector.get('unbound'),
            )
            outcome = self.decode(
                unhex(vector['entry']), vector['queue'], transport, vector['shard'],
                [unhex(piece) for piece in vector.get('pieces', ())],
            )
            expected = vector.get('counted')
            if expected is None:
                expected = tuple(vector['channels']), codec.from_json(vector['json'])
            self.assertEqual(outcome, expected, vector['name'])

    def test_no_bytes_of_an_encrypted_entry_make_a_reader_fail(self):
        draw = random.Random(21)
        transport = self.make_transport(['secret'])
        entries = [unhex(vector['entry']) for vector in self.vectors['encrypted_entries']]
        for number in range(1000):
            data = bytearray(draw.choice(entries))
            where = draw.randrange(len(data) + 1)
            data[where:where + draw.randrange(20)] = bytearray(draw.randrange(256) for _ in range(draw.randrange(3)))
            self.decode(bytes(data), draw.choice(['p!', 'n']), transport, pieces=[b'', b'x' * 40])


class ExchangeTests(DecodingTestCase):

    def test_the_examples_say_what_the_standard_says_they_do(self):
        transport = self.make_transport()
        for vector in vectors('exchanges.json')['entries']:
            if 'group' in vector:
                channels = tuple('websocket.send.5f2c8e01a4d7b3960ce2!' + client for client in '34')
            else:
                channels = (vector['channel'],)
            queue, mark, client = channels[0].partition('!')
            outcome = self.decode(unhex(vector['entry']), queue + mark, transport=transport)
            self.assertEqual(outcome, (channels, codec.from_json(vector['json'])))
