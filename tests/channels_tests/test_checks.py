"""Tests of the checks: every way to get the settings wrong."""
from __future__ import absolute_import, unicode_literals

import inspect
import io
import re

from django.channels import channel_layers, conf as conf_module, include, route
from django.channels.checks import check_channel_layers, check_origins
from django.channels.compat import six
from django.channels.compat.text import native_from_text
from django.channels.compat.transactions import has_commit_hooks
from django.channels.conf import FORMER, NAMES
from django.channels.exceptions import InvalidChannelLayerError
from django.channels.layers.memory import InMemoryChannelLayer
from django.conf import global_settings
from django.test import SimpleTestCase, override_settings

MEMORY = 'django.channels.layers.memory.InMemoryChannelLayer'
uncallable = [route('a', 5)]


class Spanning(InMemoryChannelLayer):
    spans_processes = True


class Half(object):
    """Has something of a layer, but is none."""

    def send(self, channel, message):
        """Do nothing."""


class Broken(object):
    """Fails in a way of its own."""

    def __init__(self):
        raise KeyError('broken')


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
    ({'default': {1: 2, 'x': 3, None: 4}},
     ['channels.W004', 'channels.W004', 'channels.W004', 'channels.E005', 'channels.E009']),
    (layer(BACKEND='.'), ['channels.E006']),
    (layer(ROUTING='.'), ['channels.E010']),
    (layer(ROUTING={5: len, 'a': len}), ['channels.E010']),
    (layer(CONFIG={'acknowledged': [5]}), ['channels.E008']),
    (layer(CONFIG={'acknowledged': {5: {}}}), ['channels.E008']),
    (layer(CONFIG={'acknowledged': None}), ['channels.E008']),
    (layer(CONFIG={'acknowledged': False}), ['channels.E008']),
    (layer(CONFIG={'channel_capacity': False}), ['channels.E008']),
    (layer(CONFIG={'channel_capacity': ''}), ['channels.E008']),
    (layer(CONFIG={'channel_capacity': []}), ['channels.E008']),
    (layer(CONFIG={'channel_capacity': None}), []),
    (layer(CONFIG={'channel_capacity': {}}), []),
    (layer(BACKEND='d\xe9j\xe0.vu'), ['channels.E006']),
    (layer(BACKEND='d\xe9j\xe0'), ['channels.E006']),
    (layer(BACKEND=b'd\xc3\xa9j\xc3\xa0.vu'), ['channels.E006']),
    (layer(ROUTING='d\xe9j\xe0.vu'), ['channels.E010']),
    (layer(ROUTING='d\xe9j\xe0'), ['channels.E010']),
    (layer(ROUTING=str('\u65e5\u672c').encode('utf-8') if str is not bytes else b'\xe6\x97\xa5.\xff'),
     ['channels.E010']),
    ({native_from_text('d\xe9j\xe0'): layer(ROUTING='d\xe9j\xe0')['default'], 'default': layer()['default']},
     ['channels.E010']),
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
    (layer(ROUTING=[include([route('a', 'no.such.consumer')])]), ['channels.E010']),
    (layer(ROUTING=[include([include(uncallable)])]), ['channels.E011']),
    (layer(ROUTING={'with space': len}), ['channels.E010']),
    (layer(ROUTING={5: len}), ['channels.E010']),
    (layer(ROUTING='os'), ['channels.E010']),
    ({5: layer()['default'], 'default': layer()['default']}, ['channels.E016']),
    ({(): layer()['default'], 'default': layer()['default']}, ['channels.E016']),
    ({'d\xe9j\xe0': layer()['default'], 'default': layer()['default']}, []),
    (layer(BACKEND='os.path'), ['channels.E008']),
    (layer(BACKEND='collections.OrderedDict'), ['channels.E017']),
    (layer(BACKEND=__name__ + '.Half'), ['channels.E017']),
    (layer(BACKEND=__name__ + '.Half', ROUTING=[route('a', len, acknowledged=True)]),
     ['channels.E017', 'channels.E022']),
    (layer(ROUTING=[route('a', len, acknowledged=True)]), []),
    (layer(CONFIG={'capacity': 'many'}), ['channels.E008']),
    (layer(CONFIG={'capacity': 0}), ['channels.E008']),
    (layer(CONFIG={'capacity': True}), ['channels.E008']),
    (layer(CONFIG={'expiry': None}), ['channels.E008']),
    (layer(CONFIG={'group_expiry': -1}), ['channels.E008']),
    (layer(CONFIG={'expiry': 0.5}), []),
    (layer(CONFIG={'channel_capacity': ['a']}), ['channels.E008']),
    (layer(CONFIG={'channel_capacity': {'a': 'b'}}), ['channels.E008']),
    (layer(CONFIG={'channel_capacity': {5: 5}}), ['channels.E008']),
    (layer(BACKEND=__name__ + '.Spanning', CONFIG={'capacity': 5}, TEST_CONFIG={'capacity': 5}), ['channels.W018']),
    (layer(BACKEND=__name__ + '.Spanning', CONFIG={'capacity': 5}, TEST_CONFIG={'capacity': 6}), []),
    (layer(CONFIG={'capacity': 5}, TEST_CONFIG={'capacity': 5}), []),
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
                    self.assertTrue(message.hint, message)
                    # As "manage.py check" writes it.
                    self.assertIn(message.hint, six.text_type(message))

    def test_an_option_of_the_wrong_kind_is_named(self):
        redis = 'django.channels.layers.redis.RedisChannelLayer'
        for option, backend in (('connection_kwargs', redis), ('confirm', redis), ('channel_capacity', MEMORY),
                                ('acknowledged', MEMORY)):
            for value in (False, 0, '', 'abc', 5, True):
                with override_settings(CHANNEL_LAYERS=layer(BACKEND=backend, CONFIG={option: value})):
                    error, = check_channel_layers()
                    self.assertEqual(error.id, 'channels.E008')
                    self.assertIn('%s must be a ' % option, error.msg)

    def test_a_backend_that_is_not_there_is_told_which_are(self):
        for backend, texts in (
            ('django.channels.layers.InMemoryChannelLayer', ('Check the dotted path', MEMORY)),
            ('channels_redis.core.RedisChannelLayer', ('Channels 2 to 4', 'django.channels.layers.redis.Redis')),
        ):
            with override_settings(CHANNEL_LAYERS=layer(BACKEND=backend)):
                error, = check_channel_layers()
                self.assertEqual(error.id, 'channels.E006')
                for text in texts:
                    self.assertIn(text, error.hint)

    def test_what_a_check_refuses_is_refused_in_use_as_well(self):
        for layers, ids in CASES:
            # A routing is read by who receives, and a warning is none.
            if set(ids) & {'channels.E010', 'channels.E011', 'channels.E016'} or not str(ids).count('channels.E'):
                continue
            with override_settings(CHANNEL_LAYERS=layers):
                key = 'make_backend' if 'TEST_CONFIG' not in str(layers) else 'make_test_backend'
                with self.assertRaises(InvalidChannelLayerError) as caught:
                    getattr(channel_layers, key)('default')
                # Native, as the message is: on Python 2 it isn't all ASCII.
                self.assertIn(str('CHANNEL_LAYERS'), str(caught.exception))

    @override_settings(CHANNEL_LAYERS=layer(BACKEND=__name__ + '.Broken'))
    def test_a_check_survives_whatever_a_backend_raises(self):
        self.assertEqual([message.id for message in check_channel_layers()], ['channels.E008'])

    def test_settings_of_a_wrong_type_are_named(self):
        for name, wrong, good in (
            ('CHANNEL_SEND_TIMEOUT', [None, '5', float('inf'), -1], [0, 2.5]),
            ('CHANNEL_ORDERING_TIMEOUT', [None, 'long', float('nan')], [30]),
            ('CHANNEL_USER_CHECK_INTERVAL', ['never', -0.5], [None, 0]),
        ):
            for values, ids in ((wrong, ['channels.E026']), (good, [])):
                for value in values:
                    with override_settings(**{name: value}):
                        self.assertEqual([message.id for message in check_channel_layers()], ids, (name, value))
        for name in ('CHANNEL_ALLOWED_ORIGINS', 'CHANNELS_WS_PROTOCOLS'):
            for value in ('https://app.example.com', 5, [5], {'a': 1}):
                with override_settings(**{name: value}):
                    error, = check_channel_layers()
                    self.assertEqual((error.id, error.msg.startswith(name)), ('channels.E027', True))
                    self.assertEqual(check_origins(), [])

    def test_what_no_browser_sends_as_an_origin_is_named(self):
        good = [
            '*', 'null', 'https://app.example.com', 'http://127.0.0.1:8000', 'http://[::1]:8000', 'file://',
            'capacitor://localhost', 'chrome-extension://abcdef', 'http://a_b.example', 'https://a.example:80',
        ]
        bad = [
            'app.example.com', 'https://App.example.com', 'https://app.example.com/', 'https://app.example.com:443',
            'http://app.example.com:80', 'https://*.example.com', 'https://k\xe4se.example', '', 'localhost:3000',
            'https://user@app.example.com',
        ]
        with override_settings(CHANNEL_ALLOWED_ORIGINS=good):
            self.assertEqual(check_channel_layers(), [])
        with override_settings(CHANNEL_ALLOWED_ORIGINS=good + bad):
            found = check_channel_layers()
        self.assertEqual([message.id for message in found], ['channels.W030'] * len(bad))
        self.assertIn("CHANNEL_ALLOWED_ORIGINS has 'app.example.com'", found[0].msg)

    def test_text_is_no_switch(self):
        for name in ('CHANNEL_SESSION_KEY_IN_QUERY', 'CHANNEL_CLOSE_ON_LOGOUT', 'CHANNEL_TRACING',
                     'CHANNEL_WSGI_EMULATION'):
            for value, ids in (('False', ['channels.E028']), ([], ['channels.E028']), (True, []), (None, []), (0, [])):
                with override_settings(**{name: value}):
                    found = check_channel_layers()
                    self.assertEqual([message.id for message in found], ids, (name, value))
                    self.assertTrue(all(message.msg.startswith(name) for message in found))

    def test_a_session_engine_that_is_none_is_named(self):
        for value in ('no.such.module', 'django.contrib.sessions', ['django.contrib.sessions.backends.db'],
                      5, 'd\xe9j\xe0', '.db', b'd\xc3\xa9j\xc3\xa0'):
            with override_settings(CHANNEL_SESSION_ENGINE=value):
                error, = check_channel_layers()
                self.assertEqual((error.id, error.msg.startswith('CHANNEL_SESSION_ENGINE, ')), ('channels.E029', True))
        for value in ('django.contrib.sessions.backends.cache', None, ''):
            with override_settings(CHANNEL_SESSION_ENGINE=value):
                self.assertEqual(check_channel_layers(), [])

    def test_a_setting_by_a_wrong_name_is_named(self):
        with override_settings(CHANNELS_LAYERS=layer(), CHANNELS_SESSION_ENGINE='x'):
            self.assertEqual(
                [(message.id, message.msg, message.hint) for message in check_channel_layers()],
                [('channels.W019', 'django.channels has no setting CHANNELS_LAYERS.',
                  'Is CHANNEL_LAYERS meant? If it is the setting of another app, silence this check.'),
                 ('channels.W019', 'django.channels has no setting CHANNELS_SESSION_ENGINE.',
                  'Is CHANNEL_SESSION_ENGINE meant? If it is the setting of another app, silence this check.')],
            )

    def test_a_misspelled_setting_is_known_by_its_likeness(self):
        for wrong, right in (
                ('CHANNEL_LAYRS', 'CHANNEL_LAYERS'), ('CHANEL_LAYERS', 'CHANNEL_LAYERS'),
                ('CHANNEL_LAYER', 'CHANNEL_LAYERS'), ('CHANNELS_LAYER', 'CHANNEL_LAYERS'),
                ('CHANNEL_BACKENDS', 'CHANNEL_LAYERS'), ('CHANNEL_WS_PROTOCOLS', 'CHANNELS_WS_PROTOCOLS'),
                ('CHANNEL_ALLOWED_ORIGIN', 'CHANNEL_ALLOWED_ORIGINS'),
                ('CHANNELS_ALLOW_ORIGINS', 'CHANNEL_ALLOWED_ORIGINS'),
                ('CHANNEL_SEND_TIMOUT', 'CHANNEL_SEND_TIMEOUT'), ('CHANNEL_SCHEDULE', 'CHANNEL_SCHEDULES'),
                ('CHANNELS_SEND_ON_COMIT', 'CHANNEL_SEND_ON_COMMIT')):
            with override_settings(**{wrong: None}):
                self.assertEqual(
                    [(message.id, message.msg.split()[-1], message.hint.split()[1])
                     for message in check_channel_layers()],
                    [('channels.W019', wrong + '.', right)])

    def test_the_settings_of_others_are_not_misspelled(self):
        names = (
            'ASGI_CHANNEL_LAYERS', 'CHANNEL_LAYERS_REDIS', 'CHANNEL_LAYER_ALIAS', 'CHANNEL_LAYER_HOST',
            'CHANNEL_LAYER_URL', 'CHANNEL_NAME', 'CHANNEL_PREFIX', 'CHANNEL_REDIS_HOST', 'CHANNEL_TIMEOUT',
            'CHANNELS_API_DEFAULT_PERMISSION_CLASSES', 'CHANNELS_PRESENCE_MAX_AGE', 'CHANNELS_REDIS',
            'CORS_ALLOWED_ORIGINS', 'DEFAULT_CHANNEL_LAYER', 'SLACK_CHANNELS', 'TEST_CHANNEL_LAYERS',
        )
        with override_settings(**dict.fromkeys(names)):
            self.assertEqual(check_channel_layers(), [])

    def test_the_names_of_settings_are_those_that_are_read(self):
        with io.open(inspect.getsourcefile(conf_module), encoding='utf-8') as file:
            read = set(re.findall("_quick\\('(CHANNELS?_[A-Z_]+)'", file.read()))
        self.assertEqual(read, set(NAMES))
        of_django = {name for name in dir(global_settings) if name.startswith('CHANNEL')}
        self.assertIn(of_django, (set(), set(NAMES)))
        self.assertLessEqual(set(FORMER.values()), set(NAMES))
        self.assertFalse(set(FORMER) & set(NAMES))

    def test_no_layers_are_no_mistake(self):
        self.assertEqual(check_channel_layers(), [])

    def test_the_commit_has_to_be_that_of_a_database(self):
        for alias in ('nowhere', 5, ['default'], {}, [], 0):
            with override_settings(CHANNEL_SEND_ON_COMMIT=alias):
                self.assertEqual([message.id for message in check_channel_layers()], ['channels.E012'])

    @override_settings(CHANNEL_SEND_ON_COMMIT='default')
    def test_the_commit_needs_a_django_that_tells_of_it(self):
        expected = ['channels.E013'] if not has_commit_hooks() else []
        self.assertEqual([message.id for message in check_channel_layers()], expected)

    @override_settings(CHANNEL_LAYERS=layer(), SESSION_ENGINE='django.contrib.sessions.backends.signed_cookies')
    def test_channel_sessions_do_not_fit_into_cookies(self):
        self.assertEqual([message.id for message in check_channel_layers()], ['channels.W014'])
        with override_settings(CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.cache'):
            self.assertEqual(check_channel_layers(), [])
