"""
The contract of how much waits, and how long, as tests; see contract.
"""
from __future__ import absolute_import, unicode_literals

import collections
import re


class CapacityContract(object):
    """The tests of capacity and expiry that ChannelLayerContract has."""

    # Capacity

    def test_a_full_channel_refuses_at_the_sender(self):
        layer = self.make_layer(capacity=3)
        for channel in ('contract.b?x', 'contract.p!x'):
            self.assertEqual(self.fill(layer, channel), 3)
            waits_on = channel.rstrip('x') if '!' in channel else channel
            self.assertEqual(self.numbers(layer, waits_on), [0, 1, 2])
            layer.send(channel, {'n': 3})
            self.assertEqual(self.numbers(layer, waits_on), [3])

    def test_a_full_channel_leaves_the_others_room(self):
        layer = self.make_layer(capacity=2)
        self.fill(layer, 'contract.b?x')
        self.fill(layer, 'contract.p!x')
        for channel in ('contract.b?y', 'contract.q!x'):
            layer.send(channel, {})

    def test_a_full_client_leaves_the_others_of_its_process_room(self):
        layer = self.make_layer(capacity=2)
        self.assertEqual(self.fill(layer, 'contract.p!slow'), 2)
        layer.send('contract.p!quick', {})

    def test_capacities_are_by_glob_or_regex_and_the_first_counts(self):
        capacities = collections.OrderedDict([('contract.b*', 2), (re.compile(r'^contract\.[bc]'), 4)])
        layer = self.make_layer(capacity=3, channel_capacity=capacities)
        self.assertEqual(
            [self.fill(layer, channel) for channel in ('contract.b?x', 'contract.c?x', 'contract.d?x')], [2, 4, 3]
        )

    # Expiry

    def test_an_expired_message_is_never_delivered(self):
        layer = self.make_layer(expiry=1)
        for channel in ('contract.a', 'contract.p!x'):
            layer.send(channel, {'n': 1})
        self.pass_time(1.2)
        self.assertEqual(self.receive(layer, 'contract.a', 'contract.p!'), (None, None))

    def test_messages_expire_under_constant_traffic_too(self):
        layer = self.make_layer(expiry=1)
        for number in range(5):
            layer.send('contract.a', {'n': number})
            self.pass_time(0.4)
        self.assertNotIn(0, self.numbers(layer, 'contract.a'))

    def test_expired_messages_make_room(self):
        layer = self.make_layer(expiry=1, capacity=2)
        for channel in ('contract.b?x', 'contract.p!x'):
            self.fill(layer, channel)
        self.pass_time(1.2)
        for channel in ('contract.b?x', 'contract.p!x'):
            self.assertEqual(self.fill(layer, channel), 2)
