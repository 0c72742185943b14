"""Tests of what a project's asgi.py uses, and of the check of packages."""
from __future__ import absolute_import, unicode_literals

import os
import shutil
import subprocess
import sys
import tempfile
import types

from django.channels import package_checks
from django.channels.asgi import InvalidChannelLayerError, channel_layers, get_channel_layer
from django.channels.layers.memory import InMemoryChannelLayer
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

LAYERS = {
    'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': 'not.imported'},
}

#: An asgi.py, with its settings in the same file.
PROGRAM = """
import channels
from django.conf import settings
settings.configure(CHANNEL_LAYERS={
    'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []},
})
from django.channels.asgi import get_channel_layer
print(type(get_channel_layer()).__name__)
from django.apps import apps
print(apps.ready)
"""


#: Prints what importing a module loads that a sender has no use for.
IMPORTS = """
import channels
import sys
import %s
print(' '.join(sorted(
    name for name in sys.modules if name.startswith(('django.db', 'django.http', 'django.core.handlers'))
)))
"""


class GetChannelLayerTests(SimpleTestCase):

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_it_returns_the_layer_itself(self):
        layer = get_channel_layer()
        self.assertIs(type(layer), InMemoryChannelLayer)
        self.assertIs(channel_layers['default'].channel_layer, layer)

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_an_unknown_alias_is_refused(self):
        with self.assertRaisesMessage(InvalidChannelLayerError, 'There is no channel layer'):
            get_channel_layer('missing')

    def output(self, program):
        """Return what a process that runs `program` prints, as a list of words."""
        try:
            import channels  # NOQA
        except ImportError:
            program = program.replace('import channels\n', '')
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        return subprocess.check_output([sys.executable, '-c', program], env=environment).decode('ascii').split()

    def test_it_sets_django_up(self):
        self.assertEqual(self.output(PROGRAM), ['InMemoryChannelLayer', 'True'])

    def test_a_process_that_only_sends_loads_neither_databases_nor_http(self):
        for module in ('django.channels', 'django.channels.layers.memory', 'django.channels.layers.redis'):
            self.assertEqual(self.output(IMPORTS % module), [], module)


class PackageChecksTests(SimpleTestCase):

    def check(self, version):
        package = types.ModuleType(str('asgi_ipc'))
        package.__version__ = version
        sys.modules['asgi_ipc'] = package
        try:
            with override_settings(CHANNEL_LAYERS={'default': {'BACKEND': 'asgi_ipc.IPCChannelLayer'}}):
                self.errors = [error.id for error in package_checks.check_packages()]
                package_checks.check_all()
        finally:
            del sys.modules['asgi_ipc']

    def test_packages_that_are_new_enough_pass(self):
        self.check('1.3.0')
        self.check('1.10')
        self.check('')
        self.assertEqual(self.errors, [])

    def test_a_package_that_is_too_old_is_refused(self):
        with self.assertRaisesMessage(ImproperlyConfigured, 'asgi_ipc 1.2.9 is too old; install asgi_ipc 1.3.0'):
            self.check('1.2.9')
        self.assertEqual(self.errors, ['channels.E015'])

    @override_settings(CHANNEL_LAYERS={'a': {'BACKEND': 'asgi_rabbitmq.RabbitmqChannelLayer'}, 'b': {}})
    def test_what_is_not_installed_is_not_its_affair(self):
        package_checks.check_all()

    def test_another_distribution_of_that_name_is_found(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.addCleanup(sys.path.remove, folder)
        sys.path.append(folder)
        for entry, version in [
            ('channels-4.3.2.dist-info', '4.3.2'), ('channels-1.1.8-py2.7.egg-info', '1.1.8'),
            ('channels_redis-4.3.0.dist-info', None), ('channels-api-0.4.1.dist-info', None), ('channels', None),
        ]:
            path = os.path.join(folder, entry)
            os.mkdir(path)
            errors = package_checks.check_other_channels()
            os.rmdir(path)
            if version is None:
                self.assertEqual(errors, [], entry)
            else:
                self.assertEqual([error.id for error in errors], ['channels.E021'])
                self.assertIn("The distribution 'channels' %s is installed in %s" % (version, folder), errors[0].msg)

    def test_settings_that_make_no_sense_are_not_its_affair(self):
        for layers in ([], {'default': 5}, {}):
            with override_settings(CHANNEL_LAYERS=layers):
                self.assertEqual(package_checks.check_packages(), [])
