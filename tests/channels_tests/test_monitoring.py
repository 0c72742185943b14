"""Tests of what a worker tells of itself: activity, history, metrics, health."""
from __future__ import absolute_import, unicode_literals

import contextlib
import errno
import io
import json
import logging
import os
import re
import shutil
import socket
import struct
import sys
import tempfile
import threading
import unittest

from django.channels import route
from django.channels.compat import six
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.exceptions import LayerUnavailable
from django.channels.histograms import BUCKETS, Histogram
from django.channels.in_progress import InProgress
from django.channels.layers import ChannelLayerWrapper, channel_layers
from django.channels.layers.acknowledgement import BURY, RETRY, receipt_of
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.presence import this_process
from django.channels.layers.transport.queue_states import COUNTERS
from django.channels.management import answering, tables, watching
from django.channels.management.projects import fingerprints
from django.channels.monitoring import exposition, families, history, vitals
from django.channels.monitoring.activity import AT_ONCE, MAX_CHANNELS, OTHER, Activity
from django.channels.monitoring.endpoint import Endpoint
from django.channels.monitoring.metrics import metrics_view
from django.channels.monitoring.snapshot import NUMBERS
from django.channels.monitoring.vitals import HealthFile, Vitals, behind, write_file
from django.channels.worker import Worker
from django.core.management import CommandError
from django.test import RequestFactory, SimpleTestCase, override_settings

from .clocks import ManualClock
from .logs import LogTestCase
from .test_http_handler import LogRecords

try:
    import prometheus_client
except ImportError:
    prometheus_client = None


class Task(object):
    consumer_name = 'app.consumer'

    def __init__(self, channel, since=0.0):
        self.channel = channel
        self.since = since


class ActivityTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(ActivityTests, self).setUp()
        self.clock = ManualClock()
        self.in_progress = InProgress()
        self.activity = Activity(self.in_progress, self.clock)

    def test_it_tells_what_runs_and_since_when(self):
        first, second = Task('a', 0.0), Task('b', 2.0)
        self.in_progress.threads.update({1: second, 2: first})
        self.clock.now = 5.0
        number, running = self.activity.running()
        self.assertEqual((number, [(task['channel'], task['seconds']) for task in running]), (2, [('a', 5), ('b', 3)]))
        self.assertEqual(running[0]['consumer'], 'app.consumer')

    def test_an_async_consumer_runs_once_whether_it_has_begun_or_not(self):
        task = Task('a')
        self.in_progress.submitted[task] = 1
        self.assertEqual(self.activity.running()[0], 1)
        self.in_progress.threads[1] = task
        self.assertEqual(self.activity.running()[0], 1)

    def test_it_counts_outcomes_and_durations_by_channel(self):
        for seconds, outcome in ((0.0005, 'handled'), (0.3, 'failed'), (100.0, 'handled')):
            task = Task('a', self.clock.now)
            self.clock.now += seconds
            self.activity.end(task, outcome)
        self.activity.waited('a', 0.02)
        numbers = self.activity.numbers()['a']
        self.assertEqual(numbers['outcomes'], {'handled': 2, 'failed': 1})
        self.assertEqual([index for index, count in enumerate(numbers['handled'][:-1]) if count], [0, 8, 15])
        self.assertEqual(numbers['handled'][-1], 100.3005)
        self.assertEqual((sum(numbers['waited'][:-1]), numbers['waited'][-1]), (1, 0.02))

    def test_messages_that_all_fail_leave_no_growing_list(self):
        for _ in range(10 * AT_ONCE):
            self.activity.waited('a', 0.02)
            self.activity.end(Task('a'), 'failed')
        self.assertLess(len(self.activity._channels['a'].latest_waited), AT_ONCE)
        numbers = self.activity.numbers()['a']
        self.assertEqual((numbers['outcomes'], sum(numbers['waited'][:-1])), ({'failed': 10 * AT_ONCE}, 10 * AT_ONCE))

    def test_many_threads_lose_no_count(self):
        def work():
            for _ in range(2500):
                self.activity.waited('a', 0.0)
                self.activity.end(Task('a'), 'handled')

        def counted():
            numbers = self.activity.numbers().get('a')
            return [sum(numbers[key][:-1]) if numbers else 0 for key in ('waited', 'handled')]

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        seen = [counted()]
        while any(thread.is_alive() for thread in threads):
            seen.append(counted())
            # Counters of which one goes back have begun anew, for Prometheus.
            self.assertTrue(all(now >= before for before, now in zip(*seen[-2:])), seen[-2:])
        for thread in threads:
            thread.join()
        self.assertEqual(counted(), [10000, 10000])

    def test_what_waits_to_be_counted_is_never_much(self):
        for number in range(10 * AT_ONCE):
            # A consumer reads the rest of a body from a channel of its own.
            for name in ('a', 'body?%d' % number):
                self.activity.waited(name, 0.0)
            self.activity.end(Task('a'), 'handled')
        latest = [getattr(durations, 'latest_' + key) for durations in self.activity._channels.values()
                  for key in ('waited', 'handled')]
        self.assertEqual(len(latest), 4)
        self.assertLessEqual(max(len(durations) for durations in latest), AT_ONCE)
        self.assertEqual([sum(numbers['waited'][:-1]) for name, numbers in sorted(self.activity.numbers().items())],
                         [10 * AT_ONCE] * 2)

    def test_it_names_the_thread(self):
        self.in_progress.threads[threading.current_thread().ident] = Task('a')
        self.assertEqual(self.activity.running()[1][0]['thread'], threading.current_thread().name)

    def test_names_without_end_are_counted_together(self):
        for number in range(MAX_CHANNELS + 5):
            self.activity.waited('c%d' % number, 0.0)
        for number in range(3):
            self.activity.waited('body?%d' % number, 0.0)
        numbers = self.activity.numbers()
        self.assertEqual(len(numbers), MAX_CHANNELS + 1)
        self.assertEqual(sum(numbers[OTHER]['waited'][:-1]), 8)

    def work(self, consumer):
        layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', [route('task', consumer)])
        worker = Worker(layer, signal_handlers=False)
        self.activity = Activity(worker.in_progress)
        layer.watch_waiting(self.activity.waited)
        worker.watch(self.activity)
        layer.send('task', {})
        worker.run_once()
        return self.activity.numbers()['task']

    def test_a_worker_tells_of_each_message(self):
        seen = []
        numbers = self.work(lambda message: seen.append(self.activity.running()))
        [(number, [task])] = seen
        self.assertEqual((number, task['channel']), (1, 'task'))
        self.assertIn('test_monitoring', task['consumer'])
        self.assertEqual(numbers['outcomes'], {'handled': 1})
        self.assertEqual(sum(numbers['waited'][:-1]), 1)
        self.assertEqual(self.activity.running(), (0, []))

    def test_a_consumer_that_raises_is_counted_as_failed(self):
        def fail(message):
            raise ZeroDivisionError('as consumers do')
        self.assertEqual(self.work(fail)['outcomes'], {'failed': 1})
        self.assertEqual(self.activity.running(), (0, []))

    @unittest.skipUnless(SUPPORTS_ASYNC, 'needs async consumers')
    def test_an_async_consumer_is_counted_once_it_has_ended(self):
        from .async_consumers import where
        self.assertEqual(self.work(where)['outcomes'], {'handled': 1})
        self.assertEqual(self.activity.running(), (0, []))


class HistogramTests(SimpleTestCase):

    def test_many_are_counted_together_as_each_by_itself(self):
        durations = [0.0, 100.0, -0.5] + [bound + more for bound in BUCKETS for more in (-0.0001, 0.0, 0.0001)]
        expected, together = Histogram(), Histogram()
        for seconds in durations:
            expected.observe(seconds)
        together.observe_all(durations[::-1])
        together.observe_all([])
        self.assertEqual(together.as_list(), expected.as_list())


class HistoryTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(HistoryTests, self).setUp()
        self.clock = ManualClock(1000.0)
        self.layer = InMemoryChannelLayer(expiry=10000, capacity=10000, clock=lambda: self.clock.now)

    def record(self):
        return history.record(self.layer, lambda: self.clock.now)

    def test_one_sample_a_minute_becomes_a_curve(self):
        for number in range(6):
            self.layer.send('task', {})
        self.assertTrue(self.record())
        self.assertFalse(self.record())
        self.clock.now += 60
        for number in range(120):
            self.layer.send('task', {})
        for number in range(66):
            self.layer.receive(['task'])
        self.assertTrue(self.record())
        first, second = history.curves(self.layer)['task']
        self.assertEqual(first, {'time': 1000, 'pending': 6, 'age': 0.0, 'in_rate': None, 'out_rate': None})
        self.assertEqual((second['time'], second['pending'], second['in_rate']), (1060, 60, 2.0))
        self.assertEqual(second['out_rate'], 1.1)

    def test_it_is_an_hour_long(self):
        self.layer.send('task', {})
        for number in range(70):
            self.assertTrue(self.record())
            self.clock.now += 60
        points = history.curves(self.layer)['task']
        self.assertEqual(len(points), 60)
        self.assertEqual(points[0]['time'], 1600)
        # Nobody watched for half an hour.
        self.clock.now += 1800
        self.record()
        self.assertEqual(len(history.curves(self.layer)['task']), 30)

    def test_a_worker_records_and_logs_an_outage_once(self):
        errors = [LayerUnavailable('gone'), LayerUnavailable('gone'), None, LayerUnavailable('gone')]

        def record(layer):
            error = errors.pop(0)
            if error is not None:
                raise error

        recorder = history.Recorder(self.layer, record)
        for number in range(4):
            recorder.look()
        self.assertEqual(self.log().count('The history of channels has a gap: gone'), 2)
        with recorder:
            pass

    def test_what_another_version_has_written_is_left_out(self):
        good = history.encode({}, 5.0)
        self.assertEqual(
            history.decode([
                '', '{}', '[]', 'null', '{"time": "x", "channels": {"a": [1]}}', '{"time": "x", "channels": {}}',
                '{"time": 5, "channels": {"a": ["1", 2, 3, 4]}}', '{"time": 5, "channels": {"a": "1234"}}',
                '{"time": 5, "channels": {"a": [null, 2, 3, 4]}}', good,
            ]),
            [{'time': 5, 'channels': {}}],
        )

    def test_a_sample_has_the_channels_that_matter(self):
        numbers = {'messages_max_age': 0, 'messages_count': 1, 'expired_count': 0}
        channels = {'c%03d' % number: dict(numbers, messages_pending=number) for number in range(300)}
        [sample] = history.decode([history.encode(channels, 0)])
        self.assertEqual((len(sample['channels']), min(sample['channels'])), (history.MAX_CHANNELS, 'c100'))


def families_of(layer):
    return families.of_layer(layer, 'default')


class FamilyTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer(acknowledged=['job'])
        self.layer.send('task', {})
        self.layer.group_add('room', 'a!b')
        self.activity = Activity(InProgress(), ManualClock())
        task = Task('task')
        self.activity.end(task, 'handled')
        self.activity.waited('task', 0.003)

    def values(self, found):
        return {(family.name,) + labels: value for family in found for labels, value in family.samples}

    def test_a_layer_has_gauges_and_counters(self):
        values = self.values(families_of(self.layer))
        self.assertEqual(values['channels_messages_pending', 'default', 'task'], 1)
        self.assertEqual(values['channels_messages_sent', 'default', 'task'], 1)
        self.assertEqual(values['channels_groups', 'default'], 1)
        self.assertEqual(values['channels_group_members', 'default'], 1)

    def test_every_number_of_a_channel_is_told_in_each_place(self):
        # Whatever a layer may count, an operator can see.
        numbers = {'messages_pending', 'messages_max_age'} | set(COUNTERS.values())
        self.assertEqual(numbers - set(NUMBERS), set())
        self.assertEqual(numbers - {row[0] for row in families.OF_CHANNELS}, set())
        self.assertEqual(numbers - {row[1] for row in tables.COLUMNS}, set())

    def test_acknowledged_channels_have_their_own(self):
        self.layer.hold_as('tester')
        for delay in (0, 0, 0, 3600):
            self.layer.send_job('job', {}, delay=delay)
        for action in (RETRY, BURY):
            held = self.layer.receive(['job'])[1]
            self.layer.postpone(receipt_of(held), action, delay=60)
        self.layer.receive(['job'])
        values = self.values(families_of(self.layer))
        self.assertEqual(
            {key[0]: value for key, value in values.items() if key[2:] == ('job',) and 'messages_' not in key[0]},
            {'channels_jobs_delayed': 2, 'channels_jobs_in_progress': 1, 'channels_dead_letters': 1,
             'channels_oldest_message_age_seconds': 0})
        self.assertEqual(
            [values['channels_messages_' + name, 'default', 'job'] for name in ('retried', 'requeued', 'dead')],
            [1, 0, 1])
        # Channels that can have none have no time series of zeros.
        self.assertNotIn(('channels_dead_letters', 'default', 'task'), values)

    def test_processes_are_counted_by_kind_and_those_alive_give_their_numbers(self):
        numbers = self.activity.numbers()
        found = families.of_processes([
            {'kind': 'worker', 'name': 'one', 'alive': True, 'facts': {'numbers': numbers}},
            {'kind': 'worker', 'name': 'two', 'alive': True, 'facts': {'numbers': numbers}},
            {'kind': 'worker', 'name': 'dead', 'alive': False, 'facts': {'numbers': numbers}},
            {'kind': 'server', 'name': 'front', 'alive': True, 'facts': {'sockets': 7, 'requests': 2}},
            {'kind': 'server', 'name': 'back', 'alive': True, 'facts': {'served': {
                'responses': {'200': 3}, 'closed': {'1000': 4}, 'dropped': {'full': 1},
                'durations': [0, 1, 2] + [0] * (len(BUCKETS) - 2) + [0.008],
            }}},
        ], 'default')
        values = self.values(found)
        self.assertEqual(values['channels_processes', 'default', 'worker'], 2)
        self.assertEqual(values['channels_processes', 'default', 'server'], 2)
        self.assertEqual(values['channels_messages_handled', 'two', 'task', 'handled'], 1)
        self.assertEqual(values['channels_interface_server_sockets', 'front'], 7)
        self.assertEqual(values['channels_interface_server_requests', 'front'], 2)
        for name, value, number in (
            ('responses', '200', 3), ('sockets_closed', '1000', 4), ('dropped', 'full', 1),
        ):
            self.assertEqual(values['channels_interface_server_' + name, 'back', value], number)
        durations = values['channels_interface_server_request_duration_seconds', 'back']
        self.assertEqual(families.cumulative(durations)[0][-1], ('+Inf', 3))
        self.assertFalse([key for key in values if 'dead' in key])
        self.assertEqual(len({family.name for family in found}), len(found))

    def test_what_another_version_tells_costs_the_others_nothing(self):
        good = self.activity.numbers()
        odd = [[], {'task': {}}, {'task': dict(good['task'], waited=['x'] * 17)}, {'task': None}]
        of_servers = [[], {'responses': []}, {'responses': {'200': 'many'}, 'durations': [1], 'closed': {'1000': 1}}]
        found = families.of_processes([
            {'kind': 'worker', 'name': 'odd-%d' % number, 'alive': True, 'facts': {'numbers': numbers}}
            for number, numbers in enumerate(odd + [{'task': dict(good['task'], handled=[1])}])
        ] + [
            {'kind': 'server', 'name': 'served-%d' % number, 'alive': True, 'facts': {'served': served}}
            for number, served in enumerate(of_servers)
        ] + [{'kind': 'worker', 'name': 'good', 'alive': True, 'facts': {'numbers': good}}], 'default')
        values = self.values(found)
        self.assertEqual(values['channels_messages_handled', 'good', 'task', 'handled'], 1)
        # What is understood of it is told.
        self.assertEqual(values['channels_messages_handled', 'odd-4', 'task', 'handled'], 1)
        self.assertEqual(values['channels_interface_server_sockets_closed', 'served-2', '1000'], 1)
        self.assertEqual(
            {key[:2] for key in values if key[0].startswith(('channels_consumer', 'channels_interface'))},
            {('channels_consumer_duration_seconds', 'good'),
             ('channels_interface_server_sockets_closed', 'served-2')})
        if prometheus_client:
            exposition.render('', lambda: found)

    def test_names_without_end_have_no_series_without_end(self):
        self.addCleanup(setattr, families, 'MAX_CHANNELS', families.MAX_CHANNELS)
        families.MAX_CHANNELS = 2
        for number in range(4):
            for _ in range(number + 1):
                self.layer.send('user-%d' % number, {})
        for number in (2, 3):
            for _ in range(number + 1):
                self.layer.receive(['user-%d' % number])
        values = self.values(families_of(self.layer))
        self.assertEqual({key: value for key, value in values.items() if key[0] == 'channels_messages_pending'}, {
            ('channels_messages_pending', 'default', 'task'): 1,
            ('channels_messages_pending', 'default', 'user-1'): 2,
        })
        self.assertEqual({key: value for key, value in values.items() if key[0] == 'channels_messages_sent'}, {
            ('channels_messages_sent', 'default', 'user-2'): 3, ('channels_messages_sent', 'default', 'user-3'): 4,
        })
        self.assertEqual(values['channels_without_series', 'default'], 3)

    def test_a_histogram_counts_up(self):
        buckets, total = families.cumulative(self.activity.numbers()['task']['waited'])
        self.assertEqual(buckets[:4], [('0.001', 0), ('0.0025', 0), ('0.005', 1), ('0.01', 1)])
        self.assertEqual((buckets[-1], total), (('+Inf', 1), 0.003))

    def answer(self, token, method='get', **headers):
        if token is not None:
            headers['HTTP_AUTHORIZATION'] = token
        with override_settings(CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': [],
        }}):
            channel_layers.reset()
            self.addCleanup(channel_layers.reset)
            channel_layers['default'].send('task', {})
            return metrics_view('secret')(getattr(RequestFactory(), method)('/metrics', **headers))

    def test_a_view_tells_metrics_to_who_knows_the_token(self):
        for token in (None, '', 'Bearer', 'Bearer secre', 'Basic secret', 'Bearer s\xe9cret'):
            response = self.answer(token)
            self.assertEqual((response.status_code, response['WWW-Authenticate']), (401, 'Bearer'))
            self.assertNotIn(b'channels_', response.content)
        self.assertEqual(self.answer('Bearer secret', 'post').status_code, 405)
        for token in ('', None):
            with self.assertRaisesMessage(ValueError, 'needs a token'):
                metrics_view(token)

    @unittest.skipUnless(prometheus_client, 'prometheus_client is not installed')
    def test_a_view_has_what_the_layer_and_its_processes_tell(self):
        response = self.answer('Bearer secret')
        self.assertEqual((response.status_code, response['Cache-Control']), (200, 'no-store'))
        text = response.content.decode('utf-8')
        self.assertIn('channels_messages_sent_total{channel="task",layer="default"} 1.0', text)
        self.assertIn('# TYPE channels_processes gauge', text)
        response = self.answer('Bearer secret', HTTP_ACCEPT='application/openmetrics-text')
        self.assertTrue(response['Content-Type'].startswith('application/openmetrics-text'))

    @unittest.skipUnless(prometheus_client, 'prometheus_client is not installed')
    def test_it_is_written_for_prometheus_and_as_openmetrics(self):
        sources = [lambda: families_of(self.layer), lambda: families.of_activity(self.activity.numbers(), 'one')]
        content_type, text = exposition.render('', *sources)
        self.assertIn('text/plain', content_type)
        self.assertIn(b'channels_messages_sent_total{channel="task",layer="default"} 1.0', text)
        self.assertIn(b'channels_queue_duration_seconds_bucket{channel="task",le="0.005",process="one"} 1.0', text)
        content_type, text = exposition.render('application/openmetrics-text; version=1.0.0', *sources)
        self.assertIn('application/openmetrics-text', content_type)
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
        parsed = {family.name: family.unit for family in text_string_to_metric_families(text.decode('utf-8'))}
        self.assertEqual(parsed['channels_consumer_duration_seconds'], 'seconds')
        self.assertEqual(parsed['channels_messages_sent'], '')

    @unittest.skipUnless(prometheus_client, 'prometheus_client is not installed')
    def test_the_dashboard_asks_for_metrics_that_there_are(self):
        sources = [
            lambda: families_of(self.layer), lambda: families.of_activity(self.activity.numbers(), 'one'),
            lambda: families.of_processes([], 'default'),
        ]
        text = exposition.render('', *sources)[1].decode('utf-8')
        # A family without samples, such as that of servers here, is named.
        names = set(re.findall(r'^(?:# TYPE )?(channels_\w+)', text, re.M))
        names.update(name + '_bucket' for name in re.findall(r'^# TYPE (\w+) histogram$', text, re.M))
        path = os.path.join(os.path.dirname(exposition.__file__), 'grafana.json')
        with io.open(path, encoding='utf-8') as file:
            panels = json.load(file)['panels']
        asked = {name for panel in panels for target in panel['targets']
                 for name in re.findall(r'channels_\w+', target['expr'])}
        self.assertEqual((asked - names, len(asked) > 10), (set(), True))
        # One place to scrape is enough for each panel.
        for panel in panels:
            self.assertTrue(any('channels_' in target['expr'] for target in panel['targets']), panel['title'])

    @unittest.skipUnless(prometheus_client, 'prometheus_client is not installed')
    def test_a_library_without_openmetrics_is_said_to_be_too_old(self):
        name = 'prometheus_client.openmetrics'
        kept = {each: module for each, module in sys.modules.items() if each.startswith(name)}
        for each in kept:
            del sys.modules[each]
        sys.modules[name] = None
        try:
            for accept in ('', 'application/openmetrics-text'):
                with self.assertRaisesMessage(ImportError, '0.4 or later'):
                    exposition.render(accept)
        finally:
            del sys.modules[name]
            sys.modules.update(kept)

    def test_without_the_library_it_is_said_how_to_install_it(self):
        kept = {name: module for name, module in sys.modules.items() if name.startswith('prometheus_client')}
        for name in kept:
            del sys.modules[name]
        sys.modules['prometheus_client'] = None
        try:
            with self.assertRaisesMessage(ImportError, 'pip install -U prometheus-client'):
                exposition.render('')
        finally:
            del sys.modules['prometheus_client']
            sys.modules.update(kept)


def fetch(port, path, host='127.0.0.1'):
    """Return (status, bytes) of a GET."""
    with contextlib.closing(six.moves.http_client.HTTPConnection(host, port, timeout=30)) as connection:
        connection.request('GET', path)
        answer = connection.getresponse()
        return answer.status, answer.read()


class VitalsTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(VitalsTests, self).setUp()
        self.running = 0, []
        self.waiting, self.stopping = 0.0, False
        self.vitals = Vitals(
            lambda: self.running, self.look_behind, max_busy=30, is_stopping=lambda: self.stopping, wall=lambda: 1.0,
        )
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.path = os.path.join(folder, 'health')

    def look_behind(self):
        if self.waiting is None:
            raise LayerUnavailable('Redis is gone')
        return self.waiting

    def status(self):
        return self.vitals.report()[1]['status']

    def test_it_tells_what_a_worker_does_and_how_far_it_is_behind(self):
        self.running, self.waiting = (1, [{'channel': 'a', 'consumer': 'app.a', 'seconds': 2.0}]), 7.3
        well, facts = self.vitals.report()
        self.assertTrue(well)
        self.assertEqual(facts, {
            'status': 'ok', 'pid': os.getpid(), 'time': 1, 'running': 1, 'longest': 2.0, 'doing': 'app.a',
            'behind': 7.3,
        })

    def test_a_stuck_worker_and_a_lost_layer_are_not_well(self):
        self.waiting = None
        self.assertEqual(self.status(), 'unreachable')
        self.running = 1, [{'channel': 'a', 'consumer': '', 'seconds': 31.0}]
        self.assertEqual(self.status(), 'busy')
        self.running, self.waiting, self.stopping = (0, []), 0, True
        self.assertEqual(self.status(), 'stopping')

    def test_how_far_behind_is_the_oldest_of_its_channels(self):
        clock = ManualClock()
        layer = InMemoryChannelLayer(clock=lambda: clock.now)
        layer.send('a', {})
        clock.now = 4.0
        layer.send('b', {})
        self.assertEqual([behind(layer, ['a', 'b']), behind(layer, ['b']), behind(layer, [])], [4, 0, 0])

    def test_the_file_is_there_while_it_runs_and_isnt_renewed_when_stuck(self):
        with HealthFile(self.path, self.vitals, interval=3600) as file:
            self.assertEqual(self.read()['status'], 'ok')
            self.running = 1, [{'channel': 'a', 'consumer': '', 'seconds': 31.0}]
            file.look()
            self.assertEqual(self.read()['status'], 'ok')
            self.running = 0, []
            self.waiting = 5.0
            file.look()
            self.assertEqual(self.read()['behind'], 5)
        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])

    def test_a_layer_that_hangs_holds_up_no_probe(self):
        has_come, may_go, calls = threading.Event(), threading.Event(), []
        self.addCleanup(may_go.set)

        def hang():
            calls.append(None)
            has_come.set()
            may_go.wait(30)
            return 7.0

        vitals = Vitals(lambda: self.running, hang, max_busy=30)
        for patience in (30, 0):
            # The second asks beside the first, and nobody asks the layer again.
            thread = threading.Thread(target=vitals.report, args=(patience,))
            thread.start()
            self.addCleanup(thread.join)
        self.assertTrue(has_come.wait(30))
        well, facts = vitals.report(0)
        self.assertEqual((well, facts['status'], facts['behind']), (False, 'unreachable', None))
        self.assertEqual(len(calls), 1)
        may_go.set()
        self.assertEqual(vitals.report(30)[1]['behind'], 7)

    def test_the_file_says_that_the_layer_is_away_and_stays_new(self):
        with HealthFile(self.path, self.vitals, interval=3600) as file:
            self.waiting = None
            file.look()
            self.assertEqual(self.read()['status'], 'unreachable')
            self.stopping = True
            file.look()
            self.assertEqual(self.read()['status'], 'stopping')

    def test_a_file_of_the_next_process_is_left_to_it(self):
        with HealthFile(self.path, self.vitals, interval=3600):
            write_file(self.path, {'pid': -1})
        self.assertEqual(self.read(), {'pid': -1})
        os.remove(self.path)
        with HealthFile(self.path, self.vitals, interval=3600) as file, LogRecords('django.channels') as logged:
            os.remove(self.path)
            os.mkdir(self.path)
            file._look_again()
        self.assertIn("can't be written", logged[0].getMessage())
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ['health'])

    def test_a_full_disk_is_no_reason_to_do_no_work(self):
        def write(path, facts):
            raise EnvironmentError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

        self.addCleanup(setattr, vitals, 'write_file', vitals.write_file)
        vitals.write_file = write
        with LogRecords('django.channels') as logged, HealthFile(self.path, self.vitals, interval=3600):
            pass
        self.assertIn("can't be written", logged[0].getMessage())

    def read(self):
        with open(self.path) as file:
            return json.load(file)

    def test_probes_and_prometheus_are_answered(self):
        def metrics(accept, of_all):
            if of_all:
                return 'text/plain', b'all'
            raise ImportError('pip install it')
        with Endpoint('127.0.0.1', 0, self.vitals, metrics) as endpoint:
            status, body = fetch(endpoint.port, '/health')
            self.assertEqual((status, json.loads(body.decode('utf-8'))['status']), (200, 'ok'))
            self.assertEqual(fetch(endpoint.port, '/metrics'), (501, b'pip install it\n'))
            self.assertEqual(fetch(endpoint.port, '/metrics/all'), (200, b'all'))
            self.assertEqual(fetch(endpoint.port, '/')[0], 404)
            self.waiting = None
            self.assertEqual([fetch(endpoint.port, path)[0] for path in ('/health', '/ready')], [200, 503])
            self.running = 1, [{'channel': 'a', 'consumer': '', 'seconds': 31.0}]
            self.assertEqual(fetch(endpoint.port, '/health')[0], 503)

    def test_a_probe_that_gives_up_leaves_no_traceback(self):
        has_come, has_left, is_logged = threading.Event(), threading.Event(), threading.Event()

        def metrics(accept, of_all):
            has_come.set()
            has_left.wait(30)
            return 'text/plain', b'x'

        handler = logging.getLogger('django.channels').handlers[0]

        def emit(record):
            logging.StreamHandler.emit(handler, record)
            if 'left' in record.getMessage():
                is_logged.set()

        handler.emit = emit
        self.addCleanup(setattr, sys, 'stderr', sys.stderr)
        sys.stderr = six.StringIO()
        with Endpoint('127.0.0.1', 0, self.vitals, metrics) as endpoint:
            with contextlib.closing(socket.create_connection(('127.0.0.1', endpoint.port), 30)) as client:
                # So that closing resets it, and what is written then fails.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(str('ii'), 1, 0))
                client.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
                self.assertTrue(has_come.wait(30))
            has_left.set()
            self.assertTrue(is_logged.wait(10), sys.stderr.getvalue())
        self.assertEqual(sys.stderr.getvalue(), '')
        self.assertLogged('A client of health and metrics left: ')
        # Threads that earlier tests have left may log tracebacks of theirs.
        self.assertNotIn('A request for health or metrics failed', self.log())

    def test_an_address_of_ipv6_is_served(self):
        try:
            with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
                probe.bind(('::1', 0))
        except EnvironmentError as error:
            self.skipTest('There is no IPv6 here: %s' % error)
        with Endpoint('::1', 0, self.vitals, None) as endpoint:
            self.assertEqual(fetch(endpoint.port, '/health', '::1')[0], 200)

    def test_an_address_is_served_without_asking_who_that_is(self):
        def ask(*args):
            self.fail('the DNS was asked')

        self.addCleanup(setattr, socket, 'getfqdn', socket.getfqdn)
        socket.getfqdn = ask
        with Endpoint('127.0.0.1', 0, self.vitals, None) as endpoint:
            self.assertEqual(fetch(endpoint.port, '/health')[0], 200)

    def test_an_address_in_use_is_waited_for_if_it_is_told_to_be_patient(self):
        with Endpoint('127.0.0.1', 0, self.vitals, None) as first:
            port = first.port
            with self.assertRaises(EnvironmentError):
                Endpoint('127.0.0.1', port, self.vitals, None)
            with Endpoint('127.0.0.1', port, self.vitals, None, is_patient=True):
                # It ends as well while it waits.
                self.assertEqual(fetch(port, '/health')[0], 200)
            second = Endpoint('127.0.0.1', port, self.vitals, None, is_patient=True)
        with second:
            for _ in range(3000):
                try:
                    status = fetch(port, '/health')[0]
                    break
                except EnvironmentError:
                    threading.Event().wait(0.01)
            self.assertEqual(status, 200)


class WatchedTests(SimpleTestCase):

    def test_each_of_several_processes_has_an_address_of_its_own(self):
        options = {'management': '127.0.0.1:65534', 'processes': 2, 'health_file': None}
        watching.check(options)
        self.assertEqual(watching.of_process(options, 1)['management'], '[127.0.0.1]:65535')
        self.assertEqual(watching.of_process(dict(options, management='0'), 1)['management'], '[127.0.0.1]:0')
        with self.assertRaisesMessage(CommandError, 'has no port for each of 3 processes'):
            watching.check(dict(options, processes=3))

    def test_a_health_file_that_can_not_be_written_is_said_before_processes_start(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        good = os.path.join(folder, 'health')
        for path, processes in ((good, None), (good, 2), (folder, None), ('/no/such/folder/health', None),
                                ('/no/such/folder/health', 2)):
            options = {'health_file': path, 'processes': processes}
            if path == good:
                watching.check(options)
            else:
                with self.assertRaisesMessage(CommandError, '--health-file %s' % path):
                    watching.check(options)
        os.mkdir(good + '.1')
        with self.assertRaisesMessage(CommandError, "health.1 can't be written"):
            watching.check({'health_file': good, 'processes': 2})
        with self.assertRaises(EnvironmentError):
            write_file(good + '.1', {})
        self.assertEqual(os.listdir(folder), ['health.1'])

    def worker(self):
        layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', [route('task', lambda message: None)])
        return Worker(layer, signal_handlers=False)

    def test_mistakes_are_said_before_work_begins(self):
        for options, text in (
            ({'management': 'nowhere'}, '--management must be HOST:PORT'),
            ({'management': '127.0.0.1:99999'}, '--management must be HOST:PORT'),
            ({'max_busy': 0.0}, '--max-busy must be a number of seconds above 0'),
            ({'health_file': '/no/such/folder/health'}, '/no/such/folder/health'),
        ):
            with self.assertRaisesMessage(CommandError, text):
                with watching.watched(self.worker(), dict(options, layer='default')):
                    self.fail('it began')

    def test_an_address_that_something_else_has_is_named(self):
        with Endpoint('127.0.0.1', 0, None, None) as endpoint:
            address = '127.0.0.1:%d' % endpoint.port
            text = 'Something else listens on %s: stop it, or choose another port with --management.' % address
            with self.assertRaisesMessage(CommandError, text):
                with watching.watched(self.worker(), {'management': address, 'layer': 'default'}):
                    self.fail('it began')

    def test_one_of_several_processes_warns_of_servers(self):
        warned, warn = [], watching.warn
        self.addCleanup(setattr, watching, 'warn', warn)
        watching.warn = lambda *args: warned.append(args)
        worker = self.worker()
        worker.channel_layer.channel_layer.promises = lambda: []
        for index in range(3):
            with watching.watched(worker, watching.of_process({'layer': 'default'}, index)):
                pass
        self.assertEqual(len(warned), 1)
        with watching.watched(worker, {'layer': 'default'}):
            pass
        self.assertEqual(len(warned), 2)

    def test_addresses(self):
        self.assertEqual(watching.parse_address('9100'), ('127.0.0.1', 9100))
        self.assertEqual(watching.parse_address('[::1]:9100'), ('::1', 9100))
        self.assertEqual(watching.parse_address('0.0.0.0:0'), ('0.0.0.0', 0))
        for text in ('127.0.0.1:\xb2', ':', 'host', '1:2:'):
            with self.assertRaises(CommandError):
                watching.parse_address(text)

    def test_what_it_watched_is_left_as_it_was(self):
        worker = self.worker()
        with watching.watched(worker, {'layer': 'default'}):
            self.assertIsNotNone(worker.channel_layer.on_received)
        self.assertIsNone(worker.channel_layer.on_received)

    @unittest.skipUnless(prometheus_client, 'prometheus_client is not installed')
    def test_one_worker_has_the_metrics_of_all(self):
        worker, activity = self.worker(), Activity(InProgress())
        task = Task('task')
        activity.end(task, 'handled')
        worker.channel_layer.announce(this_process('worker', '1')._replace(name='other'), {
            'numbers': activity.numbers(),
        })
        with watching.watched(worker, {'layer': 'default'}):
            text = answering.render(worker.channel_layer, 'default', activity, 'me', '', of_all=True)[1]
            alone = answering.render(worker.channel_layer, 'default', Activity(InProgress()), 'me', '')[1]
        line = b'channels_messages_handled_total{channel="task",outcome="handled",process="other"} 1.0'
        self.assertIn(line, text)
        self.assertIn(b'channels_processes{kind="worker",layer="default"} 2.0', text)
        self.assertNotIn(line, alone)

    @unittest.skipUnless(prometheus_client, 'prometheus_client is not installed')
    def test_a_worker_tells_its_own_numbers_while_the_layer_is_away(self):
        layer, activity = self.worker().channel_layer, Activity(InProgress())
        activity.end(Task('task'), 'handled')
        text = answering.render(layer, 'default', activity, 'me', '')[1]
        self.assertIn(b'channels_layer_up{layer="default"} 1.0', text)

        def fail(*args):
            raise LayerUnavailable('Redis is gone')

        layer.channel_layer.inspect_channels = fail
        text = answering.render(layer, 'default', activity, 'me', '')[1]
        self.assertIn(b'channels_messages_handled_total{channel="task",outcome="handled",process="me"} 1.0', text)
        for of_all in (False, True):
            text = answering.render(layer, 'default', activity, 'me', '', of_all)[1]
            self.assertIn(b'channels_layer_up{layer="default"} 0.0', text)

    def test_a_process_tells_the_numbers_of_its_busiest_channels(self):
        activity = Activity(InProgress())
        for channel in ('rare', 'busy', 'busy'):
            task = Task(channel)
            activity.end(task, 'handled')
        self.assertEqual(list(activity.numbers(1)), ['busy'])
        self.assertEqual(set(activity.numbers()), {'rare', 'busy'})

    def test_it_is_listed_while_it_works(self):
        worker = self.worker()
        layer = worker.channel_layer
        with watching.watched(worker, {'layer': 'default'}):
            [entry] = layer.processes('worker')
            self.assertEqual(entry['facts'], {
                'threads': 1, 'tasks': 0, 'running': 0, 'doing': [], 'stopping': False, 'channels': worker.channels,
                'numbers': {}, 'project': fingerprints(), 'disconnects': False,
            })
        self.assertEqual(layer.processes(), [])

    def test_it_says_that_it_reads_disconnects(self):
        worker = self.worker()
        worker.channels.append('http.disconnect')
        with watching.watched(worker, {'layer': 'default'}):
            [entry] = worker.channel_layer.processes('worker')
            self.assertIs(entry['facts']['disconnects'], True)
