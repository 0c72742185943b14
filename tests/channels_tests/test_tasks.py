"""Tests of the backend for Django's tasks, on Redis and in memory."""
from __future__ import absolute_import, unicode_literals

import datetime
import signal
import threading
import time
from unittest import SkipTest, skipUnless

from django.channels import Channel, channel_layers, outbox
from django.channels.exceptions import TaskLost, TimeLimitExceeded
from django.channels.layers.acknowledgement import BURY, receipt_of, story_of
from django.channels.layers.presence import WORKER, this_process
from django.channels.limits import Limits
from django.channels.routing import route
from django.channels.worker import Worker
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from django.utils import timezone

from .logs import LogTestCase
from .redis_case import RedisTestCase

try:
    from django.channels.compat import django_tasks as compat
except (ImportError, ImproperlyConfigured):
    # A patched Django has no module of it, either.
    compat = None

BACKEND = 'django.channels.tasks.ChannelsBackend'


@skipUnless(compat, 'this Django has no tasks')
class TasksTestCase(LogTestCase, SimpleTestCase):
    """A project with tasks, whose worker handles message by message."""
    layer_settings = {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer'}
    options = {}

    def setUp(self):
        super(TasksTestCase, self).setUp()
        if compat is None:
            raise SkipTest('this Django has no tasks')
        changed = override_settings(
            TASKS={'default': {'BACKEND': BACKEND, 'QUEUES': ['default', 'other'], 'OPTIONS': self.options}},
            CHANNEL_LAYERS={'default': dict(self.layer_settings, ROUTING=[])},
        )
        changed.enable()
        self.addCleanup(changed.disable)
        self.addCleanup(channel_layers.reset)
        channel_layers.reset()
        from django.channels import tasks

        from . import task_functions
        self.functions, self.module = task_functions, tasks
        del self.functions.seen[:], self.functions.errors[:]
        self.backend = compat.task_backends['default']
        self.layer = channel_layers['default']
        routes = [route(self.backend.channels(), tasks.run_task,
                        acknowledged=tasks.Acknowledged(retry=self.backend.retry))]
        self.layer.routing = routes
        self.layer.router
        self.hold()
        self.worker = Worker(self.layer, signal_handlers=False)
        self.signals = []
        for name in ('task_enqueued', 'task_started', 'task_finished'):
            signal = getattr(compat.signals, name)

            def note(sender, task_result, name=name, **kwargs):
                self.signals.append((name, task_result.status.value))
            signal.connect(note, weak=False)
            self.addCleanup(signal.disconnect, note)

    def hold(self):
        self.layer.hold_as('worker')


class TaskTests(TasksTestCase):

    def test_the_backend_can_do_everything(self):
        for ability in ('defer', 'async_task', 'get_result', 'priority'):
            self.assertIs(getattr(self.backend, 'supports_' + ability), True)
        self.assertEqual(self.backend.check(), [])

    def test_a_task_runs_in_a_worker_and_its_result_can_be_read(self):
        result = self.functions.add.enqueue(1, b=2)
        self.assertEqual((result.status.value, result.attempts), ('READY', 0))
        self.assertEqual(self.functions.add.get_result(result.id).status.value, 'READY')
        self.assertEqual(self.functions.seen, [])
        self.assertEqual(self.worker.run_once(), 'handled')
        result.refresh()
        self.assertEqual((result.status.value, result.return_value, result.attempts), ('SUCCESSFUL', 3, 1))
        self.assertEqual((result.args, result.kwargs, result.errors), ([1], {'b': 2}, []))
        self.assertTrue(result.enqueued_at <= result.started_at <= result.finished_at)
        self.assertEqual(self.signals, [
            ('task_enqueued', 'READY'), ('task_started', 'RUNNING'), ('task_finished', 'SUCCESSFUL'),
        ])
        with self.assertRaises(compat.TaskResultDoesNotExist):
            self.backend.get_result('nonsense')

    def test_async_tasks_and_those_with_a_context(self):
        results = [self.functions.wait.enqueue(5), self.functions.tell.enqueue()]
        for _ in results:
            self.assertEqual(self.worker.run_once(), 'handled')
        for result in results:
            result.refresh()
        self.assertEqual([result.return_value for result in results], [[5], [1, 'RUNNING']])

    def test_a_task_that_fails_says_why(self):
        for error in (LookupError('gone'), None):
            self.functions.errors[:] = [error] if error else []
            result = (self.functions.add if error else self.functions.shapeless).enqueue(*([1, 2] if error else []))
            self.assertEqual(self.worker.run_once(), 'failed')
            result.refresh()
            self.assertEqual(result.status.value, 'FAILED')
            with self.assertRaises(ValueError):
                result.return_value
        self.assertIs(result.errors[0].exception_class, TypeError)
        self.assertEqual(self.signals[-1], ('task_finished', 'FAILED'))
        letters = self.layer.dead_letters('tasks.default')
        self.assertEqual(len(letters), 2)
        # Once its reason is mended, it may be tried again.
        self.layer.replay('tasks.default', [letters[0].id])
        self.assertEqual(self.worker.run_once(), 'handled')
        self.assertEqual(self.backend.get_result(letters[0].id).return_value, 3)

    def test_whoever_breaks_a_worker_off_ends_no_task(self):
        self.functions.errors[:] = [KeyboardInterrupt()]
        result = self.functions.add.enqueue(1, 2)
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.assertRaises(KeyboardInterrupt):
            self.worker.run_once()
        result.refresh()
        self.assertEqual((result.status.value, result.errors), ('RUNNING', []))

    def test_tasks_come_by_priority_and_when_they_are_due(self):
        later = timezone.now() + datetime.timedelta(seconds=0.3)
        self.functions.add.using(run_after=later).enqueue(1, 0)
        for priority in (-3, 9, 0):
            self.functions.add.using(priority=priority).enqueue(2, priority)
        for _ in range(3):
            self.worker.run_once()
        self.assertEqual(self.functions.seen, [(2, 9), (2, 0), (2, -3)])
        deadline = time.time() + 60
        while len(self.functions.seen) < 4:
            self.assertLess(time.time(), deadline, 'the task did not come')
            self.worker.run_once()
        self.assertGreaterEqual(timezone.now(), later)

    def test_a_job_outlives_its_result(self):
        for arguments in ([1, 2], ['\ud800', ''], [b'a', b'b']):
            result = self.functions.add.enqueue(*arguments)
            arguments = result.args
            self.layer.save_result(result.id, '', 0.001)
            while self.layer.load_result(result.id) is not None:
                pass
            with self.assertRaises(compat.TaskResultDoesNotExist):
                result.refresh()
            self.assertEqual(self.worker.run_once(), 'handled')
            found = self.backend.get_result(result.id)
            self.assertEqual((found.return_value, found.args), (arguments[0] + arguments[1], arguments))
            self.assertLess(abs((found.enqueued_at - result.enqueued_at).total_seconds()), 5)
            self.assertEqual((found.task.queue_name, found.attempts), ('default', 1))

    def test_a_result_is_there_as_long_as_its_task_waits(self):
        kept = []
        layer = self.layer.channel_layer
        save, layer.save_result = layer.save_result, lambda id, text, lifetime: (
            kept.append(lifetime), save(id, text, lifetime))
        self.addCleanup(delattr, layer, 'save_result')
        self.functions.add.using(run_after=timezone.now() + datetime.timedelta(days=30)).enqueue(1, 2)
        self.backend.result_lifetime = 60
        self.functions.add.enqueue(1, 2)
        self.worker.run_once()
        day = 86400
        self.assertEqual([round(lifetime, -1) for lifetime in kept], [37 * day, 7 * day, 7 * day, 60])

    def test_a_task_that_is_cancelled_or_purged_has_no_result(self):
        later = timezone.now() + datetime.timedelta(days=1)
        cancelled, purged = [self.functions.add.using(run_after=later).enqueue(1, 2) for _ in range(2)]
        runs = self.functions.add.enqueue(1, 2)
        self.layer.receive(['tasks.default'])
        self.assertFalse(Channel('tasks.default').cancel(runs.id))
        self.assertTrue(Channel('tasks.default').cancel(cancelled.id))
        self.assertEqual(self.layer.purge('tasks.default'), 1)
        for result in (cancelled, purged):
            with self.assertRaises(compat.TaskResultDoesNotExist):
                result.refresh()
        runs.refresh()

    def test_a_consumer_that_fails_has_enqueued_nothing(self):
        with self.assertRaises(LookupError):
            with outbox.buffered():
                result = self.functions.add.enqueue(1, 2)
                raise LookupError()
        with self.assertRaises(compat.TaskResultDoesNotExist):
            result.refresh()
        self.assertIsNone(self.worker.run_once())

    def test_arguments_that_json_can_not_hold_are_refused(self):
        for argument in (object(), {1, 2}):
            with self.assertRaises(TypeError):
                self.functions.add.enqueue(argument, 2)
        self.assertEqual(self.layer.jobs('tasks.default'), [])

    def test_a_task_that_is_a_dead_letter_has_failed(self):
        result = self.functions.add.enqueue(1, 2)
        message = self.layer.receive(['tasks.default'])[1]
        self.assertEqual(self.backend.get_result(result.id).status.value, 'READY')
        # As whoever recovers a job does whose workers died each time.
        self.layer.postpone(receipt_of(message), BURY, story=story_of(error='Its readers died each time.'))
        result.refresh()
        self.assertEqual((result.status.value, result.errors[0].exception_class), ('FAILED', TaskLost))
        self.assertIn('is a dead letter (deliveries: 1): Its readers died each time.', result.errors[0].traceback)
        self.assertLess(abs((result.finished_at - timezone.now()).total_seconds()), 60)
        self.layer.replay('tasks.default', [result.id])
        result.refresh()
        self.assertEqual((result.status.value, result.errors), ('READY', []))
        self.assertEqual(self.worker.run_once(), 'handled')
        result.refresh()
        self.assertEqual((result.status.value, result.return_value), ('SUCCESSFUL', 3))

    def test_a_task_that_its_worker_does_not_have_fails(self):
        result = self.functions.add.enqueue(1, 2)
        add = self.functions.add
        del self.functions.add
        try:
            self.assertEqual(self.worker.run_once(), 'failed')
        finally:
            self.functions.add = add
        result.refresh()
        self.assertEqual((result.status.value, result.errors[0].exception_class), ('FAILED', ImportError))
        self.assertIn('"add"', result.errors[0].traceback)
        # Once it has it, it may be tried again.
        self.layer.replay('tasks.default', [result.id])
        self.assertEqual(self.worker.run_once(), 'handled')
        result.refresh()
        self.assertEqual(result.return_value, 3)

    def test_wrong_tasks_and_queues_are_refused(self):
        with self.assertRaises(compat.InvalidTask):
            self.functions.add.using(queue_name='unknown')
        for run_after in (datetime.datetime(9999, 12, 31, tzinfo=datetime.timezone.utc), 5):
            with self.assertRaises((compat.InvalidTask, AttributeError)):
                self.functions.add.using(run_after=run_after).enqueue(1, 2)


@override_settings(CHANNEL_SEND_ON_COMMIT='default')
class CommittedTaskTests(TasksTestCase, TransactionTestCase):
    """Tasks that are enqueued inside of transactions."""
    available_apps = ['django.channels']
    databases = {'default', 'other'}

    def statuses(self, *results):
        """Return the status of each, or None where there is no result."""
        found = []
        for result in results:
            try:
                found.append(self.backend.get_result(result.id).status.value)
            except compat.TaskResultDoesNotExist:
                found.append(None)
        return found

    def test_they_wait_for_the_commit(self):
        with transaction.atomic():
            result = self.functions.add.enqueue(1, 2)
            self.assertEqual(result.status.value, 'READY')
            self.assertEqual(self.statuses(result), [None])
            self.assertEqual(self.layer.jobs('tasks.default'), [])
        self.assertEqual(self.statuses(result), ['READY'])
        self.assertEqual([job.id for job in self.layer.jobs('tasks.default')], [result.id])

    def test_a_rollback_leaves_no_task_and_no_result(self):
        with self.assertRaises(LookupError):
            with transaction.atomic():
                with transaction.atomic():
                    result = self.functions.add.enqueue(1, 2)
                raise LookupError()
        self.assertEqual(self.statuses(result), [None])
        self.assertEqual(self.layer.jobs('tasks.default'), [])

    def test_a_savepoint_takes_its_own_along(self):
        with transaction.atomic():
            first = self.functions.add.enqueue(1, 2)
            with self.assertRaises(LookupError):
                with transaction.atomic():
                    second = self.functions.add.enqueue(1, 2)
                    raise LookupError()
            third = self.functions.add.enqueue(1, 2)
        self.assertEqual(self.statuses(first, second, third), ['READY', None, 'READY'])
        self.assertEqual([job.id for job in self.layer.jobs('tasks.default')], [first.id, third.id])

    def test_only_the_database_of_the_setting_counts(self):
        with transaction.atomic(using='other'):
            first = self.functions.add.enqueue(1, 2)
            self.assertEqual(self.statuses(first), ['READY'])
            with transaction.atomic():
                second = self.functions.add.enqueue(1, 2)
            self.assertEqual(self.statuses(second), ['READY'])


class CoroutineTaskTests(TasksTestCase):
    """Tasks that are coroutine functions, in a worker that runs."""
    PATIENCE = 20

    def setUp(self):
        super(CoroutineTaskTests, self).setUp()
        self.functions.started.clear()
        self.finished = threading.Semaphore(0)
        self.threads = []

        def note(sender, **kwargs):
            self.threads.append(threading.current_thread().name)
            self.finished.release()
        compat.signals.task_finished.connect(note, weak=False)
        self.addCleanup(compat.signals.task_finished.disconnect, note)

    def start(self, **options):
        self.worker = Worker(self.layer, signal_handlers=False, **options)
        self.thread = threading.Thread(target=self.worker.run)
        self.thread.start()
        self.addCleanup(self.thread.join, self.PATIENCE)
        self.addCleanup(self.worker.stop)

    def stop(self, finished):
        """Stop the worker once so many tasks are finished."""
        for _ in range(finished):
            self.assertTrue(self.finished.acquire(timeout=self.PATIENCE), self.log())
        self.worker.stop()
        self.thread.join(self.PATIENCE)
        self.assertFalse(self.thread.is_alive(), self.log())

    def test_they_run_at_once_on_the_event_loop(self):
        results = [self.functions.meet.enqueue(3) for _ in range(3)]
        self.start()
        self.stop(3)
        for result in results:
            result.refresh()
            self.assertEqual((result.status.value, result._return_value), ('SUCCESSFUL', 'async'), result.errors)
        # What else receives the signals may wait, and does so in threads.
        self.assertNotIn('async', self.threads)
        self.assertEqual(self.layer.acknowledged_statistics()['tasks.default']['held'], 0)

    def test_no_more_at_once_than_the_worker_may(self):
        result = self.functions.endless.enqueue()
        self.functions.meet.enqueue(1)
        self.start(concurrency=1, shutdown_timeout=0.01)
        self.assertTrue(self.functions.started.wait(self.PATIENCE), self.log())
        self.assertEqual(self.functions.seen, ['runs'])
        self.stop(0)
        self.assertEqual(self.functions.seen[0], 'runs')
        result.refresh()
        self.assertEqual(result.status.value, 'RUNNING')

    def test_one_that_fails_says_why(self):
        self.functions.errors.append(LookupError('gone'))
        result = self.functions.meet.enqueue(1)
        self.start()
        self.stop(1)
        result.refresh()
        self.assertEqual((result.status.value, result.errors[0].exception_class), ('FAILED', LookupError))
        self.assertIn('in meet\n', result.errors[0].traceback)
        self.assertEqual([letter.id for letter in self.layer.dead_letters('tasks.default')], [result.id])

    def test_one_that_takes_too_long_is_cancelled(self):
        result = self.functions.endless.enqueue()
        self.start(limits=Limits(seconds=0.1))
        self.stop(1)
        result.refresh()
        self.assertEqual((result.status.value, result.errors[0].exception_class), ('FAILED', TimeLimitExceeded))

    def test_one_that_a_worker_cannot_wait_for_runs_again(self):
        result = self.functions.endless.enqueue()
        self.start(shutdown_timeout=0.01)
        self.assertTrue(self.functions.started.wait(self.PATIENCE), self.log())
        self.stop(0)
        result.refresh()
        self.assertEqual((result.status.value, result.errors), ('RUNNING', []))
        self.assertEqual(self.layer.dead_letters('tasks.default'), [])
        self.assertLogged('(%s) is requeued: this worker ends' % result.id)
        self.functions.started.clear()
        self.start(shutdown_timeout=0.01)
        self.assertTrue(self.functions.started.wait(self.PATIENCE), self.log())
        self.stop(0)
        result.refresh()
        self.assertEqual(result.attempts, 2)


class RetriedTaskTests(TasksTestCase):
    options = {'RETRY': {'on': LookupError, 'attempts': 2, 'first': 0}}

    def test_a_task_is_tried_as_often_as_the_backend_says(self):
        self.functions.errors[:] = [LookupError('first')]
        result = self.functions.add.enqueue(1, 2)
        self.assertEqual(self.worker.run_once(), 'failed')
        result.refresh()
        self.assertEqual((result.status.value, result.attempts), ('READY', 1))
        self.assertEqual(self.worker.run_once(), 'handled')
        result.refresh()
        self.assertEqual((result.status.value, result.attempts, len(result.errors)), ('SUCCESSFUL', 2, 1))

    def test_what_is_not_worth_it_is_not_tried_again(self):
        self.functions.errors[:] = [ValueError('never')]
        result = self.functions.add.enqueue(1, 2)
        self.worker.run_once()
        result.refresh()
        self.assertEqual(result.status.value, 'FAILED')


class RedisTaskTests(RedisTestCase, TaskTests):
    """The same on Redis, where a task outlives its worker."""

    def setUp(self):
        self.layer_settings = {
            'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
            'CONFIG': {'hosts': [self.server.url], 'prefix': self.prefix},
        }
        RedisTestCase.setUp(self)
        TaskTests.setUp(self)
        self.addCleanup(self.layer.close)

    def hold(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        self.layer.hold_as(process.name)
        self.process = process

    def test_a_task_outlives_its_worker(self):
        result = self.functions.add.enqueue(1, 2)
        self.layer.receive(['tasks.default'])
        self.layer.withdraw(self.process)
        self.layer.router
        self.hold()
        self.assertEqual(len(self.layer.recover()), 1)
        self.worker.run_once()
        result.refresh()
        self.assertEqual(result.return_value, 3)
