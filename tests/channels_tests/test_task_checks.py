"""Tests of the system check of the TASKS that are enqueued to channels."""
from __future__ import absolute_import, unicode_literals

from unittest import skipUnless

from django.channels import channel_layers
from django.channels.routing import route
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

try:
    from django.channels.compat import django_tasks as compat
except (ImportError, ImproperlyConfigured):
    compat = None

BACKEND = 'django.channels.tasks.ChannelsBackend'
MEMORY = 'django.channels.layers.memory.InMemoryChannelLayer'


def consumer(message):
    pass


@skipUnless(compat, 'this Django has no tasks')
class TaskCheckTests(SimpleTestCase):

    def found(self, options=(), channels=('tasks.default',), backend=BACKEND, layers=None):
        """Return (id, message) of what is found in the settings of tasks."""
        if layers is None:
            layers = {'default': {'BACKEND': MEMORY, 'ROUTING': [
                route(name, consumer, acknowledged=True) for name in channels]}}
        self.addCleanup(channel_layers.reset)
        with override_settings(
            TASKS={'default': {'BACKEND': backend, 'OPTIONS': dict(options)}}, CHANNEL_LAYERS=layers,
        ):
            channel_layers.reset()
            return [(error.id, error.msg) for error in run_checks(tags=['channels'])]

    def assertFound(self, id, words, **settings):
        (found, message), = self.found(**settings)
        self.assertEqual(found, id)
        self.assertIn(words, message)

    def test_what_is_right_is_silent(self):
        self.assertEqual(self.found(), [])
        self.assertEqual(self.found({'RETRY': {'attempts': 3}, 'RESULT_LIFETIME': 60}), [])

    def test_other_backends_are_not_looked_into(self):
        name = compat.BaseTaskBackend.__module__.rpartition('.')[0] + '.dummy.DummyBackend'
        self.assertEqual(self.found(channels=(), backend=name), [])

    def test_channels_without_a_route_are_told(self):
        self.assertFound('channels.E024', 'sends to tasks.default, which no route', channels=('other',))

    def test_options_that_are_wrong_are_told(self):
        for options, words in (
            ({'LAYER': ['default']}, "can't be used: LAYER must be the alias of a channel layer, not ['default']."),
            ({'RETRIES': {}}, "has the unknown key 'RETRIES': the keys are LAYER, PREFIX, RESULT_LIFETIME, RETRY."),
            ({'RETRY': {'tries': 5}}, "'tries'"),
            ({'RETRY': {'attempts': '5'}}, 'attempts must be a positive integer'),
            ({'RETRY': 5}, 'RETRY'),
            ({'RESULT_LIFETIME': 'week'}, 'RESULT_LIFETIME must be a number of seconds'),
        ):
            self.assertFound('channels.E031', "TASKS['default'] can't be used: The OPTIONS of TASKS['default']",
                             options=options)
            self.assertFound('channels.E031', words, options=options)

    def test_layers_that_are_not_there_are_told(self):
        self.assertFound('channels.E031', "There is no channel layer 'other'", options={'LAYER': 'other'})
        self.assertFound('channels.E031', "There is no channel layer 'default'", layers={})

    def test_settings_of_another_type_are_told(self):
        for tasks, words in (
            (['default'], 'TASKS must be a dict'), ({'default': BACKEND}, "TASKS['default'] can't be used"),
            ({'default': {'BACKEND': 5}}, "TASKS['default'] can't be used"),
        ):
            with override_settings(TASKS=tasks):
                (error,) = run_checks(tags=['channels'])
            self.assertEqual(error.id, 'channels.E031')
            self.assertIn(words, error.msg)

    def test_backends_that_are_not_there_are_told(self):
        self.assertFound('channels.E031', 'ChannelBackend', backend='django.channels.tasks.ChannelBackend')
