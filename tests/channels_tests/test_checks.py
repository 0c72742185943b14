"""Tests of the checks: every way to get the settings wrong."""
from __future__ import absolute_import, unicode_literals

from django.channels import compat, route
from django.channels.checks import check_channel_layers
from django.test import SimpleTestCase, override_settings

MEMORY = 'django.channels.layers.memory.InMemoryChannelLayer'
uncallable = [route('a', 5)]


def layer(**changes):
    config = {'BACKEND': MEMORY, 'ROUTING': []}
    config.update(changes)
    return {'default': {key: value for key, value in config.items() if value is not None}}


#: (CHANNEL_LAYERS, the ids of what is wrong with it)
CASES = [
    ({}, []),
    (layer(), []),
    (layer(CONFIG={'capacity': 5}, TEST_CONFIG={}), []),
    ([], ['channels.E001']),
    (None, ['channels.E001']),
    ({'other': layer()['default']}, ['channels.W002']),
    ({'default': MEMORY}, ['channels.E003']),
    (layer(CAPACITY=5), ['channels.W004']),
    (layer(BACKEND=None), ['channels.E005']),
    (layer(BACKEND='no.such.Layer'), ['channels.E006']),
    (layer(BACKEND='Layer'), ['channels.E006']),
    (layer(BACKEND=5), ['channels.E006']),
    (layer(CONFIG=[]), ['channels.E007']),
    (layer(TEST_CONFIG=5), ['channels.E007']),
    (layer(CONFIG={'colour': 'red'}), ['channels.E008']),
    (layer(TEST_CONFIG={'colour': 'red'}), ['channels.E008']),
    (layer(ROUTING=None), ['channels.E009']),
    (layer(ROUTING='no.such.routing'), ['channels.E010']),
    (layer(ROUTING=5), ['channels.E010']),
    (layer(ROUTING=['a']), ['channels.E010']),
    (layer(ROUTING=[route('a', 'no.such.consumer')]), ['channels.E010']),
    (layer(ROUTING=__name__ + '.uncallable'), ['channels.E011']),
    ({'default': {}}, ['channels.E005', 'channels.E009']),
]


class CheckTests(SimpleTestCase):

    def test_each_mistake_has_its_id(self):
        for layers, ids in CASES:
            with override_settings(CHANNEL_LAYERS=layers):
                self.assertEqual([message.id for message in check_channel_layers()], ids, layers)

    def test_each_message_says_where_and_what_to_do(self):
        for layers, ids in CASES:
            with override_settings(CHANNEL_LAYERS=layers):
                for message in check_channel_layers():
                    self.assertIn('CHANNEL_LAYERS', message.msg)
                    self.assertTrue(message.hint or message.id == 'channels.E011', message)

    def test_no_layers_are_no_mistake(self):
        self.assertEqual(check_channel_layers(), [])

    def test_the_commit_has_to_be_that_of_a_database(self):
        for alias in ('nowhere', 5, ['default']):
            with override_settings(CHANNEL_SEND_ON_COMMIT=alias):
                self.assertEqual([message.id for message in check_channel_layers()], ['channels.E012'])

    @override_settings(CHANNEL_SEND_ON_COMMIT='default')
    def test_the_commit_needs_a_django_that_tells_of_it(self):
        expected = ['channels.E013'] if compat.on_commit is None else []
        self.assertEqual([message.id for message in check_channel_layers()], expected)

    @override_settings(CHANNEL_LAYERS=layer(), SESSION_ENGINE='django.contrib.sessions.backends.signed_cookies')
    def test_channel_sessions_do_not_fit_into_cookies(self):
        self.assertEqual([message.id for message in check_channel_layers()], ['channels.W014'])
        with override_settings(CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.cache'):
            self.assertEqual(check_channel_layers(), [])
