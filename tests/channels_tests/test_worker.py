"""Tests of what becomes of a message in a worker."""
from __future__ import absolute_import, unicode_literals

import os
import signal
import subprocess
import sys
import threading
import unittest

from django.channels import Channel, route, signals
from django.channels.compat import six
from django.channels.exceptions import (
    ChannelFull, ConsumeLater, DenyConnection, LayerUnavailable, WebsocketCloseException,
)
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.base import BaseChannelLayer
from django.channels.layers.late_answers import LateAnswers
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.stop_signals import StopSignals
from django.channels.worker import DEFERRED, DROPPED, FAILED, HANDLED, UNROUTED, Worker, WorkerGroup
from django.db import connection
from django.test import SimpleTestCase

from .clocks import ManualClock
from .logs import LogTestCase

#: A worker whose consumer never ends.
BLOCKED = """
try:
    import channels
except ImportError:
    pass
import threading
from django.conf import settings
settings.configure(CHANNEL_LAYERS={
    'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []},
})
import django
django.setup()
from django.channels import Channel, channel_layers, route
from django.channels.log import setup_logger
from django.channels.worker import Worker

def consumer(message):
    print('consumer runs')
    threading.Event().wait(3600)

setup_logger('django.channels')
channel_layers['default'].router.add_route(route('task', consumer))
Channel('task').send({})
Worker(channel_layers['default']).run()
"""


class WorkerTests(LogTestCase, SimpleTestCase):
    databases = {'default'}

    def setUp(self):
        super(WorkerTests, self).setUp()
        self.layer = InMemoryChannelLayer()
        self.seen = []

    def worker(self, routing, **options):
        options.setdefault('signal_handlers', False)
        return Worker(ChannelLayerWrapper(self.layer, 'test', routing), **options)

    def handle(self, consumer, channel='task', content=None, **options):
        return self.worker([route(channel, consumer)], **options).handle(channel, content or {})

    def replies(self):
        return self.layer.receive_batch(['p!'], 100)

    # Outcomes

    def test_a_consumer_gets_the_message_and_its_keyword_arguments(self):
        def consumer(message, **kwargs):
            self.seen.append((message.channel.name, message['n'], kwargs))

        worker = self.worker([route('task', consumer, n='(?P<digit>.)')])
        self.assertEqual(worker.handle('task', {'n': 5}), HANDLED)
        self.assertEqual(self.seen, [('task', 5, {'digit': '5'})])

    def test_sends_go_out_when_the_consumer_has_succeeded(self):
        def consumer(message):
            Channel('p!a', channel_layer=self.layer).send({'n': 1})
            self.seen.append(self.replies())

        self.assertEqual(self.handle(consumer), HANDLED)
        self.assertEqual(self.seen, [[]])
        self.assertEqual(self.replies(), [('p!a', {'n': 1})])

    def test_a_consumer_that_raises_sends_nothing_and_ends_nothing(self):
        def consumer(message):
            message.reply_channel.send({'n': 1})
            raise RuntimeError('broken')

        self.assertEqual(self.handle(consumer, content={'reply_channel': 'p!a'}), FAILED)
        self.assertEqual(self.replies(), [])
        self.assertLogged('Error processing a message on task', 'RuntimeError: broken')

    def test_a_consumer_that_exits_ends_nothing_but_itself(self):
        def consumer(message):
            if message['n']:
                done.set()
            else:
                sys.exit('enough')

        done = threading.Event()
        worker = self.worker([route('task', consumer)], threads=2)
        thread = self.run_worker(worker)
        for n in (0, 0, 0, 1):
            self.layer.send('task', {'n': n})
        self.assertTrue(done.wait(10))
        worker.stop()
        thread.join(10)
        self.assertLogged('Error processing a message on task', 'SystemExit: enough')

    def test_a_layer_that_cannot_wait_is_polled_with_rests(self):
        class Plain(BaseChannelLayer):
            """As little as a layer may have."""
            send, receive = self.layer.send, self.layer.receive

        self.layer = Plain()
        clock = ManualClock()
        worker = self.worker([route('task', lambda message: self.seen.append(message['n']))], clock=clock)
        rests = clock.slept
        self.layer.send('task', {'n': 0})
        self.assertEqual((worker.run_once(), self.seen, rests), (HANDLED, [0], []))
        self.layer.receive = lambda channels, block: (None, None)
        self.assertEqual((worker.run_once(), rests), (None, [0.01]))

    def test_an_unrouted_message_is_named(self):
        self.assertEqual(self.worker([]).handle('unknown', {}), UNROUTED)
        self.assertLogged('No route for a message on unknown', '--exclude-channels')

    def test_why_a_socket_is_refused_can_be_asked_for(self):
        worker = self.worker([])
        worker.channel_layer.router.check_default()
        worker.handle('websocket.connect', {'reply_channel': 'p!a', 'path': '/nowhere/', 'headers': []})
        self.assertLogged('Refused a WebSocket: No route for WebSockets at /nowhere/.')

    def test_a_consumer_that_cannot_be_imported_costs_its_message_only(self):
        self.assertEqual(self.handle('no.such.consumer'), FAILED)
        self.assertLogged("can't be imported")

    def test_consume_later_puts_the_message_back(self):
        def consumer(message):
            message.reply_channel.send({'n': 1})
            raise ConsumeLater()

        self.assertEqual(self.handle(consumer, content={'n': 1, 'reply_channel': 'p!a'}), DEFERRED)
        self.assertEqual(self.layer.receive(['task'])[1], {'n': 1, 'reply_channel': 'p!a', '__retries__': 1})
        self.assertEqual(self.replies(), [])

    def test_consume_later_ends_after_the_retries(self):
        def consumer(message):
            self.seen.append(sorted(message.content))
            raise ConsumeLater()

        worker = self.worker([route('task', consumer)], message_retries=3)
        self.layer.send('task', {})
        outcomes = [worker.run_once() for _ in range(4)]
        self.assertEqual(outcomes, [DEFERRED] * 3 + [DROPPED])
        # How often it was put back is not the consumer's to see.
        self.assertEqual(self.seen, [[]] * 4)
        self.assertLogged('A message on task was dropped: its consumer put it back 3 times.')

    def test_a_message_that_cannot_be_put_back_is_dropped(self):
        def consumer(message):
            raise ConsumeLater()

        def refuse(channel, message):
            raise ChannelFull('full')

        worker = self.worker([route('task', consumer)], requeue_timeout=0.01)
        self.layer.send = refuse
        self.assertEqual(worker.handle('task', {}), DROPPED)
        self.assertLogged('the channel is full')

    def test_deny_connection_refuses_and_drops_what_was_sent(self):
        def consumer(message):
            message.reply_channel.send({'text': 'secret'})
            raise DenyConnection()

        outcome = self.handle(consumer, 'websocket.connect', {'reply_channel': 'p!a'})
        self.assertEqual((outcome, self.replies()), (HANDLED, [('p!a', {'close': True})]))

    def test_deny_connection_elsewhere_does_not_end_the_worker(self):
        def consumer(message):
            raise DenyConnection()

        outcome = self.handle(consumer, 'websocket.receive', {'reply_channel': 'p!a'})
        self.assertEqual((outcome, self.replies()), (FAILED, [('p!a', {'close': 1011})]))
        self.assertLogged('raise WebsocketCloseException to close')

    def test_a_close_exception_closes(self):
        def consumer(message):
            raise WebsocketCloseException(4000)

        self.handle(consumer, 'websocket.receive', {'reply_channel': 'p!a'})
        self.assertEqual(self.replies(), [('p!a', {'close': 4000})])

    def test_a_reply_channel_of_nonsense_costs_its_message_only(self):
        self.assertEqual(self.handle(lambda message: None, content={'reply_channel': 'not valid'}), FAILED)
        self.assertLogged('is not a valid channel name')

    # Signals and callback

    def test_signals_surround_the_consumer_whatever_it_does(self):
        def started(sender, **kwargs):
            self.seen.append('started')

        def finished(sender, **kwargs):
            self.seen.append('finished')

        def consumer(message):
            self.seen.append('consumer')
            raise RuntimeError()

        signals.consumer_started.connect(started)
        signals.consumer_finished.connect(finished)
        try:
            self.handle(consumer)
        finally:
            signals.consumer_started.disconnect(started)
            signals.consumer_finished.disconnect(finished)
        self.assertEqual(self.seen, ['started', 'consumer', 'finished'])

    def in_a_thread(self, *actions):
        def run():
            try:
                for action in actions:
                    action()
                connection.close()
            except Exception as error:
                self.seen.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    def watch_the_connection(self):
        # A wrapper of the thread's own, so nothing need be put back.
        connection.close_if_unusable_or_obsolete = lambda: self.seen.append('looked at')

    def test_connections_are_looked_after_once_there_is_one(self):
        def consumer(message):
            self.seen.append('consumer')
            connection.ensure_connection()

        self.in_a_thread(
            self.watch_the_connection, lambda: self.handle(consumer), lambda: self.handle(consumer),
        )
        self.assertEqual(self.seen, ['consumer', 'looked at', 'looked at', 'consumer', 'looked at'])

    def test_connections_from_before_the_first_message_are_looked_after(self):
        signals.connection_created.disconnect(signals.note_connection)
        try:
            self.in_a_thread(
                lambda: connection.ensure_connection(), self.watch_the_connection,
                lambda: self.handle(lambda message: self.seen.append('consumer')),
            )
        finally:
            signals.connection_created.connect(signals.note_connection)
        self.assertEqual(self.seen, ['looked at', 'consumer', 'looked at'])

    def test_the_callback_is_told_of_each_message(self):
        self.handle(lambda message: None, callback=lambda channel, message: self.seen.append(channel))
        self.assertEqual(self.seen, ['task'])

    # Channels

    def test_globs_choose_the_channels(self):
        routing = [route(['task.a', 'task.b', 'other'], lambda message: None)]
        for options, expected in (
            ({'only_channels': ['task.*']}, ['task.a', 'task.b']),
            ({'only_channels': ['other', '*.a']}, ['other', 'task.a']),
            ({'only_channels': ['task.*'], 'exclude_channels': ['*.b']}, ['task.a']),
            ({'exclude_channels': ['http.*', 'websocket.*', 'o*']}, ['task.a', 'task.b']),
            ({'only_channels': ['none']}, []),
        ):
            self.assertEqual(self.worker(routing, **options).channels, expected)

    # The loop

    def run_worker(self, worker):
        thread = threading.Thread(target=worker.run)
        thread.start()
        return thread

    def test_it_works_until_it_is_stopped(self):
        done = threading.Event()

        def consumer(message):
            self.seen.append(message['n'])
            if message['n'] == 2:
                done.set()

        worker = self.worker([route('task', consumer)])
        thread = self.run_worker(worker)
        for number in range(3):
            self.layer.send('task', {'n': number})
        self.assertTrue(done.wait(10))
        worker.stop()
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.assertEqual(self.seen, [0, 1, 2])

    def test_threads_work_side_by_side_and_all_end(self):
        together = [threading.Event(), threading.Event()]

        def consumer(message):
            together[message['n']].set()
            self.seen.append(together[1 - message['n']].wait(10))

        worker = WorkerGroup(
            ChannelLayerWrapper(self.layer, 'test', [route('task', consumer)]), n_threads=2, signal_handlers=False,
        )
        thread = self.run_worker(worker)
        self.layer.send('task', {'n': 0})
        self.layer.send('task', {'n': 1})
        for event in together:
            self.assertTrue(event.wait(10))
        worker.stop()
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.assertEqual(self.seen, [True, True])

    def test_stopping_lets_the_message_in_flight_finish(self):
        started, go_on = threading.Event(), threading.Event()

        def consumer(message):
            started.set()
            go_on.wait(10)
            self.seen.append('done')

        worker = self.worker([route('task', consumer)])
        thread = self.run_worker(worker)
        self.layer.send('task', {})
        self.assertTrue(started.wait(10))
        self.layer.send('task', {})
        worker.stop()
        go_on.set()
        thread.join(10)
        self.assertEqual(self.seen, ['done'])
        self.assertEqual(self.layer.receive(['task']), ('task', {}))

    def test_all_that_has_to_end_shares_one_shutdown_timeout(self):
        clock, timeouts = ManualClock(), []
        module = sys.modules[Worker.__module__]
        self.addCleanup(setattr, module, 'LATE_ANSWERS', module.LATE_ANSWERS)
        module.LATE_ANSWERS = LateAnswers()
        module.LATE_ANSWERS.finish = timeouts.append

        def consumer(message):
            worker.stop()
            # It takes so long after that.
            clock.now += message['seconds']

        for seconds, left in ((7, 3), (70, 0)):
            worker = self.worker([route('task', consumer)], clock=clock, shutdown_timeout=10.0)
            self.layer.send('task', {'seconds': seconds})
            worker.run()
            self.assertEqual(timeouts.pop(), left)

    def test_a_layer_that_fails_is_tried_again_and_complained_of_once(self):
        failures = [LayerUnavailable('no connection'), LayerUnavailable('no connection')]
        receive = self.layer.receive
        done = threading.Event()

        def failing(channels, block=False):
            if failures:
                raise failures.pop()
            return receive(channels, block)

        self.layer.receive = failing
        worker = self.worker([route('task', lambda message: done.set())])
        self.layer.send('task', {})
        thread = self.run_worker(worker)
        self.assertTrue(done.wait(10))
        worker.stop()
        thread.join(10)
        self.assertEqual(self.log().count('Receiving failed, trying again: no connection'), 1)

    def test_the_ready_signals_come_once_a_process_and_once_a_thread(self):
        ready = threading.Event()

        def process_ready(sender, **kwargs):
            self.seen.append(('process', sender))

        def thread_ready(sender, **kwargs):
            self.seen.append(('thread', sender))
            if len(self.seen) == 3:
                ready.set()

        signals.worker_process_ready.connect(process_ready)
        signals.worker_ready.connect(thread_ready)
        try:
            worker = self.worker([], threads=2)
            thread = self.run_worker(worker)
            self.assertTrue(ready.wait(10))
            worker.stop()
            thread.join(10)
        finally:
            signals.worker_process_ready.disconnect(process_ready)
            signals.worker_ready.disconnect(thread_ready)
        # Receivers of Channels 1.x ask their sender for its layer and channels.
        self.assertEqual(self.seen, [('process', worker), ('thread', worker), ('thread', worker)])

    def test_a_signal_stops_it_and_handlers_are_given_back(self):
        before = signal.getsignal(signal.SIGTERM)

        def consumer(message):
            os.kill(os.getpid(), signal.SIGTERM)
            self.seen.append('finished')

        worker = self.worker([route('task', consumer)], signal_handlers=True)
        self.layer.send('task', {})
        worker.run()
        self.assertEqual(self.seen, ['finished'])
        self.assertEqual(signal.getsignal(signal.SIGTERM), before)

    def test_what_consumers_do_to_signals_is_undone(self):
        ours, seen = [], []

        def consumer(message):
            seen.append([signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)])
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
            ours.append(signal.set_wakeup_fd(-1))
            if message['is_last']:
                worker.stop()

        self.addCleanup(signal.signal, signal.SIGCHLD, signal.getsignal(signal.SIGCHLD))
        worker = self.worker([route('task', consumer)], signal_handlers=True)
        for is_last in (False, False, True):
            self.layer.send('task', {'is_last': is_last})
        worker.run()
        self.assertNotIn(-1, ours)
        self.assertNotIn(signal.SIG_IGN, seen[1] + seen[2])
        self.assertEqual(seen[0], seen[2])
        self.assertEqual(self.log().count('A consumer has changed what signal'), 2)

    @unittest.skipUnless(hasattr(os, 'fork'), 'This system can\'t fork.')
    def test_a_terminal_that_is_closed_is_one_signal_however_often_it_says_so(self):
        child = os.fork()
        if not child:
            try:
                stopped, reported = threading.Event(), threading.Event()
                with StopSignals(stopped.set, reported.set):
                    os.kill(os.getpid(), signal.SIGHUP)
                    stopped.wait(30)
                    # A shell passes it on, and the system sends another.
                    os.kill(os.getpid(), signal.SIGHUP)
                    os.kill(os.getpid(), signal.SIGUSR1)
                    reported.wait(30)
                os._exit(0 if reported.is_set() else 1)
            finally:
                os._exit(2)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    @unittest.skipIf(six.PY2, 'Python 2 tells of the second once the handler of the first has run only')
    def test_a_second_signal_ends_it_at_once_whatever_its_consumer_is_in(self):
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        process = subprocess.Popen(
            [sys.executable, '-u', '-c', BLOCKED], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        try:
            for line, number in ((b'consumer runs', signal.SIGTERM), (b'Shutdown signal received', signal.SIGINT)):
                while line not in process.stdout.readline():
                    self.assertIsNone(process.poll())
                process.send_signal(number)
            process.stdout.read()
            self.assertEqual(process.wait(), 128 + signal.SIGTERM)
        finally:
            if process.poll() is None:
                process.kill()
            process.stdout.close()
