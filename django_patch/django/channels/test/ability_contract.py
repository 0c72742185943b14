"""
The contract of what a layer says it can do, as tests; see contract.

Each flag of BaseChannelLayer is held against what the layer does.
"""
from __future__ import absolute_import, unicode_literals

import threading
import time

from ..layers.legacy import adapted

#: Seconds that a thread may take to end.
_PATIENCE = 30


class AbilityContract(object):
    """The tests of flags that ChannelLayerContract has."""

    def adapted_layer(self, **options):
        """Return a new layer with all that BaseChannelLayer has."""
        return adapted(self.make_layer(**options))

    def test_its_extensions_are_those_of_its_flags(self):
        layer = self.adapted_layer()
        for extension in ('groups', 'flush', 'statistics'):
            self.assertEqual(extension in layer.extensions, getattr(layer, 'supports_' + extension), extension)

    def test_what_is_put_back_is_there_again_in_its_order(self):
        layer = self.adapted_layer(capacity=5)
        self.send_numbers(layer, 'contract.a', 4)
        taken = [self.receive(layer, 'contract.a') for _ in range(3)]
        if not layer.supports_requeue:
            self.assertEqual(layer.requeue(taken), taken)
            return
        self.send_numbers(layer, 'contract.a', 4, start=4)
        layer.send('contract.b', {'n': 10})
        taken.append(self.receive(layer, 'contract.b'))
        # There is room for them, though the channel is full.
        self.assertEqual(layer.requeue(taken), [])
        given = [message['n'] for channel, message in taken[:3]]
        numbers = self.numbers(layer, 'contract.a')
        self.assertEqual(sorted(numbers), list(range(8)))
        self.assertEqual([number for number in numbers if number in given], given)
        self.assertEqual(self.numbers(layer, 'contract.b'), [10])

    def test_a_throttled_client_counts_as_full_and_its_neighbours_do_not(self):
        layer = self.adapted_layer(capacity=5)
        layer.send('contract.p!slow', {'n': 1})
        layer.throttle('contract.p!slow')
        if layer.supports_throttling:
            with self.assertRaises(layer.ChannelFull):
                layer.send('contract.p!slow', {'n': 2})
        layer.send('contract.p!quick', {'n': 3})
        # Whatever waits is still received.
        self.assertEqual(self.numbers(layer, 'contract.p!'), [1, 3])
        if layer.supports_throttling:
            with self.assertRaises(layer.ChannelFull):
                layer.send('contract.p!slow', {'n': 2})
        layer.unthrottle('contract.p!slow')
        layer.send('contract.p!slow', {'n': 4})
        self.assertEqual(self.numbers(layer, 'contract.p!'), [4])

    def test_a_throttled_client_has_its_whole_capacity_afterwards(self):
        layer = self.adapted_layer(capacity=3)
        layer.throttle('contract.p!slow')
        layer.unthrottle('contract.p!slow')
        self.assertEqual(self.fill(layer, 'contract.p!slow'), 3)

    def test_who_sends_to_a_client_can_see_how_much_its_process_has_before_it(self):
        layer = self.adapted_layer()
        for channel in ('contract.p!x', 'contract.p!y', 'contract.p!x', 'contract.q!x'):
            layer.send(channel, {'n': 1})
        if not layer.counts_waiting:
            return
        self.assertEqual(layer.count_waiting('contract.p!y'), 3)
        self.numbers(layer, 'contract.p!')
        self.assertEqual(layer.count_waiting('contract.p!y'), 0)

    def test_an_interrupt_ends_a_receive_that_waits(self):
        layer = self.adapted_layer()
        if not layer.supports_interrupt:
            layer.interrupt()
            return
        layer.receive_timeout = _PATIENCE
        found = []
        thread = threading.Thread(target=lambda: found.append(layer.receive(['contract.a'], block=True)))
        thread.start()
        deadline = time.time() + _PATIENCE
        while thread.is_alive() and time.time() < deadline:
            # It may not be waiting yet.
            layer.interrupt()
            thread.join(0.05)
        self.assertEqual(found, [(None, None)])
        self.assertLess(time.time(), deadline)

    def test_many_that_are_sent_at_once_are_all_or_none_if_one_is_wrong(self):
        layer = self.adapted_layer()
        pairs = [('contract.a', {'n': 1}), ('contract.b', {'n': 2}), ('contract.b', {'x': object()})]
        if layer.sends_many_at_once:
            with self.assertRaises(TypeError):
                layer.send_many(pairs)
            self.assertEqual(self.numbers(layer, 'contract.a', 'contract.b'), [])
        self.assertEqual(layer.send_many(pairs[:2]), [])
        self.assertEqual(sorted(self.numbers(layer, 'contract.a', 'contract.b')), [1, 2])

    def test_what_many_find_no_room_is_returned_in_its_order(self):
        layer = self.adapted_layer(capacity=2)
        pairs = [('contract.b?x', {'n': number}) for number in range(4)] + [('contract.c?x', {'n': 9})]
        refused = layer.send_many(pairs)
        self.assertEqual(refused, pairs[2:4])
        # Equal messages may be of two consumers.
        self.assertEqual([id(pair) for pair in refused], [id(pair) for pair in pairs[2:4]])
        self.assertEqual(self.numbers(layer, 'contract.b?x', 'contract.c?x').count(9), 1)

    def test_what_is_sent_while_receiving_is_there_before_what_comes(self):
        layer, told = self.adapted_layer(), []
        self.send_numbers(layer, 'contract.a', 2)
        pairs = [('contract.a', {'n': 2}), ('contract.p!x', {'n': 3})]
        received = layer.send_and_receive(pairs, lambda *outcome: told.append(outcome), ['contract.a'], 5, 0)
        numbers = [message['n'] for channel, message in received] + self.numbers(layer, 'contract.a')
        self.assertEqual((told, sorted(numbers)), ([([], None)], [0, 1, 2]))
        self.assertEqual(self.numbers(layer, 'contract.p!'), [3])
        if layer.sends_many_at_once:
            with self.assertRaises(TypeError):
                layer.send_and_receive(pairs + [('contract.a', {'x': object()})], None, ['contract.a'], 5, 0)
            self.assertEqual(self.numbers(layer, 'contract.a', 'contract.p!'), [])

    def test_what_finds_no_room_while_receiving_ends_the_wait(self):
        layer, told = self.adapted_layer(capacity=2), []
        layer.receive_timeout = _PATIENCE
        self.fill(layer, 'contract.p!x')
        pairs = [('contract.p!x', {'n': 8}), ('contract.p!y', {'n': 9})]
        began = time.time()
        received = layer.send_and_receive(
            pairs, lambda *outcome: told.append(outcome), ['contract.a'], 5, layer.receive_timeout)
        self.assertLess(time.time() - began, _PATIENCE / 2)
        self.assertEqual(list(received), [])
        (refused, error), = told
        self.assertIsNone(error)
        # Those behind it for the same process may have been refused as well.
        self.assertEqual(refused, pairs[:len(refused)])
        self.assertIs(refused[0], pairs[0])

    def test_many_are_received_at_once_and_a_group_message_once_for_its_clients(self):
        layer = self.adapted_layer()
        self.send_numbers(layer, 'contract.b?x', 3)
        received = []
        for _ in range(3 * self.receive_tries):
            received += layer.receive_batch(['contract.b?x'], 2)
        self.assertEqual(received, [('contract.b?x', {'n': number}) for number in range(3)])
        layer.send('contract.p!x', {'n': 1})
        deliveries = []
        for _ in range(self.receive_tries):
            deliveries += layer.receive_deliveries(['contract.p!'], 5)
        found = [(list(channels), message) for channels, message in deliveries]
        self.assertEqual(found, [(['contract.p!x'], {'n': 1})])

    def test_a_closed_layer_works_again(self):
        layer = self.adapted_layer()
        layer.send('contract.a', {'n': 1})
        layer.close()
        self.assertEqual(self.numbers(layer, 'contract.a'), [1])
