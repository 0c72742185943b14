"""Tests of the Redis transport's plans, driven by hand."""
from __future__ import absolute_import, unicode_literals

import struct

from django.channels.acknowledged_options import ChannelOptions
from django.channels.exceptions import ChannelFull, LayerUnavailable
from django.channels.layers.acknowledgement import receipt_of
from django.channels.layers.presence import WORKER, this_process
from django.channels.layers.transport import scripts
from django.channels.layers.transport.envelope import Entry
from django.channels.layers.transport.keyspace import Walk, pattern_of, share
from django.channels.layers.transport.operations import Block, Result, flatten
from django.channels.layers.transport.options import Options
from django.channels.layers.transport.plans import Transport
from django.channels.layers.transport.resp import ReplyError, pack
from django.test import SimpleTestCase

from .redis_case import Records
from .test_layers_transport import Monotonic


class PlanTests(SimpleTestCase):
    """Plans driven by hand, with a server that is a list of replies."""

    def setUp(self):
        self.monotonic = Monotonic()
        self.lost = []

    def make_transport(self, shards=1, **options):
        options = Options('t:', shards, 60, 3600, lambda name: 10, lambda name: 100, **options)
        transport = Transport(options, self.monotonic, self.lost.append)
        for shard in range(shards):
            replies = [b'sha'] * len(scripts.LOAD) + [[b'5000', b'0', b'e', 1, 1]]
            transport.greeted(shard, replies, self.monotonic.now)
        return transport

    def run_plan(self, plan, *answers):
        """Return (requests, Result's value or exception)."""
        requests, answers, plan = [], list(answers), flatten(plan)
        try:
            request = next(plan)
            while not isinstance(request, Result):
                requests.append(request)
                answer = answers.pop(0)
                request = plan.throw(answer) if isinstance(answer, Exception) else plan.send(answer)
        except Exception as error:
            return requests, error
        self.assertEqual(answers, [])
        return requests, request.value

    def away(self, sent):
        error = LayerUnavailable('away')
        error.sent = sent
        return error

    def test_a_shard_that_keeps_silent_puts_off_no_sign_of_life_on_the_others(self):
        transport, process = self.make_transport(shards=4), this_process(WORKER, '1')
        away, listed, new = self.away(False), [1], [0]

        def announce(*answers):
            requests, gone = self.run_plan(transport.presence.announce(process, {}), *answers)
            return [[shard for shard, commands in request.requests] for request in requests], gone

        self.assertEqual(announce([new] * 4), ([[0, 1, 2, 3]], []))
        # Each may take ten seconds, and not two of them one after the other.
        self.assertEqual(announce([listed, away, listed, away]), ([[0, 1, 2, 3]], []))
        self.assertEqual(announce([listed, listed], [away]), ([[0, 2], [1]], []))
        self.assertEqual(announce([listed, listed], [away]), ([[0, 2], [3]], []))
        self.assertEqual(announce([listed, away], ), ([[0, 2]], []))
        # Who looks does without them.
        look, _ = self.run_plan(transport.presence.processes(None), [[[b'5000', b'0'], []]])
        self.assertEqual([shard for shard, commands in look[0].requests], [0])
        # All that are back are told at once.
        self.assertEqual(announce([listed], [new], [listed], [listed]), ([[0], [1], [3], [2]], [1]))
        self.assertEqual(announce([listed] * 4), ([[0, 1, 2, 3]], []))
        self.assertEqual(announce([away] * 4), ([[0, 1, 2, 3]], away))
        self.assertEqual(announce([away]), ([[0]], away))
        self.assertEqual(announce([listed], [away]), ([[1], [2]], []))

    def test_a_shard_that_forgot_a_process_is_asked_soon_what_else_it_has_lost(self):
        transport, process = self.make_transport(shards=2), this_process(WORKER, '1')
        self.run_plan(transport.presence.announce(process, {}), [[0], [0]])
        self.monotonic.now += 5
        self.assertEqual([clock.is_fresh() for clock in transport.clocks], [True, True])
        self.run_plan(transport.presence.announce(process, {}), [[1], [0]])
        self.assertEqual([clock.is_fresh() for clock in transport.clocks], [True, False])

    def entry(self, label='', deadline=5060000, body=b'\x80', kind=1):
        return struct.pack(str('>BBQH'), 1, kind, deadline, len(label)) + label.encode('ascii') + body

    def test_a_send_is_one_request(self):
        plan = self.make_transport().sender.send('p!a', {})
        requests, value = self.run_plan(plan, [1])
        [(shard, (command,))] = requests
        self.assertEqual(shard, 0)
        self.assertTrue(command.endswith(b'$14\r\n' + self.entry('a') + b'\r\n'), command)
        self.assertIsNone(value)

    def test_a_normal_channel_goes_to_another_shard_when_one_is_full_or_away(self):
        sender = self.make_transport(shards=3).sender
        requests, value = self.run_plan(sender.send('a', {}), [0], self.away(False), [1])
        self.assertEqual(sorted(shard for shard, commands in requests), [0, 1, 2])
        requests, value = self.run_plan(sender.send('a', {}), [0], [0], [0])
        self.assertIsInstance(value, ChannelFull)

    def test_a_walk_over_the_keys_ends_with_its_time_and_tells_of_each_once(self):
        walk = Walk(0, pattern_of('t:*'), self.monotonic, self.monotonic.now + 1)
        requests, found = self.run_plan(walk.page(), [[b'17', [b'b', b'a']]], [[b'0', [b'c', b'a']]])
        self.assertEqual((found, walk.is_complete, walk.is_over), ([b'a', b'b', b'c'], True, True))
        self.assertIn(b't:\\**', requests[0].commands[0])
        walk = Walk(0, pattern_of('t:'), self.monotonic, self.monotonic.now + 1)
        plan = walk.page()
        next(plan)
        self.monotonic.now += 1
        self.assertEqual(plan.send([[b'17', [b'a']]]).value, [b'a'])
        self.assertEqual((walk.is_complete, walk.is_over), (False, True))
        self.assertTrue(Walk(0, pattern_of('t:'), self.monotonic, self.monotonic.now).is_over)

    def test_the_time_is_for_all_shards(self):
        self.assertIsNone(share(None, 100.0, 3))
        self.assertEqual([share(103.0, 100.0, 3), share(103.0, 102.0, 2)], [101.0, 102.5])
        self.assertEqual(share(103.0, 104.0, 1), 104.0)

    def test_so_does_a_large_message_and_a_batch(self):
        sender = self.make_transport(shards=2).sender
        room = [0, None, [b'5000', b'0']]
        requests, value = self.run_plan(
            sender.send('a', {'body': b'x' * (1 << 20)}), self.away(False), [0], room, [1, 1], [1, 1], [1, 1],
        )
        self.assertIsNone(value)
        requests, value = self.run_plan(sender.send_many([('a', {}), ('a', {})]), [self.away(False)], [[2]])
        self.assertEqual(value, [])
        self.assertEqual({shard for request in requests for shard, commands in request.requests}, {0, 1})
        requests, value = self.run_plan(sender.send_many([('a', {})]), [self.away(True)])
        self.assertIsInstance(value, LayerUnavailable)

    def test_what_may_have_arrived_is_not_sent_twice(self):
        sender = self.make_transport(shards=3).sender
        requests, value = self.run_plan(sender.send('a', {}), self.away(True))
        self.assertIsInstance(value, LayerUnavailable)

    def test_a_batch_tells_what_surely_was_not_sent(self):
        transport = self.make_transport(shards=2)
        by_shard = {}
        for number in range(20):
            name = 'p.%d!a' % number
            by_shard[transport.options.keys.shard_of(name.rstrip('a'))] = (name, {'n': number})
        pairs = [by_shard[0], by_shard[1]]
        for sent, refused in ((False, [pairs[1]]), (True, [])):
            requests, error = self.run_plan(transport.sender.send_many(pairs), [[1], self.away(sent)])
            self.assertEqual([shard for shard, commands in requests[0].requests], [0, 1])
            self.assertIsInstance(error, LayerUnavailable)
            self.assertEqual(error.refused, refused)

    def test_what_may_have_gone_back_is_not_kept(self):
        requeue = self.make_transport().sender.requeue
        messages = [{'n': 0}, {'n': 1}]
        for answer, kept in (
            ([None], []), ([ReplyError('OOM no memory')], messages), (self.away(False), messages),
        ):
            self.assertEqual(self.run_plan(requeue('a', messages), answer)[1], kept)
        requests, error = self.run_plan(requeue('a', messages), self.away(True))
        self.assertIsInstance(error, LayerUnavailable)
        self.assertEqual(error.refused, [])

    def test_an_error_of_the_server_is_told(self):
        requests, value = self.run_plan(
            self.make_transport().sender.send('a', {}), [ReplyError('OOM command not allowed')],
        )
        self.assertIn('OOM command not allowed', str(value))

    def test_a_reader_waits_in_one_request_and_takes_what_comes(self):
        reader = self.make_transport().reader(['a'])
        requests, value = self.run_plan(reader.receive(1, 5, 'token'), [(0, [[b't:{0}:q:a', [self.entry()]]])])
        [wait] = requests
        self.assertIsInstance(wait, Block)
        [(shard, (command,))] = wait.requests
        self.assertTrue(command.startswith(b'*8\r\n$6\r\nBLMPOP\r\n$1\r\n5\r\n$1\r\n2\r\n$13\r\nt:{0}:w:token\r\n'))
        self.assertEqual(value, [(('a',), {})])

    def test_what_was_taken_is_held_under_the_name_that_took_it(self):
        transport = self.make_transport(get_acknowledged=lambda name: ChannelOptions(100, None, 3, 10))
        clock, record = transport.clocks[0], struct.pack(str('>HBQH'), 0, 128, 0, 0) + self.entry()
        for timeout in (0, 5):
            plan = flatten(transport.reader(['a'], held={'a'}, holder='w').receive(1, timeout))
            request, name = next(plan), b'w~%d' % clock.generation
            commands = request.requests[0][1] if timeout else request.commands
            self.assertIn(name, commands[-2] if timeout else commands[-1])
            # Somebody else on the server finds out meanwhile that it has lost something.
            clock.update([b'5000', b'0', b'e%d' % timeout, 1, 1], self.monotonic.now)
            answer = [b'', b'a', [b'i:0', record]]
            result = plan.send([(0, [answer, None])] if timeout else [answer])
            [(_, message)] = result.value
            self.assertEqual(receipt_of(message).holder, name.decode('ascii'))

    def test_what_has_expired_is_skipped(self):
        reader = self.make_transport().reader(['a'])
        taken = [[b't:{0}:q:a', [self.entry(deadline=4999999)]]]
        requests, value = self.run_plan(reader.receive(1), taken, [None])
        self.assertEqual((len(requests), value), (2, []))
        # The count goes along with the next command.
        self.assertEqual(requests[1][1][0], pack('HINCRBY', 't:{0}:statistics', 'expired:a', 1))
        self.monotonic.now += 61
        reader = self.make_transport().reader(['a'])
        self.assertEqual(self.run_plan(reader.receive(1), [[b't:{0}:q:a', [self.entry()]]])[1], [(('a',), {})])

    def test_what_cannot_be_read_is_logged_once_a_minute_and_all_of_it_counted(self):
        reader, counted = self.make_transport().reader(['a']), 0
        with Records() as records:
            for seconds in (0, 30, 31):
                self.monotonic.now += seconds
                # The clock is asked for once a minute.
                asked = [[[b'5000', b'0', b'e', 1, 1]]] if seconds == 31 else []
                garbage = [[b't:{0}:q:a', [b'garbage'] * 3]]
                requests, value = self.run_plan(reader.receive(9), *asked + [garbage, [1, None]])
                counted += b'malformed:a\r\n$1\r\n3' in requests[-1][1][0]
        self.assertEqual(counted, 3)
        first, second = records.lines
        self.assertIn('A message for a was dropped', first)
        self.assertNotIn('more since', first)
        self.assertIn('(5 more since the last such line)', second)

    def test_a_report_that_may_be_lost_makes_counts_start_anew(self):
        reader = self.make_transport().reader(['p!'])
        self.run_plan(reader.receive(10), [[b't:{0}:q:p!', [self.entry('a'), self.entry('a')]]])
        requests, value = self.run_plan(reader.receive(10, 5, 't'), [(0, self.away(True))])
        self.assertIn(b'$1\r\na\r\n$1\r\n2\r\n', requests[0].requests[0][1][0])
        self.assertEqual(value, [])
        requests, value = self.run_plan(reader.receive(10, 5, 't'), [(0, [1, None])])
        self.assertEqual(requests[0].requests[0][1][0], pack('DEL', 't:{0}:p:p!'))

    def test_members_are_asked_for_when_the_list_is_missing(self):
        reader = self.make_transport().reader(['p!'])
        entry = self.entry('g', kind=2, body=struct.pack(str('>QQL'), 7, 7, 0) + b'\x80')
        taken = [[b't:{0}:q:p!', [entry, entry]]]
        requests, value = self.run_plan(reader.receive(10), taken, [[b'p!', b'9', [b'b', b'a']]])
        self.assertEqual(value, [(('p!a', 'p!b'), {})] * 2)
        self.assertEqual(len(requests), 2)

    def test_a_message_whose_members_can_not_be_asked_for_is_lost_and_counted(self):
        reader = self.make_transport().reader(['p!'])
        entry = self.entry('g', kind=2, body=struct.pack(str('>QQL'), 7, 7, 0) + b'\x80')
        taken = [[b't:{0}:q:p!', [entry, self.entry('c')]]]
        with Records() as records:
            requests, value = self.run_plan(reader.receive(10), taken, self.away(True))
        self.assertEqual(value, [(('p!c',), {})])
        self.assertEqual(len(records.lines), 1)
        # The next command is not alone in its write.
        requests, value = self.run_plan(reader.receive(10), [None] * 4)
        self.assertIn(pack('HINCRBY', 't:{0}:statistics', 'lost:p!', 1), requests[0].commands)

    def test_members_get_a_message_one_by_one_and_in_time(self):
        reader = self.make_transport().reader(['p!'])
        group = self.entry('g', kind=2, body=struct.pack(str('>QQL'), 0, 7, 8) + b'+a +b +c\x81\xa1l\x90')
        taken = [[b't:{0}:q:p!', [group, self.entry('a')]]]
        requests, value = self.run_plan(reader.receive(1, one_by_one=True), taken)
        self.assertEqual(value, [(('p!a',), {'l': []})])
        value[0][1]['l'].append('mine')
        requests, value = self.run_plan(reader.receive(1, one_by_one=True))
        self.assertEqual(value, [(('p!b',), {'l': []})])
        # What is in the hands of the process expires, too.
        self.monotonic.now += 61
        requests, value = self.run_plan(reader.receive(1, one_by_one=True), [[b'5061', b'0', b'e', 1, 1]], [1, None])
        self.assertEqual(value, [])

    def test_two_shards_that_answer_at_once_lose_nothing(self):
        reader = self.make_transport(shards=2).reader(['a'])
        answer = [(shard, [[b't:{%d}:q:a' % shard, [self.entry(body=b'\x81\xa1n' + b'01'[shard:shard + 1])]]])
                  for shard in (0, 1)]
        requests, value = self.run_plan(reader.receive(1, 5, 't'), [None], [None], answer, [None])
        self.assertEqual(value, [(('a',), {'n': 48})])
        shard, (command,) = requests[-1]
        self.assertEqual(shard, 1)
        self.assertIn(scripts.REQUEUE.sha.encode('ascii'), command)

    def test_a_wake_up_that_came_too_late_is_taken_back(self):
        reader = self.make_transport().reader(['a'])
        plan = flatten(reader.receive(1, 5, 't'))
        wait = next(plan)
        wait.woken.add(0)
        request = plan.send([(0, [[b't:{0}:q:a', [self.entry()]]])])
        self.assertEqual(request, (0, (pack('DEL', 't:{0}:w:t'),)))
        self.assertEqual(plan.send([1]).value, [(('a',), {})])

    def test_a_message_in_flight_is_not_lost_when_another_shard_goes(self):
        for broken in (self.away(True), [ReplyError('LOADING for long')]):
            reader = self.make_transport(shards=2).reader(['a'])
            answer = [(shard, [[b't:{%d}:q:a' % shard, [self.entry()]]]) for shard in (0, 1)]
            # The second message can't be given back.
            requests, value = self.run_plan(reader.receive(1, 5, 't'), [None], [None], answer, broken)
            self.assertEqual(value, [(('a',), {})])
            plan = flatten(reader.receive(1, 5, 't'))
            requests = [next(plan), plan.send([None] * 2)]
            self.assertIn('lost:a', str(requests))
            # The wake-up can't be taken back.
            wait = plan.send([None] * 2)
            wait.woken.add(1)
            plan.send([(0, [[b't:{0}:q:a', [self.entry()]]]), (1, [None])])
            done = plan.throw(broken) if isinstance(broken, Exception) else plan.send(broken)
            self.assertEqual(done.value, [(('a',), {})])

    def test_a_shard_that_answers_with_errors_hides_no_other(self):
        reader = self.make_transport(shards=2).reader(['a'])
        error = ReplyError('MISCONF the disk is full')
        requests, value = self.run_plan(reader.receive(1), [error], [[b't:{%d}:q:a' % 0, [self.entry()]]])
        self.assertEqual(value, [(('a',), {})])
        requests, value = self.run_plan(reader.receive(1), [error], [error])
        self.assertIsInstance(value, LayerUnavailable)

    def test_losing_the_state_is_told_to_the_driver(self):
        transport = self.make_transport()
        self.assertEqual(self.lost, [])
        transport.greeted(0, [b'sha', [b'5000', b'0', b'other', 1, 1]], 100.0)
        self.assertEqual(self.lost, [0])

    def test_members_are_forgotten_with_the_state(self):
        transport = self.make_transport()
        inbox = transport.inbox('p!')
        entry = Entry(b'\1\2' + b'\0' * 8 + b'\0\1g' + b'\0' * 14 + b'\5\0' + b'\0\0\0\2+a')
        self.assertEqual(inbox.apply_changes(entry), ('p!a',))
        # The server has come back with an older list, and nobody's clock is wrong.
        transport.greeted(0, [b'sha', [b'5000', b'0', b'other', 1, 1]], 100.0)
        entry.base, entry.version, entry.changes = 0, 7, ['+b']
        self.assertEqual(inbox.apply_changes(entry), ('p!b',))

    def test_parts_of_a_plan_give_answers_and_raise(self):
        def part(fail):
            answer = yield 'request'
            if fail:
                raise ValueError(answer)
            yield Result(answer + 1)

        def whole():
            first = yield part(False)
            try:
                yield part(True)
            except ValueError as error:
                yield Result((first, error.args))
        self.assertEqual(self.run_plan(flatten(whole()), 1, 2), (['request', 'request'], (2, (2,))))
