"""Tests of schedules, and of messages that are sent later."""
from __future__ import absolute_import, unicode_literals

import calendar
import datetime
import time
from unittest import skipIf, skipUnless

from django.channels.apps import _check_schedules
from django.channels.channel import DELAYED, Channel
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.compat.time_zones import named_zone
from django.channels.layers import channel_layers
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.registry import ChannelLayerWrapper
from django.channels.message import Message
from django.channels.outbox import collected
from django.channels.routing import include, route
from django.channels.schedules.cron import CronLine
from django.channels.schedules.firing import last_run, plan, run_schedule
from django.channels.schedules.planning import Planning
from django.channels.schedules.table import SCHEDULES, Schedule, schedules_of
from django.channels.test import lint
from django.channels.worker import HANDLED, Worker
from django.test import SimpleTestCase, override_settings
from django.utils.timezone import get_default_timezone

from .logs import LogTestCase

try:
    import croniter
except ImportError:
    croniter = None

ROUTING = [include('django.channels.schedules.channel_routing'), route('reports', len)]


def moment(*numbers):
    """Return a time in UTC, given as datetime takes it, in seconds since 1970."""
    return calendar.timegm(datetime.datetime(*numbers).timetuple())


class Berlin(datetime.tzinfo):
    """Central European Time in 2026; some systems have no time zones."""

    FIRST, LAST = datetime.datetime(2026, 3, 29, 1), datetime.datetime(2026, 10, 25, 1)

    def fromutc(self, when):
        naive = when.replace(tzinfo=None)
        return when + datetime.timedelta(hours=2 if self.FIRST <= naive < self.LAST else 1)

    def utcoffset(self, when):
        # It is only asked for what fromutc() returns.
        return datetime.timedelta(0)

    dst = utcoffset


class Samoa(Berlin):
    """That of Samoa, which left out 2011-12-30: it went to the other side of the date line."""

    CHANGE = datetime.datetime(2011, 12, 30, 10)

    def fromutc(self, when):
        return when + datetime.timedelta(hours=14 if when.replace(tzinfo=None) >= self.CHANGE else -10)


@skipIf(croniter is None, 'croniter is not installed')
class CronTests(SimpleTestCase):

    def times(self, line, start, number):
        cron, found = CronLine(line, Berlin()), []
        for _ in range(number):
            start = cron.next_after(start)
            found.append(datetime.datetime.utcfromtimestamp(start).strftime('%d %H:%M'))
        return found

    def test_a_daily_time_follows_the_clocks(self):
        self.assertEqual(self.times('30 4 * * *', moment(2026, 3, 27, 12), 3), ['28 03:30', '29 02:30', '30 02:30'])

    def test_a_time_that_is_skipped_is_a_day_after_the_one_before(self):
        self.assertEqual(self.times('30 2 * * *', moment(2026, 3, 27, 12), 3), ['28 01:30', '29 01:30', '30 00:30'])

    def test_a_time_that_comes_twice_counts_once(self):
        self.assertEqual(self.times('30 2 * * *', moment(2026, 10, 24, 12), 3), ['25 00:30', '26 01:30', '27 01:30'])
        # Also for one who asks between the two.
        self.assertEqual(self.times('30 2 * * *', moment(2026, 10, 25, 0, 45), 1), ['26 01:30'])

    def test_every_hour_is_every_hour_in_these_nights(self):
        self.assertEqual(self.times('30 * * * *', moment(2026, 10, 24, 23), 4),
                         ['24 23:30', '25 00:30', '25 01:30', '25 02:30'])
        self.assertEqual(self.times('30 * * * *', moment(2026, 3, 29, 0), 3), ['29 00:30', '29 01:30', '29 02:30'])

    def test_a_night_in_which_several_times_are_skipped_has_each_once(self):
        self.assertEqual(self.times('*/30 2,3 * * *', moment(2026, 3, 29, 0), 4),
                         ['29 01:00', '29 01:30', '30 00:00', '30 00:30'])

    def test_a_day_that_is_left_out_is_followed_by_another(self):
        # The 29th, the 31st and the 1st at noon there.
        times = [moment(2011, 12, 29, 22), moment(2011, 12, 30, 22), moment(2011, 12, 31, 22)]
        line = CronLine('0 12 * * *', Samoa())
        self.assertEqual([line.next_after(before) for before in (times[0] - 1, times[0], times[1])], times)

    def test_a_day_of_the_month_or_of_the_week_is_enough(self):
        # Mondays are 8 and 15. With */2, too, which cron itself takes for both.
        start = moment(2026, 6, 5, 12)
        self.assertEqual(self.times('0 3 1-7 * 1', start, 4), ['06 01:00', '07 01:00', '08 01:00', '15 01:00'])
        self.assertEqual(self.times('0 3 */2 * 1', start, 4), ['07 01:00', '08 01:00', '09 01:00', '11 01:00'])

    def test_names_of_times_are_known(self):
        self.assertEqual(self.times('@hourly', moment(2026, 5, 1, 7, 59), 1), ['01 08:00'])

    def test_what_is_not_a_line_is_refused(self):
        for line in ('', '* * * *', '* * * * * *', '61 * * * *', '0 0 30 2 *', 'R 2 * * *', 'H(0-9) 2 * * *'):
            with self.assertRaises(ValueError):
                CronLine(line, Berlin())

    def test_zones_are_known_by_name(self):
        try:
            zone = named_zone('Europe/Berlin')
        except ValueError as error:
            self.skipTest(str(error))
        cron = CronLine('30 2 * * *', zone)
        start, found = moment(2026, 3, 28, 12), []
        for _ in range(2):
            start = cron.next_after(start)
            found.append(start)
        self.assertEqual(found, [moment(2026, 3, 29, 1, 30), moment(2026, 3, 30, 0, 30)])
        self.assertEqual(CronLine('30 2 * * *', zone).next_after(moment(2026, 10, 25, 0, 45)),
                         moment(2026, 10, 26, 1, 30))

    def test_a_zone_that_is_not_known_is_an_error(self):
        with self.assertRaises(ValueError):
            named_zone('Atlantis/Capital')


class LaterTestCase(LogTestCase, SimpleTestCase):
    """A worker of an in-memory layer, whose clock the tests set."""

    def setUp(self):
        super(LaterTestCase, self).setUp()
        self.now = 0.0
        self.inner = InMemoryChannelLayer(clock=lambda: self.now)
        self.layer = ChannelLayerWrapper(self.inner, 'default', ROUTING)
        self.before = channel_layers.set('default', self.layer)
        self.addCleanup(channel_layers.set, 'default', self.before)

    def worker(self):
        worker = Worker(self.layer, signal_handlers=False, only_channels=['channels.*'])
        self.inner.hold_as('threads')
        return worker

    def pass_to(self, job):
        """Have the layer's clock say that `job` is due."""
        self.now += job.due - time.time() + 1


class ScheduleTests(LaterTestCase):

    def planning(self, **schedules):
        """Return the Planning of a worker of a project with these schedules."""
        settings = override_settings(CHANNEL_SCHEDULES=schedules)
        settings.enable()
        self.addCleanup(settings.disable)
        return Planning(self.layer, self.worker().channels)

    def run_due(self):
        self.pass_to(self.layer.jobs(SCHEDULES)[0])
        return self.worker().run_once()

    def test_a_run_sends_the_message_and_plans_the_next(self):
        self.planning(tick={'channel': 'reports', 'content': {'n': 1}, 'every': 3600}).plan()
        first, = self.layer.jobs(SCHEDULES)
        self.assertEqual(first.due % 3600 // 1, 0)
        self.assertEqual(self.run_due(), HANDLED)
        self.assertEqual(self.layer.receive(['reports']), ('reports', {'n': 1}))
        again, = self.layer.jobs(SCHEDULES)
        self.assertEqual(again.message['due'] - first.message['due'], 3600000)
        self.assertEqual(last_run(self.layer, 'tick')['due'], first.message['due'] / 1000.0)

    def test_each_run_is_planned_once_however_many_workers_do(self):
        planning = self.planning(tick={'channel': 'reports', 'every': 3600})
        for _ in range(3):
            planning.plan()
        self.assertEqual(len(self.layer.jobs(SCHEDULES)), 1)
        self.run_due()
        self.assertEqual(len(self.layer.jobs(SCHEDULES)), 1)

    def test_a_run_that_is_done_is_not_done_again_for_a_clock_that_is_behind(self):
        self.planning(tick={'channel': 'reports', 'every': 3600}).plan()
        job, = self.layer.jobs(SCHEDULES)
        self.run_due()
        self.layer.receive(['reports'])
        self.layer.send_job(SCHEDULES, job.message)
        self.worker().run_once()
        self.assertEqual(self.layer.receive(['reports']), (None, None))

    def test_a_run_whose_worker_died_is_done_again(self):
        self.planning(tick={'channel': 'reports', 'every': 3600}).plan()
        job, = self.layer.jobs(SCHEDULES)
        self.pass_to(job)
        worker = self.worker()
        channel, message = self.layer.receive(worker.channels)
        self.layer.save_result('schedule tick', '{"due": %d, "sent": 0}' % (job.message['due'] // 1000), 100)
        self.layer.postpone(message.receipt, 'retry')
        worker.run_once()
        self.assertEqual(self.layer.receive(['reports']), ('reports', {}))

    def test_a_clock_that_is_behind_does_not_plan_the_same_run(self):
        self.planning(tick={'channel': 'reports', 'every': 1 / 3.0})
        due = 1800000000.333
        later = Schedule('tick', {'channel': 'reports', 'every': 1 / 3.0})
        message = Message(
            {'name': 'tick', 'version': later.version, 'due': int(due * 1000)}, SCHEDULES, self.layer)
        self.inner.time = lambda: due - 5
        with collected() as outbox:
            run_schedule(message)
        planned, = [job for _, method, _, job, _ in outbox.take() if method == 'put_job']
        self.assertEqual(planned['message']['due'] - message['due'], 333)

    def test_runs_are_planned_by_the_clock_that_they_are_due_by(self):
        # That of a Redis which is an hour ahead: by the time of this machine,
        # all runs of that hour would be due at once.
        ahead = time.time() + 3600
        self.inner.time = lambda: ahead
        self.planning(tick={'channel': 'reports', 'every': 2}).plan()
        first, = self.layer.jobs(SCHEDULES)
        self.assertGreater(first.due, ahead - 1)
        self.run_due()
        again, = self.layer.jobs(SCHEDULES)
        self.assertEqual(again.message['due'] - first.message['due'], 2000)

    def test_a_run_of_what_the_settings_have_no_more_is_left_out(self):
        self.planning(tick={'channel': 'reports', 'every': 3600}).plan()
        with override_settings(CHANNEL_SCHEDULES={'tick': {'channel': 'reports', 'every': 60}}):
            self.run_due()
        self.assertEqual(self.layer.receive(['reports']), (None, None))
        self.assertEqual(self.layer.jobs(SCHEDULES), [])

    def test_a_run_of_what_another_layer_sends_now_is_left_out(self):
        self.planning(tick={'channel': 'reports', 'every': 3600}).plan()
        with override_settings(CHANNEL_SCHEDULES={'tick': {'channel': 'reports', 'every': 3600, 'layer': 'other'}}):
            self.run_due()
        self.assertEqual(self.layer.receive(['reports']), (None, None))
        self.assertEqual(self.layer.jobs(SCHEDULES), [])

    def test_none_is_no_schedules_and_runs_of_before_are_left_out(self):
        self.planning(tick={'channel': 'reports', 'every': 3600}).plan()
        with override_settings(CHANNEL_SCHEDULES=None):
            self.assertEqual(_check_schedules(), [])
            self.run_due()
        self.assertEqual(self.layer.receive(['reports']), (None, None))
        self.assertEqual(self.layer.jobs(SCHEDULES), [])

    def test_a_run_that_is_too_late_is_left_out(self):
        self.planning(tick={'channel': 'reports', 'every': 3600, 'grace': 60}).plan()
        job, = self.layer.jobs(SCHEDULES)
        self.layer.cancel_jobs(SCHEDULES, [job.id])
        late = dict(job.message, due=job.message['due'] - 7200000)
        self.layer.send_job(SCHEDULES, late)
        self.worker().run_once()
        self.assertEqual(self.layer.receive(['reports']), (None, None))
        self.assertEqual([job.message['due'] for job in self.layer.jobs(SCHEDULES)], [job.message['due']])

    def test_a_worker_that_runs_none_plans_none(self):
        with override_settings(CHANNEL_SCHEDULES={'tick': {'channel': 'reports', 'every': 60}}):
            Planning(self.layer, ['reports']).plan()
        self.assertEqual(self.layer.jobs(SCHEDULES), [])

    def test_what_is_wrong_is_said(self):
        for config in ([], {}, {'every': 5}, {'channel': 'a', 'task': 'b', 'every': 5}, {'channel': 'a'},
                       {'channel': 'no good!', 'every': 5}, {'channel': 'a', 'every': 0},
                       {'channel': 'a', 'every': 5, 'grace': 'long'}, {'channel': 'a', 'every': 5, 'grace': -1},
                       {'channel': 'a', 'every': 5, 'cron': '* * * * *'}, {'channel': 'a', 'every': 5, 'evry': 1},
                       {'channel': 'a', 'cron': 5}, {'task': '', 'every': 5}, {'task': None, 'every': 5},
                       {'channel': 'a', 'every': float('inf')}, {'channel': 'a', 'every': 5, 'content': [1]},
                       {'task': 'b.c', 'every': 5, 'args': 5}, {'task': 'b.c', 'every': 5, 'kwargs': []}):
            with self.assertRaises((TypeError, ValueError)):
                Schedule('wrong', config)
        for name, config, text in (
            (5, {'channel': 'a', 'every': 5}, 'its name must be text'),
            ('keys', {'channel': 'a', 'every': 5, 1: 2, 'x': 3}, 'it has the unknown key 1, x.'),
            ('layer', {'channel': 'a', 'every': 5, 'layer': ['default']}, 'layer must be the alias'),
            # The time after would be the same.
            ('often', {'channel': 'a', 'every': 1e-7}, 'every must be 0.001 seconds or more'),
            ('content', {'channel': 'a', 'every': 5, 'content': {'x': object()}}, "A message can't hold a object"),
        ):
            with self.assertRaisesMessage((TypeError, ValueError), text):
                Schedule(name, config)


class CheckTests(LaterTestCase):

    def check(self, **schedules):
        with override_settings(CHANNEL_SCHEDULES=schedules, CHANNEL_LAYERS={'default': {}}):
            # The setting has made the manager forget.
            channel_layers.set('default', self.layer)
            return [error.msg for error in _check_schedules()]

    def test_good_ones_pass(self):
        self.assertEqual(self.check(tick={'channel': 'reports', 'every': 5}), [])
        self.assertEqual(self.check(), [])

    def test_bad_ones_are_named(self):
        error, = self.check(tick={'channel': 'reports', 'every': -5})
        self.assertIn("CHANNEL_SCHEDULES['tick']", error)

    @skipIf(croniter is None, 'croniter is not installed')
    @override_settings(TIME_ZONE=None)
    def test_a_cron_line_without_a_time_zone_says_what_to_set(self):
        try:
            # Django 1.8 without pytz has a zone of its own for this.
            get_default_timezone()
            expected = []
        except (TypeError, LookupError):
            expected = ["CHANNEL_SCHEDULES['daily'] can't be used: cron needs a time zone, and TIME_ZONE is None: "
                        "set that, or the timezone of this one."]
        self.assertEqual(self.check(daily={'channel': 'reports', 'cron': '30 2 * * *'}), expected)

    def test_names_may_be_of_any_language(self):
        with override_settings(CHANNEL_SCHEDULES={'t\xe4glich': {'channel': 'reports', 'every': -5}}):
            error, = _check_schedules()
            self.assertIn("CHANNEL_SCHEDULES['t\xe4glich']", error.msg)
        with override_settings(CHANNEL_SCHEDULES={'t\xe4glich': {'channel': 'reports', 'every': 5}}):
            self.assertEqual([schedule.name for schedule in schedules_of('default')], ['t\xe4glich'])

    def test_names_may_be_of_any_type_until_they_are_told(self):
        with override_settings(CHANNEL_SCHEDULES={5: {'channel': 'a', 'every': 5}, 'x': {'channel': 'a', 'every': 5}}):
            error, = _check_schedules()
            self.assertIn('its name must be text', error.msg)
            with self.assertRaisesMessage(TypeError, 'its name must be text'):
                schedules_of('default')

    def test_without_the_check_the_error_says_the_same(self):
        for schedules in (['x'], [], 5, 0, {'x': None}, {'x': []}):
            with override_settings(CHANNEL_SCHEDULES=schedules):
                self.assertEqual(len(_check_schedules()), 1)
                with self.assertRaisesMessage(TypeError, 'it must be a dict'):
                    schedules_of('default')

    def test_wrong_layers_are_told_by_their_own_check(self):
        for layers in (None, 5, [], {'default': None}, {'default': {}}, {'default': {'BACKEND': 'x', 'ROUTING': []}}):
            with override_settings(CHANNEL_SCHEDULES={'x': {'channel': 'a', 'every': 5}}, CHANNEL_LAYERS=layers):
                self.assertEqual(_check_schedules(), [])

    def test_a_task_that_is_not_there_is_an_error(self):
        for task in ('nowhere.send', 'os.path'):
            error, = self.check(tick={'task': task, 'every': 5})
            self.assertIn("CHANNEL_SCHEDULES['tick']", error)
            self.assertIn(task, error)

    def test_a_routing_without_the_routes_is_an_error(self):
        self.layer = ChannelLayerWrapper(self.inner, 'default', [])
        error, = self.check(tick={'channel': 'reports', 'every': 5})
        self.assertIn('No route', error)

    def test_a_layer_that_is_not_there_is_an_error(self):
        error, = self.check(tick={'channel': 'reports', 'every': 5, 'layer': 'other'})
        self.assertIn("'other'", error)


class DelayedTests(LaterTestCase):

    def test_a_message_for_any_channel_is_sent_later(self):
        self.layer.router
        Channel('reports').send({'n': 1}, delay=600)
        self.assertEqual(self.layer.receive(['reports']), (None, None))
        self.now = 599
        self.assertIsNone(self.inner.receive([DELAYED])[0])
        self.now = 601
        self.worker().run_once()
        self.assertEqual(self.layer.receive(['reports']), ('reports', {'n': 1}))

    def test_so_is_one_for_a_client(self):
        Channel('http.response!abc').send({'n': 1}, at=time.time() + 600)
        self.now = 601
        self.worker().run_once()
        self.assertEqual(self.layer.receive(['http.response!']), ('http.response!abc', {'n': 1}))

    def test_it_can_be_cancelled(self):
        id = Channel('reports').send({'n': 1}, delay=600)
        self.assertTrue(Channel('reports').cancel(id))
        self.assertFalse(Channel('reports').cancel(id))
        self.assertEqual(self.layer.jobs(DELAYED), [])

    @skipUnless(SUPPORTS_ASYNC, 'This Django or Python has no async code.')
    def test_async_code_cancels_as_well(self):
        import asyncio
        id = Channel('reports').send({'n': 1}, delay=600)
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        self.assertTrue(loop.run_until_complete(Channel('reports').acancel(id)))

    def test_a_job_of_an_acknowledged_channel_waits_there(self):
        layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', [route('jobs', len, acknowledged=True)])
        id = Channel('jobs', channel_layer=layer).send({}, delay=600)
        self.assertEqual([job.id for job in layer.jobs('jobs')], [id])
        self.assertTrue(Channel('jobs', channel_layer=layer).cancel(id))

    def test_where_nobody_sends_what_is_late_the_log_says_so(self):
        layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', [route('jobs', len)])
        Channel('jobs', channel_layer=layer).send({}, delay=600)
        self.assertIn(DELAYED, self.log())
        self.assertIn("Add include('django.channels.schedules.channel_routing') to the ROUTING.", self.log())
        self.assertNotIn('expire', self.log())

    def test_what_is_acknowledged_waits_for_a_route(self):
        layer = ChannelLayerWrapper(InMemoryChannelLayer(acknowledged=['jobs']), 'other', [])
        layer.router
        Channel('jobs', channel_layer=layer).send({})
        self.assertIn('do, it will wait there. Add a route for it', self.log())

    def test_what_waits_keeps_the_standard(self):
        Channel('reports').send({'n': 1}, delay=600)
        [job] = self.layer.jobs(DELAYED)
        self.assertEqual(lint.problems(DELAYED, job.message), [])
        runs = []
        plan(lambda message, **kwargs: runs.append(message), Schedule('r', {'channel': 'reports', 'every': 60}), 0)
        self.assertEqual(lint.problems(SCHEDULES, runs[0]), [])

    def test_what_is_not_a_dict_is_refused_now(self):
        with self.assertRaises(TypeError):
            Channel('reports').send('text', delay=5)
