"""Tests of manage.py runworker, up to where it starts to work."""
from __future__ import absolute_import, unicode_literals

import errno
import socket

from django.channels.management import worker_processes
from django.channels.management.commands import runworker
from django.channels.management.listening import cannot_listen
from django.channels.worker import Worker
from django.core import checks
from django.core.management import CommandError, call_command, get_commands
from django.test import SimpleTestCase, override_settings

from .logs import LogTestCase
from .test_layers_registry import SpanningLayer  # NOQA: named in the setting below.

LAYERS = {
    'default': {'BACKEND': __name__ + '.SpanningLayer', 'ROUTING': []},
    'local': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []},
    'broken': {'BACKEND': 'no.such.Layer', 'ROUTING': []},
    'lost': {'BACKEND': __name__ + '.SpanningLayer', 'ROUTING': 'no.such.routing'},
}


class RecordingWorker(Worker):
    """Keeps itself and doesn't run."""
    instances = []

    def run(self):
        self.instances.append(self)


@override_settings(CHANNEL_LAYERS=LAYERS)
class RunWorkerTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(RunWorkerTests, self).setUp()
        runworker.Worker = RecordingWorker
        RecordingWorker.instances = []
        self.addCleanup(setattr, runworker, 'Worker', Worker)
        # The process of the tests needs no watcher.
        self.addCleanup(setattr, worker_processes, '_watch_over', worker_processes._watch_over)
        worker_processes._watch_over = lambda worker: None

    def run_worker(self, **options):
        call_command('runworker', **options)
        return RecordingWorker.instances.pop()

    def test_options_reach_the_worker(self):
        worker = self.run_worker(threads=3, prefetch=8, only_channels=['http.*'], exclude_channels=['*.x'])
        self.assertEqual((worker.threads, worker.prefetch), (3, 8))
        self.assertEqual(worker.channels, ['http.request'])
        self.assertEqual(worker.channel_layer.alias, 'default')
        self.assertIsNone(worker.callback)

    def test_the_hard_limit_follows_the_soft_one(self):
        limits = self.run_worker(time_limit=5.0, max_messages=7).limits
        self.assertEqual(limits, (7, None, 5.0, 15.0))
        self.assertEqual(self.run_worker(hard_time_limit=3.0).limits, (None, None, None, 3.0))

    def test_it_says_what_it_listens_to(self):
        self.run_worker()
        self.assertLogged('Running worker against channel layer default (SpanningLayer)', 'Listening on: http.request')

    def test_system_checks_run_but_for_that_of_other_commands(self):
        called = []

        def of_commands(**kwargs):
            called.append('commands')
            return []

        def of_project(**kwargs):
            called.append('project')
            return []

        of_commands.__module__ = 'django.core.checks.commands'
        before = checks.registry.registry.registered_checks
        self.addCleanup(setattr, checks.registry.registry, 'registered_checks', before)
        checks.registry.registry.registered_checks = type(before)([of_commands, of_project])
        of_commands.tags = of_project.tags = ()
        self.run_worker(skip_checks=False)
        self.assertEqual(called, ['project'])
        checks.run_checks()
        self.assertEqual(sorted(called), ['commands', 'project', 'project'])

    def test_verbosity_shows_each_message(self):
        worker = self.run_worker(verbosity=2)
        worker.callback('task', None)
        self.assertLogged('task')

    def test_each_mistake_says_what_to_do(self):
        for options, text in (
            ({'layer': 'unknown'}, "There is no channel layer 'unknown'. CHANNEL_LAYERS has: 'broken', 'default',"),
            ({'layer': 'lost', 'skip_checks': True}, "The ROUTING of CHANNEL_LAYERS['lost'] can't be used: "),
            ({'layer': 'broken'}, "can't be imported"),
            ({'layer': 'local'}, 'lives inside one process'),
            ({'threads': 0}, '--threads must be 1 or more.'),
            ({'prefetch': 0}, '--prefetch must be 1 or more.'),
            ({'threads': 100000000}, '--threads times --prefetch, plus --concurrency, may be 1000000 at most.'),
            ({'concurrency': 1000000}, '--threads times --prefetch, plus --concurrency, may be 1000000 at most.'),
            ({'processes': 0}, '--processes must be 1 or more.'),
            ({'max_messages': 0}, '--max-messages must be 1 or more.'),
            ({'time_limit': 0}, '--time-limit must be more than 0.'),
            ({'time_limit': float('nan')}, '--time-limit must be a finite number of seconds.'),
            ({'time_limit': 1e12}, 'It may be 9000000000 at most.'),
            ({'hard_time_limit': float('inf')}, '--hard-time-limit must be a finite number of seconds.'),
            ({'shutdown_timeout': float('nan')}, '--shutdown-timeout must be a finite number of seconds.'),
            ({'time_limit': 60.0, 'hard_time_limit': 5.0}, '--hard-time-limit must be more than --time-limit.'),
            # Before any process is started, which would end with it again and again.
            ({'max_busy': 0.0, 'processes': 2}, '--max-busy must be a number of seconds above 0'),
            ({'reload': True, 'processes': 2}, '--reload and --processes do not go together'),
            ({'only_channels': ['none.*']}, 'No channel is left to receive from. The routing has: http.request'),
        ):
            with self.assertRaisesMessage(CommandError, text):
                self.run_worker(**options)

    @override_settings(CHANNEL_LAYERS={})
    def test_without_layers_there_is_no_work(self):
        with self.assertRaisesMessage(CommandError, 'CHANNEL_LAYERS is empty'):
            self.run_worker()


class RunChannelsTests(SimpleTestCase):

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_a_port_out_of_range_is_refused(self):
        for port in (-1, 65536, 99999):
            with self.assertRaisesMessage(CommandError, '--port must be from 0 to 65535, not %d.' % port):
                call_command('runchannels', port=port)

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_a_port_that_something_else_has_is_named(self):
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(('127.0.0.1', 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        text = 'Something else listens on 127.0.0.1:%d: stop it, or choose another port with -p.' % port
        with self.assertRaisesMessage(CommandError, text):
            call_command('runchannels', port=port)

    def test_what_keeps_it_from_listening_is_said_without_a_number_of_an_error(self):
        for error, text in (
            (EnvironmentError(errno.EACCES, 'Permission denied'),
             "You may not listen on [::1]:80: ports below 1024 need privileges; choose another with -p."),
            (socket.gaierror(-2, 'Name or service not known'), "Can't listen on [::1]:80: Name or service not known."),
            (EnvironmentError('no more'), "Can't listen on [::1]:80: no more."),
        ):
            self.assertEqual(str(cannot_listen(error, '::1', 80, '-p')), text)

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_a_routing_that_no_worker_could_use_is_refused(self):
        with self.assertRaisesMessage(CommandError, "The ROUTING of CHANNEL_LAYERS['lost'] can't be used: "):
            call_command('runchannels', layer='lost', skip_checks=True)

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_options_that_no_worker_could_use_are_refused(self):
        for option, text in (('--nope', '--worker-option: unrecognized arguments: --nope'),
                             ('--threads=x', "--worker-option: argument --threads: invalid int value: "),
                             ('--threads=0', '--threads must be 1 or more.')):
            with self.assertRaisesMessage(CommandError, text):
                call_command('runchannels', worker_options=[option])

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_workers_that_no_channel_would_be_left_for_are_refused(self):
        for option in '--only-channels=none.*', '--exclude-channels=*':
            with self.assertRaisesMessage(CommandError, 'No channel is left to receive from. The routing has: '):
                call_command('runchannels', worker_options=[option])

    @override_settings(CHANNEL_LAYERS=LAYERS)
    def test_a_delay_server_without_its_app_is_refused(self):
        # It keeps those of the apps of other tests.
        get_commands.cache_clear()
        self.addCleanup(get_commands.cache_clear)
        with self.modify_settings(INSTALLED_APPS={'remove': ['django.channels.delay', 'channels.delay']}):
            with self.assertRaisesMessage(CommandError, "--delay needs 'django.channels.delay' in INSTALLED_APPS"):
                call_command('runchannels', delay=True)
