"""The app registry: one app, whatever INSTALLED_APPS calls it."""
from __future__ import absolute_import

import textwrap
import unittest

from . import support

SETUP = """
    from django.conf import settings
    settings.configure(INSTALLED_APPS=%r, SECRET_KEY='secret')
    import django
    django.setup()
    from django.apps import apps
"""


class InstalledAppsTests(unittest.TestCase):

    def setup_apps(self, entries, code='', environment=None):
        """Return Finished of a process that sets up the apps of INSTALLED_APPS and runs ``code``."""
        environment = environment or support.installed()
        return environment.run('-c', textwrap.dedent(SETUP) % entries + code)

    def test_every_entry_gives_the_one_app(self):
        code = (
            "print([(str(app.label), str(app.name), type(app).__name__) for app in apps.get_app_configs()])\n"
            "print(apps.is_installed('channels'))\n"
        )
        expected = "[('channels', 'django.channels', 'ChannelsConfig')]\nTrue\n"
        for entry in [
            'channels', 'django.channels', 'channels.apps.ChannelsConfig', 'django.channels.apps.ChannelsConfig',
        ]:
            for environment in (support.installed(), support.patched()):
                finished = self.setup_apps([entry], code, environment)
                self.assertEqual((entry, finished.output, finished.errors), (entry, expected, ''))

    def test_the_apps_of_a_test_case_are_named_as_installed_apps_does(self):
        code = textwrap.dedent('''
            apps.set_available_apps([%r])
            print(apps.is_installed('channels'), [str(app.label) for app in apps.get_app_configs()])
            apps.unset_available_apps()
        ''')
        for entry, name, label in [
            ('channels', 'channels', 'channels'), ('django.channels', 'django.channels', 'channels'),
            ('channels.apps.ChannelsConfig', 'channels', 'channels'),
            ('channels.delay', 'channels.delay', 'channels_delay'),
        ]:
            finished = self.setup_apps([entry, 'django.contrib.contenttypes'], code % name)
            self.assertIn("['%s']" % label, finished.output, finished.errors)

    def test_two_entries_are_refused(self):
        finished = self.setup_apps(['channels', 'django.channels'])
        self.assertIn("Application labels aren't unique, duplicates: channels", finished.errors)

    def test_the_app_config_points_to_the_real_folder(self):
        finished = self.setup_apps(['channels'], "print(apps.get_app_config('channels').path)")
        self.assertTrue(finished.output.strip().endswith('_bundle/channels'), finished)

    def test_runserver_is_ours_and_the_one_of_staticfiles_is_left_alone(self):
        code = textwrap.dedent('''
            from django.contrib.staticfiles.management.commands import runserver
            from django.core.management import get_commands, load_command_class
            bases = runserver.Command.__bases__
            command = load_command_class(get_commands()['runserver'], 'runserver')
            print([isinstance(command, runserver.Command), type(command) is runserver.Command])
            print([base.__module__ for base in bases])
            print(get_commands()['collectstatic'])
        ''')
        core = "['django.core.management.commands.runserver']"
        for entries in (['django.contrib.staticfiles', 'channels'], ['channels', 'django.contrib.staticfiles']):
            finished = self.setup_apps(entries, code)
            self.assertEqual(
                finished.output.splitlines(), ['[True, False]', core, 'django.contrib.staticfiles'], finished.errors
            )

    def test_a_site_without_bindings_does_not_load_what_they_are_made_of(self):
        code = textwrap.dedent('''
            import sys
            print('django.channels.binding.base' in sys.modules)
            from django.channels.binding.base import BindingMetaclass
            print(BindingMetaclass.register_immediately)
        ''')
        finished = self.setup_apps(['channels'], code)
        self.assertEqual(finished.output.splitlines(), ['False', 'True'], finished.errors)

    def test_commands_of_the_app_are_found(self):
        finished = self.setup_apps(
            ['django.contrib.staticfiles', 'channels'],
            "from django.core.management import get_commands; print(get_commands()['runworker'])",
        )
        self.assertEqual(finished.output.strip(), 'django.channels', finished.errors)
