"""Tests of CHANNEL_LAYERS turned into objects."""
from __future__ import absolute_import, unicode_literals

from django.channels import channel_layers
from django.channels.exceptions import InvalidChannelLayerError
from django.channels.layers import ChannelLayerManager, ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.test import SimpleTestCase, override_settings

from .test_layers_legacy import OldLayer

MEMORY = 'django.channels.layers.memory.InMemoryChannelLayer'


class SpanningLayer(InMemoryChannelLayer):
    spans_processes = True


class Lookup(InMemoryChannelLayer):
    """Looks at a list that its CONFIG left empty."""

    def __init__(self, hosts=()):
        super(Lookup, self).__init__()
        self.first = hosts[0]


class Batching(InMemoryChannelLayer):
    """Sends what a worker has collected with one call, as the Redis layer does."""
    sends_many_at_once = sends_with_receive = True

    def send(self, channel, message):
        super(Batching, self).send(channel, message)

    def send_many(self, pairs):
        raise NotImplementedError()


class Logging(Batching):
    """A project's own, of before there were such calls."""

    def send(self, channel, message):
        super(Logging, self).send(channel, dict(message, logged=True))


class OwnSendTests(SimpleTestCase):

    def test_a_send_that_a_project_has_overridden_is_called_for_each_message(self):
        layer = Logging()
        self.assertFalse(layer.sends_many_at_once or layer.sends_with_receive)
        self.assertEqual(layer.send_many([('a', {'n': 1}), ('a', {'n': 2})]), [])
        self.assertEqual(layer.receive_batch(['a'], 5), [('a', {'n': n, 'logged': True}) for n in (1, 2)])

    def test_others_are_left_as_they_are(self):
        class Named(Batching):
            """It overrides nothing."""

        for layer_class in (Batching, Named):
            layer = layer_class()
            self.assertTrue(layer.sends_many_at_once and layer.sends_with_receive)
            with self.assertRaises(NotImplementedError):
                layer.send_many([])


@override_settings(CHANNEL_LAYERS={
    'default': {'BACKEND': MEMORY, 'ROUTING': [], 'CONFIG': {'capacity': 7}},
    'tested': {'BACKEND': MEMORY, 'ROUTING': [], 'TEST_CONFIG': {'capacity': 3}},
    'no_backend': {'ROUTING': []},
    'no_routing': {'BACKEND': MEMORY},
    'missing': {'BACKEND': 'no.such.Layer', 'ROUTING': []},
    'misfit': {'BACKEND': MEMORY, 'ROUTING': [], 'CONFIG': {'colour': 'red'}},
    'wrong_value': {'BACKEND': MEMORY, 'ROUTING': [], 'CONFIG': {'capacity': 0}},
    'no_layer': {'BACKEND': 'collections.OrderedDict', 'ROUTING': []},
    'text': MEMORY,
    7: {'BACKEND': MEMORY, 'ROUTING': []},
})
class RegistryTests(SimpleTestCase):

    def setUp(self):
        self.layers = ChannelLayerManager()

    def test_a_layer_is_built_once_with_its_config(self):
        self.assertIs(self.layers['default'], self.layers['default'])
        self.assertEqual(self.layers['default'].capacity, 7)
        self.assertEqual(self.layers['default'].alias, 'default')

    def test_it_knows_its_aliases(self):
        self.assertIn('default', self.layers)
        self.assertNotIn('other', self.layers)
        self.assertIn('tested', list(self.layers))

    def test_each_mistake_says_what_to_mend(self):
        for alias, text in (
            ('unknown', "There is no channel layer 'unknown'. CHANNEL_LAYERS has: '7', 'default', 'misfit',"),
            ('no_backend', "CHANNEL_LAYERS['no_backend'] has no BACKEND."),
            ('no_routing', "CHANNEL_LAYERS['no_routing'] has no ROUTING."),
            ('missing', "The BACKEND of CHANNEL_LAYERS['missing'], no.such.Layer, can't be imported"),
            ('misfit', "The CONFIG of CHANNEL_LAYERS['misfit'] doesn't fit " + MEMORY),
            ('wrong_value', 'capacity must be a whole number of messages, 1 or more, not 0.'),
            ('no_layer', 'collections.OrderedDict, is not a channel layer: it has no send, receive,'),
            ('text', "CHANNEL_LAYERS['text'] must be a dict."),
        ):
            with self.assertRaisesMessage(InvalidChannelLayerError, text):
                self.layers[alias]

    def test_the_setting_has_to_be_a_dict(self):
        for wrong in ('default', [], None):
            with override_settings(CHANNEL_LAYERS=wrong):
                with self.assertRaisesMessage(InvalidChannelLayerError, 'CHANNEL_LAYERS must be a dict of alias'):
                    self.layers['default']
                with self.assertRaisesMessage(InvalidChannelLayerError, 'CHANNEL_LAYERS must be a dict of alias'):
                    list(self.layers)
                with self.assertRaisesMessage(InvalidChannelLayerError, 'CHANNEL_LAYERS must be a dict of alias'):
                    'default' in self.layers

    def test_whatever_a_backend_raises_of_its_config_is_an_error_of_the_setting(self):
        for config in ({'BACKEND': __name__ + '.Lookup'}, {'BACKEND': '.'}):
            with override_settings(CHANNEL_LAYERS={'default': dict(config, ROUTING=[])}):
                with self.assertRaisesMessage(InvalidChannelLayerError, "CHANNEL_LAYERS['default']"):
                    ChannelLayerManager()['default']

    def test_a_test_backend_needs_a_config_of_its_own(self):
        self.assertEqual(self.layers.make_test_backend('tested').capacity, 3)
        with self.assertRaisesMessage(InvalidChannelLayerError, "CHANNEL_LAYERS['default'] has no TEST_CONFIG"):
            self.layers.make_test_backend('default')

    def test_a_layer_can_be_replaced_and_put_back(self):
        mine = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', [])
        before = self.layers['default']
        self.assertIs(self.layers.set('default', mine), before)
        self.assertIs(self.layers['default'], mine)
        self.assertIs(self.layers.set('default', before), mine)
        self.assertIsNone(ChannelLayerManager().set('default', None))

    def test_those_that_were_made_are_there_by_alias(self):
        manager = ChannelLayerManager()
        layer = manager['default']
        self.assertEqual(manager.backends, {'default': layer})
        manager.backends.clear()
        self.assertIsNot(manager['default'], layer)

    def test_new_settings_make_new_layers(self):
        before = channel_layers['default']
        with override_settings(CHANNEL_LAYERS={'default': {'BACKEND': MEMORY, 'ROUTING': []}}):
            self.assertIsNot(channel_layers['default'], before)
            self.assertEqual(channel_layers['default'].capacity, 100)

    def test_a_wrapper_is_the_layer_with_a_name_and_a_routing(self):
        layer = self.layers['default']
        layer.send('a', {})
        self.assertEqual(layer.channel_layer.receive(['a']), ('a', {}))
        self.assertEqual(str(layer), 'default (InMemoryChannelLayer)')
        self.assertIn('http.request', layer.router.channels)
        with self.assertRaises(AttributeError):
            layer.no_such_attribute

    def test_a_layer_says_whether_it_spans_processes(self):
        self.assertTrue(self.layers['default'].local_only())
        self.assertFalse(ChannelLayerWrapper(SpanningLayer(), 'x', []).local_only())
        self.assertFalse(ChannelLayerWrapper(OldLayer(), 'x', []).local_only())

    def test_what_each_message_needs_is_found_without_a_search_that_fails(self):
        class Searched(ChannelLayerWrapper):
            def __getattr__(self, name):
                raise AssertionError('%s was searched for.' % name)

        layer = InMemoryChannelLayer()
        layer.group_add('room', 'test.member')
        wrapper = Searched(layer, 'default', [])
        wrapper.send('test.channel', {'n': 1})
        wrapper.send_group('room', {'n': 2})
        self.assertEqual(wrapper.receive(['test.channel']), ('test.channel', {'n': 1}))
        self.assertEqual(wrapper.receive(['test.member'], block=True), ('test.member', {'n': 2}))
        self.assertEqual(wrapper.receive(['test.channel']), (None, None))
