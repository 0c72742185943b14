"""
How these tests are run: the app is installed once, from what users get.
"""
from __future__ import absolute_import

import os

from django.apps import apps
from django.conf import settings
from django.test import SimpleTestCase


class HarnessTests(SimpleTestCase):

    def test_the_app_is_installed_once_behind_its_tests(self):
        names = [config.name for config in apps.get_app_configs()]
        self.assertEqual(names.count('django.channels'), 1)
        self.assertLess(names.index('channels_tests'), names.index('django.channels'))
        self.assertEqual(apps.get_app_config('channels').name, 'django.channels')

    def test_no_layer_is_configured_unless_a_test_does_it(self):
        self.assertEqual(getattr(settings, 'CHANNEL_LAYERS', {}), {})

    def test_django_and_the_package_are_those_of_the_environment(self):
        """Not those of a checkout or of Django's sources, which users don't have."""
        import django.channels
        for module in (django, django.channels):
            folder = os.path.dirname(os.path.abspath(module.__file__))
            self.assertIn('site-packages', folder.split(os.sep), module.__name__)
