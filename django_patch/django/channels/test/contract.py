"""
The contract of channel layers as tests, for authors of layers.

::

    class MyLayerTests(ChannelLayerContract, unittest.TestCase):

        def make_layer(self, **options):
            return MyChannelLayer(url, **options)

What is in none of the layer's `extensions` is skipped. A flag of
BaseChannelLayer that is false is tested as well: its methods must be there
and do no harm.
"""
from __future__ import absolute_import, unicode_literals

import re
import threading
import time

from ..compat import six
from ..layers.blocking import send_blocking
from ..layers.legacy import adapted
from .ability_contract import AbilityContract
from .acknowledgement_contract import AcknowledgementContract
from .capacity_contract import CapacityContract
from .group_contract import GroupContract
from .inspection_contract import InspectionContract
from .presence_contract import PresenceContract

#: Seconds that a message may take to arrive, and a thread to end.
_PATIENCE = 30
_EXTENSIONS = {'groups', 'flush', 'statistics', 'twisted', 'async', 'asyncio'}
_STATISTICS = {
    'messages_count', 'messages_count_per_second', 'messages_pending', 'messages_max_age', 'channel_full_count',
    'channel_full_count_per_second',
}


class ChannelLayerContract(AbilityContract, AcknowledgementContract, CapacityContract, GroupContract,
                           InspectionContract, PresenceContract):
    """
    A mixin for a TestCase: the tests that any channel layer has to pass.

    make_layer() has to be written. If receive() of a layer on several
    servers looks at one of them each time, `receive_tries` is their number.
    """
    receive_tries = 1

    def make_layer(self, **options):
        """
        Return a new, empty layer, which nobody else uses.

        `options` are some of `expiry`, `group_expiry`, `capacity` and
        `channel_capacity`, for the layer's constructor.
        """
        raise NotImplementedError('subclasses of ChannelLayerContract must provide a make_layer() method')

    def pass_time(self, seconds):
        """Return when the clock of the layer shows that much more."""
        time.sleep(seconds)

    # What the tests are written with

    def layer_with(self, *extensions, **options):
        """Return a layer that has these extensions, or skip the test."""
        layer = self.make_layer(**options)
        for extension in extensions:
            if extension not in layer.extensions:
                self.skipTest('The layer has no %s.' % extension)
        return layer

    def receive(self, layer, *channels):
        """Return what the layer has on `channels` now, or (None, None)."""
        for _ in range(self.receive_tries):
            found = layer.receive(list(channels))
            if found[0] is not None:
                break
        return found

    def receive_all(self, layer, *channels):
        """Return [(channel, message), ...] of all that waits."""
        found = []
        while True:
            found.append(self.receive(layer, *channels))
            if found[-1][0] is None:
                return found[:-1]

    def numbers(self, layer, *channels):
        return [message['n'] for channel, message in self.receive_all(layer, *channels)]

    def send_numbers(self, layer, channel, count, start=0):
        for number in range(start, start + count):
            layer.send(channel, {'n': number})

    def fill(self, layer, channel):
        """Send until the channel is full; return how many messages fit."""
        for number in range(100000):
            try:
                layer.send(channel, {'n': number})
            except layer.ChannelFull:
                return number
        self.fail('The channel %s is never full.' % channel)

    # What a layer says of itself

    def test_it_has_the_two_exception_classes(self):
        layer = self.make_layer()
        for name in ('ChannelFull', 'MessageTooLarge'):
            self.assertTrue(issubclass(getattr(layer, name), Exception), name)

    def test_its_extensions_are_known_ones(self):
        self.assertLessEqual(set(self.make_layer().extensions), _EXTENSIONS)

    def test_a_limit_is_a_whole_number_above_zero(self):
        layer = adapted(self.make_layer())
        layer.send('contract.a', {'n': 1})
        for method in (layer.receive_batch, layer.receive_deliveries):
            for limit in (0, -1, 1.5, '1', None, True):
                with self.assertRaises(ValueError):
                    method(['contract.a'], limit)
        self.assertEqual(layer.receive_batch(['contract.a'], 1), [('contract.a', {'n': 1})])

    # Messages

    def test_a_message_arrives_once(self):
        layer = self.make_layer()
        layer.send('contract.a', {'n': 1})
        self.assertEqual(self.receive(layer, 'contract.b', 'contract.a'), ('contract.a', {'n': 1}))
        self.assertEqual(self.receive(layer, 'contract.b', 'contract.a'), (None, None))

    def test_values_of_all_types_survive(self):
        layer = self.make_layer()
        message = {
            'bytes': b'\x00\xc2\xa3\xff', 'text': 'caf\xe9 \u4e2d \U0001f600 \x00', 'empty': '', 'no bytes': b'',
            'low': -2 ** 63, 'high': 2 ** 63 - 1, 'float': 1.5, 'whole': 2.0,
            'true': True, 'false': False, 'none': None,
            'list': [1, [b'x', 'x'], {}], 'dict': {'deep': {'deeper': [None]}},
        }
        layer.send('contract.a', message)
        received = self.receive(layer, 'contract.a')[1]
        self.assertEqual(received, message)
        for key, value in message.items():
            # Python 2 has two types of integers.
            kind = six.integer_types if type(value) in six.integer_types else type(value)
            self.assertIsInstance(received[key], kind, key)
        self.assertEqual([type(item) for item in received['list'][1]], [bytes, six.text_type])

    def test_a_tuple_arrives_as_a_list(self):
        layer = self.make_layer()
        layer.send('contract.a', {'pair': (1, (2, 3))})
        self.assertEqual(self.receive(layer, 'contract.a')[1], {'pair': [1, [2, 3]]})

    def test_a_message_of_a_megabyte_arrives_whole(self):
        layer = self.make_layer()
        message = {'body': b'0123456789abcdef' * 65536, 'n': 1}
        layer.send('contract.a', message)
        self.assertTrue(self.receive(layer, 'contract.a')[1] == message)

    def test_a_message_may_be_changed_after_it_was_sent(self):
        layer = self.make_layer()
        message = {'list': [1, {'deep': [2]}]}
        for channel in ('contract.a', 'contract.p!a'):
            layer.send(channel, message)
        message['list'][1]['deep'].append(3)
        message['more'] = 1
        for channel in ('contract.a', 'contract.p!'):
            self.assertEqual(self.receive(layer, channel)[1], {'list': [1, {'deep': [2]}]})

    def test_what_is_no_dict_is_refused_with_type_error(self):
        layer = self.make_layer()
        for message in (['a'], 'a', None):
            with self.assertRaises(TypeError):
                layer.send('contract.a', message)
            if 'groups' in layer.extensions:
                with self.assertRaises(TypeError):
                    layer.send_group('contract.g', message)
        self.assertEqual(self.receive(layer, 'contract.a'), (None, None))

    # Names

    def test_names_of_99_characters_are_good(self):
        layer = self.make_layer()
        for channel in ('a' * 99, 'b' * 90 + '?' + 'b' * 8, 'c' * 90 + '!' + 'c' * 8, 'A-z.0_9'):
            layer.send(channel, {'n': 1})
            end = channel.find('!') + 1
            self.assertEqual(self.receive(layer, channel[:end] if end else channel), (channel, {'n': 1}))

    def test_names_that_are_none_are_refused(self):
        layer = self.make_layer()
        for channel in ('', 'a' * 100, 'a b', 'a/b', 'a!b!c', 'a?b?c', 'a?b!c', '!a', '?a', 'caf\xe9', 'a\n', 5, None):
            for use in (lambda: layer.send(channel, {}), lambda: layer.receive([channel])):
                with self.assertRaises((TypeError, ValueError)):
                    use()

    def test_a_reader_waits_on_a_whole_process(self):
        with self.assertRaises((TypeError, ValueError)):
            self.make_layer().receive(['contract.p!client'])

    def test_new_channels_are_unique_names_that_work(self):
        layer = self.make_layer()
        channels = {layer.new_channel('contract.new?') for _ in range(50)}
        self.assertEqual(len(channels), 50)
        for channel in channels:
            self.assertIs(type(channel), six.text_type)
            self.assertTrue(re.match(r'^contract\.new\?[a-zA-Z0-9_.-]+\Z', channel), channel)
        layer.send(channel, {'n': 1})
        self.assertEqual(self.receive(layer, *channels), (channel, {'n': 1}))

    # Order

    def test_messages_of_one_reader_come_in_their_order(self):
        layer = self.make_layer(capacity=100)
        for channel, waits_on in (('contract.b?x', 'contract.b?x'), ('contract.p!x', 'contract.p!')):
            self.send_numbers(layer, channel, 50)
            self.assertEqual(self.numbers(layer, waits_on), list(range(50)))

    def test_a_process_gets_the_messages_of_its_clients_alone(self):
        layer = self.make_layer()
        for number, channel in enumerate(('contract.p!a', 'contract.q!a', 'contract.p!b', 'contract.p!')):
            layer.send(channel, {'n': number})
        self.assertEqual(self.receive_all(layer, 'contract.p!'), [
            ('contract.p!a', {'n': 0}), ('contract.p!b', {'n': 2}), ('contract.p!', {'n': 3}),
        ])

    def test_a_busy_channel_does_not_starve_a_quiet_one(self):
        layer = self.make_layer(capacity=500)
        for _ in range(200):
            layer.send('contract.p.busy!x', {})
        layer.send('contract.p.quiet!x', {})
        channels = [self.receive(layer, 'contract.p.busy!', 'contract.p.quiet!')[0] for _ in range(200)]
        self.assertIn('contract.p.quiet!x', channels)

    # Waiting, and many at once

    def test_a_reader_that_waits_gets_what_is_sent(self):
        layer, found = adapted(self.make_layer()), []

        def wait():
            deadline = time.time() + _PATIENCE
            while not found and time.time() < deadline:
                found.extend(layer.receive_batch(['contract.a', 'contract.b'], 1, 5))
        thread = threading.Thread(target=wait)
        thread.start()
        layer.send('contract.b', {'n': 1})
        thread.join(2 * _PATIENCE)
        self.assertEqual(found, [('contract.b', {'n': 1})])

    def test_many_threads_lose_and_repeat_nothing(self):
        layer, seen, lock = self.make_layer(capacity=1000), [], threading.Lock()
        channels = ['contract.a', 'contract.b']

        def write(start):
            for number in range(start, start + 100):
                send_blocking(layer, channels[number % 2], {'n': number}, _PATIENCE)

        def read():
            deadline = time.time() + 2 * _PATIENCE
            while len(seen) < 400 and time.time() < deadline:
                channel, message = layer.receive(channels)
                if channel is not None:
                    with lock:
                        seen.append(message['n'])
        threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200, 300)]
        threads += [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(3 * _PATIENCE)
        self.assertEqual(sorted(seen + self.numbers(layer, *channels)), list(range(400)))

    # Upkeep

    def test_flush_empties_everything(self):
        layer = self.layer_with('flush')
        layer.send('contract.a', {})
        layer.send('contract.p!x', {})
        if 'groups' in layer.extensions:
            layer.group_add('contract.g', 'contract.a')
        layer.flush()
        self.assertEqual(self.receive(layer, 'contract.a', 'contract.p!'), (None, None))
        if 'groups' in layer.extensions:
            self.assertEqual(list(layer.group_channels('contract.g')), [])

    def test_statistics_are_numbers_by_known_names(self):
        layer = self.layer_with('statistics', capacity=1)
        layer.send('contract.b?x', {})
        with self.assertRaises(layer.ChannelFull):
            layer.send('contract.b?x', {})
        for statistics in (layer.global_statistics(), layer.channel_statistics('contract.b?x')):
            known = {name: value for name, value in statistics.items() if name in _STATISTICS}
            for name, value in known.items():
                self.assertIsInstance(value, six.integer_types + (float,), name)
            for name, value in (('messages_count', 1), ('messages_pending', 1), ('channel_full_count', 1)):
                self.assertEqual(known.get(name, value), value, name)
            self.assertTrue(known)
