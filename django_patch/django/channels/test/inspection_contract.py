"""
The contract of layers that can be looked into, as tests.
"""
from __future__ import absolute_import, unicode_literals

from ..layers import acknowledgement
from ..layers.acknowledgement import receipt_of


class InspectionContract(object):
    """Part of ChannelLayerContract: what `supports_inspection` promises."""

    def inspected_layer(self, **options):
        layer = self.make_layer(**options)
        if not getattr(layer, 'supports_inspection', False):
            self.skipTest('the layer has no inspection')
        return layer

    def test_channels_are_listed_with_what_waits_and_what_was_sent(self):
        layer = self.inspected_layer()
        for number in range(3):
            layer.send('contract.a', {'n': number})
        layer.send('contract.p.1!x', {})
        layer.send('contract.p.2!y', {})
        layer.send('contract.b?one', {})
        layer.send('contract.b?two', {})
        self.receive(layer, 'contract.a')
        found = layer.inspect_channels()
        self.assertEqual(sorted(found), ['contract.a', 'contract.b?', 'contract.p!'])
        self.assertEqual(found['contract.a']['messages_pending'], 2)
        self.assertEqual(found['contract.a']['messages_count'], 3)
        self.assertEqual(found['contract.p!']['messages_pending'], 2)
        self.assertEqual(found['contract.b?']['messages_pending'], 2)
        self.assertLessEqual(set(layer.channel_statistics('contract.a')), set(found['contract.a']))

    def test_groups_are_listed_with_how_many_members_they_have(self):
        layer = self.inspected_layer()
        for number in range(5):
            layer.group_add('many', 'contract.p!%d' % number)
        layer.group_add('many', 'contract.other!x')
        layer.group_add('one', 'contract.a')
        layer.group_add('left', 'contract.a')
        layer.group_discard('left', 'contract.a')
        layer.group_discard('many', 'contract.p!0')
        self.assertEqual(layer.inspect_groups(), {'many': 5, 'one': 1})

    def test_what_was_looked_at_stays(self):
        layer = self.inspected_layer()
        for number in range(3):
            layer.send('contract.b?x', {'n': number})
        seen = layer.peek('contract.b?x', 2)
        self.assertEqual([(tuple(channels), message) for age, channels, message in seen], [
            (('contract.b?x',), {'n': 0}), (('contract.b?x',), {'n': 1}),
        ])
        self.assertTrue(all(0 <= age < 30 for age, channels, message in seen))
        self.assertEqual(self.numbers(layer, 'contract.b?x'), [0, 1, 2])
        self.assertEqual(layer.peek('contract.b?x', 2), [])

    def test_a_look_has_a_limit_above_zero(self):
        layer = self.inspected_layer()
        layer.send('contract.a', {})
        for limit in (0, -1, 1.5, '1', None, True):
            with self.assertRaises(ValueError):
                layer.peek('contract.a', limit)

    def test_who_can_do_without_absent_servers_sees_the_same_while_all_are_there(self):
        layer, absent = self.inspected_layer(), {}
        layer.send('contract.b?x', {'n': 0})
        layer.group_add('many', 'contract.p!x')
        look = layer.looking(absent)
        self.assertEqual([message for age, channels, message in look.peek('contract.b?x', 2)], [{'n': 0}])
        self.assertEqual(look.channel_statistics('contract.b?x')['messages_pending'], 1)
        self.assertEqual(list(look.group_channels('many')), ['contract.p!x'])
        self.assertEqual(absent, {})
        self.assertEqual(layer.inspect_channels().absent, {})

    def test_what_was_purged_is_gone_and_its_room_is_free(self):
        layer = self.inspected_layer(capacity=2)
        for channel, queue in (('contract.b?x', 'contract.b?x'), ('contract.p!x', 'contract.p!')):
            self.assertEqual(self.fill(layer, channel), 2)
            self.assertEqual(layer.purge(queue), 2)
            self.assertEqual(layer.purge(queue), 0)
            self.assertEqual(self.receive(layer, queue), (None, None))
            self.assertEqual(self.fill(layer, channel), 2)

    def test_a_large_message_can_be_purged(self):
        layer = self.inspected_layer()
        layer.send('contract.b?x', {'body': b'x' * 3000000})
        [(age, channels, message)] = layer.peek('contract.b?x', 5)
        self.assertIn(message, (None, {'body': b'x' * 3000000}))
        self.assertEqual(layer.purge('contract.b?x'), 1)
        self.assertEqual(self.receive(layer, 'contract.b?x'), (None, None))

    def test_a_job_that_waits_gives_way_to_one_with_its_id(self):
        layer = self.holding_layer()
        times = [({'delay': 3600}, {}), ({}, {'delay': 3600}), ({'delay': 3600}, {'delay': 7200}),
                 ({'priority': 100}, {'priority': -100}), ({'unique': 'a'}, {'unique': 'a', 'conflict': 'replace'})]
        for before, after in times:
            layer.send_job('contract.job', {'n': 1}, id='one', **before)
            layer.send_job('contract.job', {'n': 2}, id='one', **after)
            job, = layer.jobs('contract.job', 10)
            self.assertEqual((job.id, job.message, job.priority), ('one', {'n': 2}, after.get('priority', 0)))
            layer.send_job('contract.job', {'n': 3})
            found = layer.acknowledged_statistics('contract.job')['contract.job']
            is_later = 'delay' in after
            self.assertEqual((found['waiting'], found['later']), (2 - is_later, int(is_later)), after)
            self.assertEqual(sorted(message['n'] for message in self.held(layer)), [3] if is_later else [2, 3])
            self.assertEqual(layer.cancel_jobs('contract.job', ['one']), int(is_later))

    def test_a_job_that_has_failed_gives_way_to_one_with_its_id(self):
        layer = self.holding_layer()
        for action, delay in (
            (acknowledgement.RETRY, 0), (acknowledgement.RELEASE, 0), (acknowledgement.LATER, 7200),
        ):
            layer.send_job('contract.job', {'n': 1}, id='one')
            message, = self.held(layer)
            layer.send_job('contract.job', {'n': 2}, id='one', delay=3600, priority=7)
            self.assertEqual(layer.postpone(receipt_of(message), action, delay, 9), acknowledgement.GONE)
            job, = layer.jobs('contract.job', 10)
            self.assertEqual((job.message, job.priority, job.attempts), ({'n': 2}, 7, 0))
            self.assertGreater(job.due, layer.time() + 1800)
            self.assertEqual(layer.cancel_jobs('contract.job', ['one']), 1)

    def test_a_job_may_be_taken_while_one_with_its_id_is_held(self):
        layer = self.holding_layer()
        layer.send_job('contract.job', {'n': 1}, id='one')
        first, = self.held(layer)
        layer.send_job('contract.job', {'n': 2}, id='one', unique='a')
        second, = self.held(layer)
        self.assertEqual(layer.acknowledge([(receipt_of(first), ())]), [])
        self.assertEqual(layer.postpone(receipt_of(second), acknowledgement.RELEASE), acknowledgement.RELEASED)
        again, = self.held(layer)
        self.assertEqual((again, receipt_of(again).id), ({'n': 2}, 'one'))
        self.assertEqual(layer.send_job('contract.job', {'n': 3}, unique='a'), 'one')
        self.assertEqual(layer.acknowledge([(receipt_of(again), ())]), [])

    def test_a_dead_letter_gives_way_to_one_with_its_id(self):
        layer = self.holding_layer()
        for number in (1, 2):
            layer.send_job('contract.job', {'n': number}, id='one')
            if number == 2:
                self.assertEqual(layer.replay('contract.job', ['one']), 0)
            message, = self.held(layer)
            layer.postpone(receipt_of(message), acknowledgement.BURY)
            dead, = layer.dead_letters('contract.job')
            self.assertEqual(dead.message, {'n': number})
        self.assertEqual(layer.acknowledged_statistics('contract.job')['contract.job']['dead_dropped'], 1)
        self.assertEqual(layer.replay('contract.job', ['one']), 1)
        self.assertEqual(self.held(layer), [{'n': 2}])

    def test_the_lifetime_begins_when_a_job_can_be_received(self):
        layer = self.holding_layer(acknowledged={'contract.job': {'lifetime': 2}})
        layer.send_job('contract.job', {'n': 1}, delay=2.2, id='later')
        layer.send_job('contract.job', {'n': 2}, id='dead')
        receipt = receipt_of(self.held(layer)[0])
        layer.postpone(receipt, acknowledgement.BURY)
        layer.send_job('contract.job', {'n': 3}, id='over', unique='a')
        self.pass_time(2.3)
        # One that is over doesn't refuse another its key.
        self.assertEqual(layer.send_job('contract.job', {'n': 4}, id='new', unique='a'), 'new')
        self.assertEqual(layer.acknowledged_statistics('contract.job')['contract.job']['expired'], 1)
        self.assertEqual(layer.replay('contract.job', ['dead']), 1)
        self.assertEqual(sorted(message['n'] for message in self.held(layer)), [1, 2, 4])

    def test_a_replayed_dead_letter_has_its_unique_key_again(self):
        layer = self.holding_layer()
        for number in (1, 2):
            layer.send_job('contract.job', {'n': number}, id='job-%d' % number, unique='a')
            message, = self.held(layer)
            layer.postpone(receipt_of(message), acknowledgement.BURY)
        # The first one gets the key, and the other stays until that is done.
        self.assertEqual(layer.replay('contract.job', ['job-1', 'job-2']), 1)
        self.assertEqual([letter.id for letter in layer.dead_letters('contract.job')], ['job-2'])
        self.assertEqual(layer.send_job('contract.job', {'n': 3}, unique='a'), 'job-1')
        message, = self.held(layer)
        self.assertEqual(message, {'n': 1})
        self.assertEqual(layer.replay('contract.job', ['job-2']), 0)
        self.assertEqual(layer.acknowledge([(receipt_of(message), ())]), [])
        self.assertEqual(layer.replay('contract.job', ['job-2']), 1)
        self.assertEqual(self.held(layer), [{'n': 2}])

    def test_names_that_cannot_be_are_refused_by_inspection_too(self):
        layer = self.inspected_layer()
        for name in ('a b', 'contract.p!x'):
            with self.assertRaises(ValueError):
                layer.peek(name, 1)
            with self.assertRaises(ValueError):
                layer.purge(name)

    def test_it_is_told_how_long_messages_have_waited(self):
        layer = self.inspected_layer()
        if not layer.tells_waiting_time:
            self.skipTest('the layer does not tell')
        told = []
        layer.watch_waiting(lambda channel, seconds: told.append((channel, seconds)))
        layer.send('contract.a', {})
        layer.send('contract.b?x', {})
        self.receive(layer, 'contract.a')
        self.receive(layer, 'contract.b?x')
        layer.watch_waiting(None)
        layer.send('contract.a', {})
        self.receive(layer, 'contract.a')
        self.assertEqual([channel for channel, seconds in told], ['contract.a', 'contract.b?x'])
        self.assertTrue(all(0 <= seconds < 30 for channel, seconds in told), told)

    def test_samples_are_kept_one_in_each_interval_and_not_for_ever(self):
        layer = self.inspected_layer()
        self.assertEqual(layer.samples(), [])
        self.assertTrue(layer.add_sample(lambda: 'first \u20ac', 1000, 3))
        self.assertFalse(layer.add_sample(lambda: 'second', 1000, 3))
        self.assertEqual(layer.samples(), ['first \u20ac'])
        layer.flush()
        self.assertEqual(layer.samples(), [])
