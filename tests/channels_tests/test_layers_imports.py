"""Tests of what importing a layer loads, and says if it can't be imported."""
from __future__ import absolute_import, unicode_literals

import os
import subprocess
import sys

from django.channels.layers.redis import RedisChannelLayer, carrier
from django.channels.layers.redis.carrier import Carrier
from django.channels.layers.redis.library import import_error
from django.test import SimpleTestCase

#: What a process that only uses a layer must not have to load.
FORBIDDEN = ('django.conf', 'django.db', 'django.http', 'django.core.handlers', 'django.apps')
PROGRAM = '''
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
%s
print(' '.join(sorted(sys.modules)))
'''
#: `check` in a project with these apps, and that model of users.
CHECK = '''
import types
from django.conf import settings
sys.modules['site_of_users'] = module = types.ModuleType(str('site_of_users'))
module.__file__, module.__path__ = '/site_of_users/__init__.py', ['/site_of_users']
settings.configure(
    INSTALLED_APPS=%r, SECRET_KEY='secret', AUTH_USER_MODEL=%r, CHANNEL_LAYERS={'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
    }},
)
import django
django.setup()
from django.core.management import call_command
call_command('check', stdout=sys.stderr)
'''

#: A worker of a project without a database, up to the fork of its watcher.
WORKER = '''
from django.conf import settings
settings.configure(
    INSTALLED_APPS=['django.channels'], SECRET_KEY='secret', ROOT_URLCONF='django.channels.tests',
    CHANNEL_LAYERS={'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
        'CONFIG': {'hosts': ['unix:///nowhere/redis.sock']},
    }},
)
import django
django.setup()
from django.channels.management import worker_processes
from django.core.management import CommandError, call_command

def stop(worker):
    raise CommandError('Here it would fork.')

worker_processes._watch_over = stop
try:
    call_command('runworker', skip_checks=True, verbosity=0)
except CommandError as error:
    assert 'fork' in str(error), error
'''


def missing(name):
    """Return the ImportError for a module that isn't there."""
    try:
        __import__(str(name))
    except ImportError as error:
        return error
    raise AssertionError('There is a module %s.' % name)


class ImportTests(SimpleTestCase):

    def loaded(self, *names, **options):
        """Return the modules that are loaded after an import of `names`, and after the code `then`."""
        # As this process finds them, from a wheel or from a checkout.
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        environment.pop('DJANGO_SETTINGS_MODULE', None)
        program = subprocess.Popen(
            [sys.executable, '-c', PROGRAM % options.get('then', '')] + list(names),
            stdout=subprocess.PIPE, env=environment,
        )
        output = program.communicate()[0].decode('ascii')
        self.assertEqual(program.returncode, 0)
        return set(output.split())

    def test_a_layer_loads_neither_settings_nor_database(self):
        # What Django's own modules load is Django's affair.
        already = self.loaded('django.utils.encoding', 'django.core.exceptions', 'django.utils.module_loading')
        for name in ('memory', 'redis', 'transport', 'codec'):
            loaded = self.loaded('django.channels.layers.' + name) - already
            self.assertIn('django.channels.layers.' + name, loaded)
            self.assertEqual([module for module in sorted(loaded) if module.startswith(FORBIDDEN)], [], name)

    def test_a_layer_that_says_nothing_loads_only_what_knows_its_settings(self):
        """Commands that never connect make one, to check its settings; what speaks to Redis is most of a layer."""
        loaded = self.loaded(
            'django.channels.layers.redis',
            then="from django.channels.layers.redis import RedisChannelLayer; "
                 "layer = RedisChannelLayer(['redis://:secret@localhost/1', 'unix:///tmp/redis.sock', "
                 "('localhost', 1)], symmetric_encryption_keys=['secret'], acknowledged=['jobs.*'])\n"
                 "layer.close()",
        )
        self.assertEqual(self.below('layers.redis', loaded), [
            'acknowledging_layer', 'addresses', 'combined_calls', 'layer', 'library', 'looking', 'outage',
            'rescuing_layer', 'servers', 'timeouts', 'upkeep',
        ])
        self.assertEqual(self.below('layers.transport', loaded), ['cipher', 'envelope', 'keys', 'options', 'sealing'])
        self.assertEqual([name for name in sorted(loaded) if name.partition('.')[0] in ('redis', 'hiredis')], [])

    def test_a_check_loads_only_what_it_checks(self):
        loaded = self.loaded('django.channels', then=CHECK % (['django.channels'], 'auth.User'))
        self.assertEqual(sorted({name.split('.')[2] for name in loaded if name.startswith('django.channels.')}), [
            'acknowledged_options', 'app_names', 'apps', 'channel', 'checks', 'compat', 'conf', 'durations',
            'exceptions', 'filters', 'layers', 'names', 'outbox', 'package_checks', 'prefetch', 'retries', 'routing',
            'setting_checks', 'tracing',
        ])
        self.assertNotIn('plans', self.below('layers.transport', loaded))
        self.assertFalse({'redis', 'hiredis', 'django.contrib.auth', 'django.contrib.sessions'} & loaded)

    def test_a_site_with_users_listens_to_their_log_outs(self):
        for users, model in (
            (['django.contrib.auth', 'django.contrib.contenttypes'], 'auth.User'),
            (['site_of_users'], 'site_of_users.User'),
        ):
            loaded = self.loaded('django.channels', then=CHECK % (users + ['django.channels'], model))
            self.assertIn('django.channels.socket_users', loaded)

    def test_what_speaks_to_redis_is_there_before_a_fork_and_a_signal(self):
        loaded = self.loaded(
            'django.channels.layers.redis', 'django.channels.worker',
            then="from django.channels.layers.redis import RedisChannelLayer\n"
                 "sys.modules['django.channels.worker'].Worker(RedisChannelLayer(['redis://localhost/1']))",
        )
        self.assertIn('django.channels.layers.redis.blocking_read', loaded)

    def test_a_worker_loads_what_requests_need_before_it_forks(self):
        """Its watcher shares that; what is loaded later costs memory in both."""
        loaded = self.loaded('django.channels', then=WORKER)
        self.assertEqual({
            'django.channels.http.handler', 'django.channels.http.response', 'django.channels.layers.redis.direct',
            'django.core.cache', 'django.db.backends.dummy.base',
        } - loaded, set())

    def test_a_script_imports_what_answers_requests_before_it_has_settings(self):
        """As it could Django's own handler and client; django.core.cache asks for settings in Django 1.8."""
        for name in ('handler', 'http.handler', 'staticfiles', 'test.client'):
            self.assertIn('django.channels.' + name, self.loaded('django.channels.' + name))

    def test_a_worker_loads_only_what_it_uses(self):
        loaded = self.loaded('django.channels', then=WORKER)
        self.assertEqual(self.below('interfaces', loaded), [])
        self.assertFalse({
            'redis', 'django.channels.management.runserver', 'django.channels.monitoring.endpoint',
            'django.channels.monitoring.families', 'wsgiref.simple_server',
        } & loaded)

    def test_threads_that_begin_at_once_have_the_same_connections(self):
        layer = RedisChannelLayer(['redis://localhost/1'])

        def make(*args):
            made = Carrier(*args)
            # Another thread is faster.
            setattr(carrier, 'Carrier', Carrier)
            layer.load()
            others.append(layer._pools)
            return made

        others, carrier.Carrier = [], make
        self.addCleanup(setattr, carrier, 'Carrier', Carrier)
        pools = layer._pools
        self.assertEqual([pools], others)
        self.assertIs(pools, layer._blocking.pools)
        self.assertIs(layer._run.__self__, layer._carriers[0])

    def below(self, package, loaded):
        """Return the modules below one of django.channels', sorted, without the package's name."""
        start = 'django.channels.%s.' % package
        return [name[len(start):] for name in sorted(loaded) if name.startswith(start)]

    def test_redis_py_that_is_missing_is_told_from_what_it_lacks(self):
        with self.assertRaisesMessage(ImportError, 'needs redis-py 3.5.3 or later. Install it with: pip install'):
            raise import_error(ImportError(str('No module named redis')))
        with self.assertRaisesMessage(ImportError, "can't be imported: No module named") as caught:
            raise import_error(missing('a_module_that_redis_py_lacks'))
        self.assertIn('a_module_that_redis_py_lacks', str(caught.exception))
        self.assertNotIn('3.5.3', str(caught.exception))
