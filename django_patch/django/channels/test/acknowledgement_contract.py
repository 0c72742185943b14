"""
The contract of layers with acknowledged channels, as tests.
"""
from __future__ import absolute_import, unicode_literals

import time

from ..layers import acknowledgement
from ..layers.acknowledgement import ChannelOptions, receipt_of
from .job_contract import JobContract


class AcknowledgementContract(JobContract):
    """
    Part of ChannelLayerContract: what `supports_acknowledgement` promises.

    make_layer() takes the option `acknowledged`. That what a dead process
    held is received again needs several processes, and isn't tested here.
    Where a channel is a queue on each of several servers, `has_one_queue` is
    False.
    """
    has_one_queue = True

    def holding_layer(self, **options):
        """Return a layer that holds what it receives on contract.job and its like, or skip the test."""
        options.setdefault('acknowledged', {'contract.job*': {'deliveries': 3}})
        try:
            layer = self.make_layer(**options)
        except TypeError:
            self.skipTest('the layer has no acknowledged channels')
        if not getattr(layer, 'supports_acknowledgement', False):
            self.skipTest('the layer has no acknowledged channels')
        layer.hold_as('contract')
        return layer

    def held(self, layer, *channels):
        """Return the messages that wait, all of them held now."""
        return [message for channel, message in self.receive_all(layer, *channels or ('contract.job',))]

    def test_a_message_is_held_until_it_is_acknowledged(self):
        layer = self.holding_layer()
        layer.send('contract.job', {'n': 1})
        message, = self.held(layer)
        self.assertEqual(message, {'n': 1})
        receipt = receipt_of(message)
        self.assertEqual((receipt.channel, receipt.attempt), ('contract.job', 1))
        self.assertEqual(layer.acknowledged_statistics()['contract.job']['held'], 1)
        self.assertEqual(layer.acknowledge([(receipt, [])]), [])
        self.assertEqual(layer.acknowledged_statistics()['contract.job']['held'], 0)
        self.assertEqual(self.held(layer), [])

    def test_acknowledging_twice_does_nothing(self):
        layer = self.holding_layer()
        layer.send('contract.job', {'n': 1})
        receipt = receipt_of(self.held(layer)[0])
        layer.acknowledge([(receipt, [])])
        layer.send('contract.other', {})
        self.assertEqual(
            layer.acknowledge([(receipt, [('contract.out', {'n': 2})])]), [(receipt, acknowledgement.GONE)]
        )
        self.assertEqual(self.receive_all(layer, 'contract.out'), [])

    def test_acknowledging_while_receiving(self):
        layer, failed = self.holding_layer(), []
        layer.send('contract.job', {'n': 1})
        receipt = receipt_of(self.held(layer)[0])
        layer.send('contract.job', {'n': 2})
        for channel in ('contract.out', 'contract.dropped'):
            came = layer.acknowledge_and_receive(
                [(receipt, [(channel, {'n': 3})])], failed.append, ['contract.job'], 5, 0)
            self.assertEqual(came, [('contract.job', {'n': 2})] if len(failed) == 1 else [])
        self.assertEqual(failed, [[], [(receipt, acknowledgement.GONE)]])
        self.assertEqual(self.receive_all(layer, 'contract.out', 'contract.dropped'), [('contract.out', {'n': 3})])
        self.assertEqual(layer.acknowledged_statistics()['contract.job']['held'], 1)

    def test_what_comes_of_a_message_is_sent_with_its_acknowledgement(self):
        layer = self.holding_layer()
        layer.send('contract.job', {'n': 1})
        receipt = receipt_of(self.held(layer)[0])
        sent = [('contract.out', {'n': 2}), ('contract.p!c', {'n': 3}), ('contract.job.next', {'n': 4})]
        self.assertEqual(layer.acknowledge([(receipt, sent)]), [])
        self.assertEqual(self.receive_all(layer, 'contract.out'), sent[:1])
        self.assertEqual(self.receive_all(layer, 'contract.p!'), sent[1:2])
        self.assertEqual(self.held(layer, 'contract.job.next'), [{'n': 4}])

    def test_what_finds_a_channel_full_keeps_its_message_held(self):
        layer = self.holding_layer(capacity=1)
        self.fill(layer, 'contract.out')
        for number in range(2):
            layer.send('contract.job', {'n': number})
        first, second = [receipt_of(message) for message in self.held(layer)]
        (receipt, reason), = layer.acknowledge([(first, [('contract.out', {'n': 2})]), (second, [])])
        self.assertEqual(receipt, first)
        self.assertIsInstance(reason, layer.ChannelFull)
        self.assertEqual(layer.acknowledged_statistics()['contract.job']['held'], 1)
        self.receive_all(layer, 'contract.out')
        self.assertEqual(layer.acknowledge([(first, [('contract.out', {'n': 2})])]), [])

    def test_without_a_name_receiving_acknowledges(self):
        layer = self.holding_layer()
        layer.hold_as(None)
        layer.send('contract.job', {'n': 1})
        message, = self.held(layer)
        self.assertIsNone(receipt_of(message))
        self.assertEqual(layer.acknowledged_statistics()['contract.job']['held'], 0)

    def test_a_released_message_is_received_before_the_others_and_its_delivery_does_not_count(self):
        layer = self.holding_layer()
        for number in range(3):
            layer.send('contract.job', {'n': number})
        first = self.receive(layer, 'contract.job')[1]
        self.assertEqual(layer.requeue([('contract.job', first)]), [])
        again = self.held(layer)
        self.assertEqual({message['n'] for message in again}, {0, 1, 2})
        self.assertEqual({receipt_of(message).attempt for message in again}, {1})

    def test_retries_are_counted_until_the_message_is_dead(self):
        layer = self.holding_layer()
        layer.send('contract.job', {'n': 1})
        for attempt in (1, 2, 3):
            receipt = receipt_of(self.held(layer)[0])
            self.assertEqual(receipt.attempt, attempt)
            said = layer.postpone(
                receipt, acknowledgement.RETRY, story=acknowledgement.story_of(error='no %d' % attempt)
            )
            self.assertEqual(said, acknowledgement.DEAD if attempt == 3 else acknowledgement.RETRIED)
            # It shows while the message waits for its next attempt.
            self.assertEqual(
                [job.story for job in layer.jobs('contract.job')],
                [{'error': 'no %d' % attempt}] if attempt < 3 else [],
            )
        letter, = layer.dead_letters('contract.job')
        self.assertEqual((letter.message, letter.attempts, letter.story), ({'n': 1}, 3, {'error': 'no 3'}))
        self.assertLess(abs(letter.died - time.time()), 60)
        numbers = layer.acknowledged_statistics()['contract.job']
        self.assertEqual((numbers['retried'], numbers['dead'], numbers['dead_letters']), (2, 1, 1))
        self.assertEqual(self.held(layer), [])

    def test_a_limit_of_the_consumer_counts_before_that_of_the_channel(self):
        layer = self.holding_layer()
        layer.send('contract.job', {'n': 1})
        receipt = receipt_of(self.held(layer)[0])
        self.assertEqual(layer.postpone(receipt, acknowledgement.RETRY, deliveries=1), acknowledgement.DEAD)
        self.assertEqual(layer.postpone(receipt, acknowledgement.RETRY), acknowledgement.GONE)

    def test_a_postponed_message_comes_when_it_is_due(self):
        layer = self.holding_layer()
        layer.send('contract.job', {'n': 1})
        receipt = receipt_of(self.held(layer)[0])
        self.assertEqual(layer.postpone(receipt, acknowledgement.LATER, 0.5), acknowledgement.DEFERRED)
        self.assertEqual(self.held(layer), [])
        self.assertEqual(layer.acknowledged_statistics()['contract.job']['later'], 1)
        self.assertEqual(layer.jobs('contract.job')[0].story, {})
        self.pass_time(0.6)
        self.assertEqual(receipt_of(self.held(layer)[0]).attempt, 2)

    def test_dead_letters_are_replayed_and_deleted(self):
        layer = self.holding_layer()
        for number in range(4):
            layer.send('contract.job', {'n': number})
        for message in self.held(layer):
            layer.postpone(receipt_of(message), acknowledgement.BURY)
        letters = {letter.message['n']: letter.id for letter in layer.dead_letters('contract.job')}
        self.assertEqual(sorted(letters), [0, 1, 2, 3])
        self.assertEqual(len(layer.dead_letters('contract.job', limit=2, offset=1)), 2)
        for id, number in ((letters[2], 2), ('nonsense', None)):
            found = layer.dead_letters('contract.job', id=id)
            self.assertEqual([letter.message['n'] for letter in found], [] if number is None else [number])
        self.assertEqual(layer.replay('contract.job', [letters[1], 'nonsense']), 1)
        message, = self.held(layer)
        self.assertEqual((message, receipt_of(message).attempt), ({'n': 1}, 1))
        self.assertEqual(layer.delete_dead_letters('contract.job', [letters[0], letters[1]]), 1)
        self.assertEqual(len(layer.dead_letters('contract.job')), 2)

    def test_lists_have_a_limit_above_zero(self):
        layer = self.holding_layer()
        layer.send_job('contract.job', {})
        for limit in (0, -1, 1.5, '1', None, True):
            for method in (layer.jobs, layer.dead_letters):
                with self.assertRaises(ValueError):
                    method('contract.job', limit)
            if limit != 0:
                with self.assertRaises(ValueError):
                    layer.dead_letters('contract.job', offset=limit)

    def test_dead_letters_are_bounded_and_the_oldest_go_first(self):
        layer = self.holding_layer(acknowledged={'contract.job': {'dead_letters': 2}})
        for number in range(3):
            layer.send('contract.job', {'n': number})
        for message in sorted(self.held(layer), key=lambda message: message['n']):
            layer.postpone(receipt_of(message), acknowledgement.BURY)
            self.pass_time(0.01)
        left = layer.dead_letters('contract.job')
        if self.has_one_queue:
            self.assertEqual([letter.message['n'] for letter in left], [1, 2])
            self.assertEqual(layer.acknowledged_statistics()['contract.job']['dead_dropped'], 1)

    def test_nothing_expires_unless_asked(self):
        layer = self.holding_layer(expiry=1, acknowledged={'contract.job': {}, 'contract.job.short': {'lifetime': 1}})
        layer.send('contract.job', {'n': 1})
        layer.send('contract.job', {'large': 'x' * 3000000})
        layer.send('contract.job.short', {'n': 2})
        self.pass_time(1.2)
        self.assertEqual(len(self.held(layer)), 2)
        self.assertEqual(self.held(layer, 'contract.job.short'), [])
        self.assertEqual(layer.acknowledged_statistics()['contract.job.short']['expired'], 1)

    def test_large_messages_are_there_again_after_a_retry(self):
        layer = self.holding_layer()
        for size in (200000, 3000000):
            layer.send('contract.job', {'large': 'x' * size})
            for attempt in (1, 2):
                message = self.held(layer)[0]
                self.assertEqual(len(message['large']), size)
                if attempt == 1:
                    layer.postpone(receipt_of(message), acknowledgement.RETRY)
            layer.acknowledge([(receipt_of(message), [])])

    def test_the_capacity_is_the_channels_own(self):
        layer = self.holding_layer(capacity=1, acknowledged={'contract.job': {'capacity': 3}})
        self.assertGreaterEqual(self.fill(layer, 'contract.job'), 3)
        self.assertGreaterEqual(layer.acknowledged_statistics()['contract.job']['full'], 1)

    def test_a_declared_channel_is_acknowledged(self):
        layer = self.holding_layer(acknowledged=())
        layer.declare({'contract.declared': ChannelOptions(deliveries=1)})
        layer.send('contract.declared', {'n': 1})
        message, = self.held(layer, 'contract.declared')
        self.assertEqual(layer.postpone(receipt_of(message), acknowledgement.RETRY), acknowledgement.DEAD)

    def test_others_get_their_turn_while_an_acknowledged_channel_is_busy(self):
        layer = self.holding_layer()
        for number in range(50):
            layer.send('contract.job', {'n': number})
        layer.send('contract.quiet', {})
        came = [layer.receive(['contract.job', 'contract.quiet'], block=True)[0] for _ in range(40)]
        self.assertIn('contract.quiet', came)

    def test_a_members_messages_from_a_group_are_held(self):
        layer = self.holding_layer()
        layer.group_add('contract', 'contract.job')
        layer.send('contract.job', {'n': 0})
        layer.send_group('contract', {'n': 1})
        messages = self.held(layer)
        self.assertEqual(sorted(message['n'] for message in messages), [0, 1])
        self.assertTrue(all(receipt_of(message) for message in messages))

    def test_a_large_message_to_a_group_is_held_by_each_of_its_channels(self):
        layer = self.holding_layer()
        for channel in ('contract.job', 'contract.job.other'):
            layer.group_add('contract', channel)
            layer.send(channel, {})
            layer.acknowledge([(receipt_of(message), []) for message in self.held(layer, channel)])
        layer.group_add('contract', 'contract.plain')
        layer.send_group('contract', {'large': 'x' * 3000000})
        for channel in ('contract.plain', 'contract.job', 'contract.job.other'):
            message, = self.held(layer, channel)
            self.assertEqual(len(message['large']), 3000000)
            if receipt_of(message):
                layer.postpone(receipt_of(message), acknowledgement.RETRY)
                again, = self.held(layer, channel)
                layer.acknowledge([(receipt_of(again), [])])
