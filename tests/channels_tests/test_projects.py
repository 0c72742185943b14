"""Tests of what notices two projects on one prefix."""
from __future__ import absolute_import, unicode_literals

from django.channels.exceptions import AnotherProject, LayerUnavailable
from django.channels.fingerprints import fingerprints
from django.channels.interfaces.project_watch import ProjectWatch
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.presence import BEAT_INTERVAL, LIFETIME, SERVER, WORKER, this_process
from django.channels.management import projects, watching
from django.channels.management.commands.runworker import Command
from django.channels.presence import Presence
from django.channels.worker import Worker
from django.core.management import CommandError
from django.test import SimpleTestCase, override_settings

from .clocks import ManualClock
from .redis_case import Records

#: Of the key "secret".
FINGERPRINT = 'dfa9d82d4a4ee329'
OPTIONS = {
    'layer': 'default', 'verbosity': 0, 'reload': False, 'any_project': False, 'only_channels': None,
    'exclude_channels': None,
}


class AwayLayer(InMemoryChannelLayer):

    def processes(self, kind=None):
        raise LayerUnavailable('away')


@override_settings(SECRET_KEY='the key of this project', SECRET_KEY_FALLBACKS=[])
class ProjectTests(SimpleTestCase):

    def setUp(self):
        self.clock = ManualClock(1000.0)
        self.layer = InMemoryChannelLayer(clock=self.clock.monotonic)

    def others(self, kind=WORKER, **facts):
        self.layer.announce(this_process(kind, '1'), facts)

    def fingerprint(self, key):
        with self.settings(SECRET_KEY=key):
            return fingerprints()[0]

    def test_worker_of_another_project_is_found(self):
        self.others(project=[self.fingerprint('another')])
        with self.assertRaisesMessage(CommandError, 'Processes of another project are at work on this layer'):
            projects.check_project(self.layer)

    def test_server_of_another_project_is_found(self):
        self.others(SERVER, project=[self.fingerprint('another')])
        with self.assertRaises(CommandError):
            projects.check_project(self.layer)

    def test_who_was_told_to_share_keeps_nobody_of_the_first_project_away(self):
        self.others(project=fingerprints())
        self.others(project=[self.fingerprint('another')])
        projects.check_project(self.layer)

    def test_worker_of_this_project_is_right(self):
        worker = Worker(ChannelLayerWrapper(self.layer, 'default', []), signal_handlers=False)
        with watching.watched(worker, {'layer': 'default'}):
            process, = self.layer.processes(WORKER)
            self.assertEqual(process['facts']['project'], fingerprints())
            projects.check_project(self.layer)
            with self.settings(SECRET_KEY='a new one'), self.assertRaises(CommandError):
                projects.check_project(self.layer)

    def test_key_that_is_being_replaced_is_known_to_both(self):
        old, new = self.fingerprint('the key of this project'), self.fingerprint('new')
        self.others(project=[old])
        with self.settings(SECRET_KEY='new', SECRET_KEY_FALLBACKS=['the key of this project']):
            self.assertEqual(fingerprints(), [new, old])
            projects.check_project(self.layer)
        self.layer.flush()
        # One with the old code begins once more.
        self.others(project=[new, old])
        projects.check_project(self.layer)

    def test_what_says_nothing_of_its_project_is_right(self):
        self.others()
        self.others(project=None)
        self.others(project='nonsense')
        self.others(project=[])
        # It was told a Redis, and knows no project.
        self.others(kind=SERVER)
        projects.check_project(self.layer)

    def test_dead_worker_keeps_nobody_away(self):
        self.others(project=['0123456789abcdef'])
        self.clock.sleep(LIFETIME + 1)
        projects.check_project(self.layer)

    def test_layer_that_is_away_is_waited_for(self):
        projects.check_project(AwayLayer())

    @override_settings(SECRET_KEY='')
    def test_project_without_a_key_has_no_fingerprint(self):
        self.assertEqual(fingerprints(), [])
        self.others(project=['0123456789abcdef'])
        projects.check_project(self.layer)

    def test_fingerprint_is_that_of_the_standard(self):
        self.assertEqual(self.fingerprint('secret'), FINGERPRINT)
        self.assertEqual(self.fingerprint(b'secret'), FINGERPRINT)

    def test_command_refuses_unless_it_is_told_otherwise(self):
        self.others(project=['0123456789abcdef'])
        command, layer = Command(), ChannelLayerWrapper(self.layer, 'default', [])
        command.get_layer = lambda alias: layer
        made = []

        def make_worker(layer, options):
            made.append(layer)
            raise CommandError('far enough')

        command.make_worker = make_worker
        with self.assertRaisesMessage(CommandError, 'Processes of another project'):
            command.work(OPTIONS)
        self.assertEqual(made, [])
        with self.assertRaisesMessage(CommandError, 'far enough'):
            command.work(dict(OPTIONS, any_project=True))

    def test_worker_that_began_while_the_layer_was_away_is_stopped_once_it_is_known(self):
        self.others(project=['0123456789abcdef'])
        stopped, layer = [], ReturningLayer(clock=self.clock.monotonic)
        layer.announce(this_process(WORKER, '1'), {'project': ['0123456789abcdef']})
        presence = Presence(
            layer, WORKER, '1', lambda: {}, interval=0.01, project=fingerprints(),
            on_refused=lambda: stopped.append(1),
        )
        layer.is_away = True
        with presence:
            self.assertIsNone(presence.refusal)
            layer.is_away = False
            presence.beat()
            presence.beat()
        self.assertIsInstance(presence.refusal, AnotherProject)
        self.assertEqual(stopped, [1])
        self.assertEqual(len(layer.processes()), 1)

    def test_watched_worker_of_another_project_ends_with_the_reason(self):
        self.others(project=['0123456789abcdef'])
        worker = Worker(ChannelLayerWrapper(self.layer, 'default', []), signal_handlers=False)
        with self.assertRaisesMessage(CommandError, 'Processes of another project'):
            with watching.watched(worker, {'layer': 'default'}):
                self.fail('it has begun')
        with watching.watched(worker, {'layer': 'default', 'any_project': True}):
            self.assertEqual(len(self.layer.processes()), 2)


class ReturningLayer(InMemoryChannelLayer):
    is_away = False

    def claim(self, process, facts, project):
        if self.is_away:
            raise LayerUnavailable('away')
        return super(ReturningLayer, self).claim(process, facts, project)


@override_settings(SECRET_KEY='the key of this project', SECRET_KEY_FALLBACKS=[])
class ProjectWatchTests(SimpleTestCase):

    def setUp(self):
        self.clock = ManualClock(1000.0)
        self.layer = InMemoryChannelLayer(clock=self.clock.monotonic)
        self.watch = ProjectWatch(self.layer, self.clock.monotonic)

    def announce(self, *project):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {'project': list(project)})
        return process

    def refused_later(self):
        self.clock.sleep(BEAT_INTERVAL)
        return self.watch.is_refused()

    def test_requests_are_refused_as_long_as_others_are_there_alone(self):
        self.assertIs(self.watch.is_refused(), False)
        other = self.announce('0123456789abcdef')
        # It has just looked.
        self.assertIs(self.watch.is_refused(), False)
        with Records() as log:
            self.assertIs(self.refused_later(), True)
            self.assertIs(self.refused_later(), True)
        self.assertEqual([line[:21] for line in log.lines], ['Requests are refused.'])
        own = self.announce(*fingerprints())
        self.assertIs(self.refused_later(), False)
        self.layer.withdraw(own)
        self.layer.withdraw(other)
        self.announce('0123456789abcdef')
        self.assertIs(self.refused_later(), True)

    def test_layer_that_is_away_changes_nothing(self):
        self.announce('0123456789abcdef')
        self.assertIs(self.watch.is_refused(), True)
        self.layer.new_processes = AwayLayer().processes
        self.assertIs(self.refused_later(), True)
