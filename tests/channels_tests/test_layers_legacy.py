"""Tests of layers of another's making, wrapped where they enter."""
from __future__ import absolute_import, unicode_literals

from django.channels import Channel
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.legacy import LegacyLayerAdapter, adapted, missing_methods
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.worker import Worker
from django.test import SimpleTestCase

from .clocks import ManualClock


class OldLayer(object):
    """A layer that knows the API of 1.x, and nothing more."""
    extensions = ['groups']
    capacity = 7

    class ChannelFull(Exception):
        pass

    class MessageTooLarge(Exception):
        pass

    def __init__(self):
        self.messages = []
        self.groups = []

    def send(self, channel, message):
        if len(self.messages) >= self.capacity:
            raise self.ChannelFull()
        self.messages.append((channel, message))

    def receive(self, channels, block=False):
        for index, (channel, message) in enumerate(self.messages):
            if channel in channels:
                return self.messages.pop(index)
        return None, None

    def new_channel(self, pattern):
        return pattern + 'new'

    def group_add(self, group, channel):
        self.groups.append((group, channel))

    def send_group(self, group, message):
        for name, channel in self.groups:
            if name == group:
                self.send(channel, message)


class AbleLayer(OldLayer):
    """One that has some of what BaseChannelLayer has, without its flags."""
    spans_processes = False

    def __init__(self):
        super(AbleLayer, self).__init__()
        self.calls = []

    def requeue(self, messages):
        self.calls.append('requeue')
        return []

    def throttle(self, channel):
        self.calls.append('throttle')

    def unthrottle(self, channel):
        self.calls.append('unthrottle')

    def interrupt(self):
        self.calls.append('interrupt')

    def close(self):
        self.calls.append('close')


class LegacyLayerAdapterTests(SimpleTestCase):

    def test_what_a_test_passes_off_as_a_layer_needs_no_more_than_is_called(self):
        class Sends(object):
            extensions = object()

            def send(self, channel, message):
                self.sent = channel, message

        layer = Sends()
        adapter = adapted(layer)
        adapter.send('a', {'n': 1})
        self.assertEqual(layer.sent, ('a', {'n': 1}))
        self.assertFalse(adapter.supports_groups or adapter.supports_flush or adapter.supports_statistics)
        for nothing in (None, 'no layer'):
            self.assertTrue(issubclass(adapted(nothing).ChannelFull, Exception))

    def test_a_layer_of_ours_is_not_wrapped(self):
        layer = InMemoryChannelLayer()
        self.assertIs(adapted(layer), layer)
        project = ChannelLayerWrapper(layer, 'default', [])
        self.assertIs(adapted(project), project)
        self.assertIs(project.channel_layer, layer)

    def test_a_layer_is_wrapped_once_wherever_it_enters(self):
        layer = OldLayer()
        project = ChannelLayerWrapper(layer, 'default', [])
        for entered in (project, Worker(project).channel_layer, Channel('a', channel_layer=project).channel_layer):
            self.assertIs(adapted(entered), entered)
            self.assertIs(entered.channel_layer.layer, layer)
        self.assertIsInstance(Worker(layer).channel_layer, LegacyLayerAdapter)
        self.assertIsInstance(Channel('a', channel_layer=layer).channel_layer, LegacyLayerAdapter)

    def test_what_it_is_not_said_to_do_is_done_without_it(self):
        layer = LegacyLayerAdapter(OldLayer())
        for flag in ('requeue', 'throttling', 'interrupt', 'flush', 'statistics', 'blocking_receive'):
            self.assertFalse(getattr(layer, 'supports_' + flag), flag)
        self.assertTrue(layer.supports_groups)
        self.assertTrue(layer.spans_processes)
        self.assertEqual(layer.requeue([('a', {})]), [('a', {})])
        layer.throttle('p!a')
        layer.unthrottle('p!a')
        layer.interrupt()
        layer.close()
        pairs = [('a', {'n': number}) for number in range(9)]
        self.assertEqual(layer.send_many(pairs), pairs[7:])
        self.assertEqual(layer.receive_deliveries(['a'], 5), [(('a',), {'n': 0})])

    def test_what_it_can_do_is_found_out_without_flags(self):
        able = AbleLayer()
        layer = LegacyLayerAdapter(able)
        self.assertFalse(layer.spans_processes)
        for flag in ('requeue', 'throttling', 'interrupt'):
            self.assertTrue(getattr(layer, 'supports_' + flag), flag)
        self.assertEqual(layer.requeue([('a', {})]), [])
        layer.throttle('p!a')
        layer.unthrottle('p!a')
        layer.interrupt()
        layer.close()
        self.assertEqual(able.calls, ['requeue', 'throttle', 'unthrottle', 'interrupt', 'close'])

    def test_native_names_reach_it_as_text(self):
        # As those of asgiref and asgi_redis insist on, on Python 2 as well.
        old = OldLayer()
        layer = LegacyLayerAdapter(old)
        layer.group_add(str('all'), layer.new_channel(str('p!')))
        layer.send(str('a'), {})
        layer.send_group(str('all'), {})
        names = [name for pair in old.groups for name in pair] + [channel for channel, _ in old.messages]
        self.assertEqual(names, ['all', 'p!new', 'a', 'p!new'])
        old.receive = lambda channels, block: names.extend(channels) or (None, None)
        layer.receive([str('a')])
        layer.receive_batch([str('p!')], 1)
        self.assertEqual(names[4:], ['a', 'p!'])
        self.assertEqual({type(name) for name in names}, {type('')})

    def test_everything_else_is_the_layers(self):
        old = OldLayer()
        layer = LegacyLayerAdapter(old)
        self.assertIs(layer.ChannelFull, OldLayer.ChannelFull)
        self.assertEqual(layer.capacity, 7)
        self.assertEqual(layer.extensions, ['groups'])
        self.assertEqual(layer.new_channel('a?'), 'a?new')
        layer.group_add('g', 'a')
        self.assertEqual(old.groups, [('g', 'a')])
        with self.assertRaises(AttributeError):
            layer.no_such_thing
        self.assertEqual(str(ChannelLayerWrapper(old, 'default', [])), 'default (OldLayer)')

    def test_a_layer_that_does_not_wait_is_not_hammered(self):
        clock = ManualClock()
        layer = LegacyLayerAdapter(OldLayer(), clock)
        for _ in range(7):
            self.assertEqual(layer.receive_batch(['a'], 1, 5), [])
        self.assertEqual(clock.slept, [0.001, 0.002, 0.004, 0.008, 0.016, 0.02, 0.02])
        layer.send('a', {})
        self.assertEqual(layer.receive_batch(['a'], 1, 5), [('a', {})])
        layer.receive_batch(['a'], 1, 5)
        self.assertEqual(clock.slept[-1], 0.001)

    def test_who_does_not_wait_is_not_made_to(self):
        clock = ManualClock()
        self.assertEqual(LegacyLayerAdapter(OldLayer(), clock).receive_batch(['a'], 1), [])
        self.assertEqual(clock.slept, [])

    def test_what_a_layer_lacks_is_named(self):
        self.assertEqual(missing_methods(OldLayer()), [])
        missing = ['send', 'receive', 'new_channel', 'extensions', 'ChannelFull', 'MessageTooLarge']
        self.assertEqual(missing_methods(object()), missing)
