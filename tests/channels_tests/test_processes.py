"""Tests of the messages that workers have in flight, their limits, and the processes around them."""
from __future__ import absolute_import, unicode_literals

import collections
import ctypes
import errno
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

from django.channels import limits
from django.channels.compat.clock import monotonic
from django.channels.compat.command_line import command_line
from django.channels.dispatch import Consumption
from django.channels.exceptions import LayerUnavailable, TimeLimitExceeded
from django.channels.in_flight import InFlight
from django.channels.in_progress import InProgress, raise_in_thread
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.limits import Limits, LimitWatch
from django.channels.prefetch.batch import Batch
from django.channels.prefetch.coalescer import Coalescer
from django.test import SimpleTestCase

from .clocks import ManualClock
from .logs import LogTestCase

try:
    from django.channels.processes import leaving, reloading, service_manager, standard_streams
    from django.channels.processes.programs import Program, ProgramGroup
    from django.channels.processes.supervisor import REFUSED, Child, Supervisor
    from django.channels.processes.watcher import Watcher
except ImportError:
    # A system that can't fork.
    ProgramGroup = Supervisor = object


class InFlightTests(SimpleTestCase):

    def in_flight(self, record):
        return [(entry.channel, entry.reply_channel) for entry in record.records()]

    def test_what_is_in_flight_is_what_was_added_and_not_removed(self):
        record = InFlight(4)
        slot = record.add('task', {})
        record.add('http.request', {'reply_channel': 'http.response.p!1'})
        self.assertEqual(self.in_flight(record), [('task', ''), ('http.request', 'http.response.p!1')])
        record.remove(slot)
        self.assertEqual(self.in_flight(record), [('http.request', 'http.response.p!1')])

    def test_what_there_is_no_room_for_is_not_recorded(self):
        record = InFlight(1)
        slot = record.add('a', {})
        record.remove(record.add('b', {}))
        self.assertEqual(self.in_flight(record), [('a', '')])
        record.remove(slot)
        record.add('c' * 99, {'reply_channel': 'd' * 99})
        self.assertEqual(self.in_flight(record), [('c' * 99, 'd' * 99)])

    def test_what_is_not_a_name_is_not_recorded(self):
        record = InFlight(2)
        for name in (5, b'x', '\xfc'):
            record.add('a', {'reply_channel': name})
        # On Python 2 a byte string is a name.
        self.assertLessEqual(len(record.records()), 1)
        record.add('b', {})
        self.assertIn(('b', ''), self.in_flight(record))

    def test_another_process_reads_it(self):
        record = InFlight(2)
        child = os.fork()
        if not child:
            try:
                record.add('task', {})
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual(self.in_flight(record), [('task', '')])

    def test_a_batch_holds_its_messages_until_their_replies_have_left(self):
        layer, record = InMemoryChannelLayer(), InFlight(4)
        batch = Batch(layer, Coalescer(), in_flight=record)
        first, second = {'number': 1}, {'number': 2}
        layer.send('a', first)
        layer.receive(['a'])
        batch.begin([('a', first), ('b', second)])
        self.assertEqual(batch.next(), ('a', first))
        self.assertEqual(self.in_flight(record), [('a', ''), ('b', '')])
        # What goes back is others'.
        batch.return_unstarted()
        self.assertEqual(self.in_flight(record), [('a', '')])
        batch.end()
        self.assertEqual(record.records(), [])


class LeavingTests(SimpleTestCase):

    def leave(self, target, least):
        """Return the status of a process that leaves while a thread runs `target`, and what it logged."""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                signal.alarm(30)
                handler = logging.StreamHandler(os.fdopen(writer, 'w'))
                logging.getLogger('django.channels').addHandler(handler)
                leaving.LEAST = least
                threading.Thread(target=target, name='left').start()
                leaving.leave_within(0)
                leaving.wait_for_threads()
                os._exit(7)
            finally:
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader) as file:
            logged = file.read()
        return os.waitpid(child, 0)[1], logged

    def test_a_process_ends_though_a_thread_goes_on(self):
        status, logged = self.leave(threading.Event().wait, 0.01)
        self.assertEqual(status, 0)
        self.assertIn('does not come to its end, and is ended now. Its threads: MainThread, ', logged)
        self.assertIn('left', logged)

    def test_a_process_waits_for_its_threads(self):
        done = InFlight(1)

        def target():
            done.add('done', {})

        self.leave(target, 30)
        self.assertEqual([record.channel for record in done.records()], ['done'])


class WatcherTests(LogTestCase, SimpleTestCase):

    def watcher(self, layer, record, hard_limit=None):
        return Watcher(0, None, record, layer, hard_limit, ManualClock())

    def test_each_who_waits_is_answered(self):
        layer, record = InMemoryChannelLayer(), InFlight(8)
        for number, channel in enumerate((
                'http.request', 'websocket.connect', 'websocket.receive', 'websocket.disconnect', 'task')):
            record.add(channel, {'reply_channel': 'reply.p!%d' % number} if channel != 'task' else {})
        self.watcher(layer, record).answer_all(record.records())
        replies = dict(layer.receive(['reply.p!'], block=False) for _ in range(3))
        self.assertEqual(sorted(replies), ['reply.p!0', 'reply.p!1', 'reply.p!2'])
        self.assertEqual((replies['reply.p!0']['status'], replies['reply.p!0']['closed']), (503, True))
        self.assertEqual(replies['reply.p!1'], {'close': True, 'status': 503})
        self.assertEqual(replies['reply.p!2'], {'close': 1011})
        self.assertEqual(layer.receive(['reply.p!']), (None, None))
        self.assertLogged(
            'ended with messages in flight, which are lost: 1 on http.request, 1 on task, 1 on websocket'
        )

    def test_it_tries_again_where_the_layer_is_full_and_gives_up_at_last(self):
        layer, record = InMemoryChannelLayer(capacity=1), InFlight(8)
        layer.send('reply.p!1', {})
        record.add('http.request', {'reply_channel': 'reply.p!1'})
        self.watcher(layer, record).answer_all(record.records())
        self.assertLogged('1 clients of a worker that ended could not be told so.')

    def test_many_who_wait_at_a_server_that_is_silent_are_given_up_as_fast_as_one(self):
        tried = []

        class Silent(InMemoryChannelLayer):
            def send(self, channel, message):
                tried.append(channel)
                watcher._clock.sleep(10)
                raise LayerUnavailable('It does not answer.')

        layer, record = Silent(), InFlight(8)
        for number in range(8):
            record.add('http.request', {'reply_channel': 'reply.p!%d' % number})
        watcher = self.watcher(layer, record)
        watcher.answer_all(record.records())
        self.assertEqual(tried, ['reply.p!0', 'reply.p!1', 'reply.p!2'])
        self.assertLogged('8 clients of a worker that ended could not be told so.')

    def test_it_tries_again_for_a_layer_that_is_away_only_if_something_was_held(self):
        tried = []

        class Away(InMemoryChannelLayer):
            def processes(self):
                tried.append(1)
                raise LayerUnavailable('It is away.')

        watcher = self.watcher(Away(), None)
        watcher.requeue([])
        self.assertEqual((len(tried), self.log()), (1, ''))
        record = InFlight(1)
        record.add('jobs', {})
        watcher.requeue(record.records())
        self.assertGreater(len(tried), 10)
        self.assertLogged('The messages that worker 0 held could not be requeued: It is away.')

    def test_a_worker_that_has_closed_the_pipe_and_lives_is_watched_over(self):
        class Clock(ManualClock):
            def sleep(self, seconds):
                super(Clock, self).sleep(seconds)
                if self.monotonic() > began + 1:
                    os._exit(7)

        clock = Clock()
        began = clock.monotonic()
        reader, writer = os.pipe()
        os.close(writer)
        child = os.fork()
        if not child:
            Watcher(os.getppid(), reader, InFlight(1), InMemoryChannelLayer(), None, clock).run()
            os._exit(0)
        self.addCleanup(os.close, reader)
        self.assertEqual(os.WEXITSTATUS(os.waitpid(child, 0)[1]), 7)

    def test_a_worker_past_the_hard_limit_is_killed(self):
        record, child = InFlight(2), os.fork()
        if not child:
            signal.pause()
            os._exit(0)
        slot = record.add('task', {})
        watcher = Watcher(child, None, record, None, 5)
        watcher.end_if_overdue(monotonic() + 4)
        self.assertEqual(os.waitpid(child, os.WNOHANG), (0, 0))
        record.exempt(slot)
        watcher.end_if_overdue(monotonic() + 6)
        self.assertEqual(os.waitpid(child, os.WNOHANG), (0, 0))
        record.add('task', {})
        watcher.end_if_overdue(monotonic() + 6)
        # It may not have ended yet.
        watcher.end_if_overdue(monotonic() + 7)
        self.assertEqual(os.WTERMSIG(os.waitpid(child, 0)[1]), signal.SIGKILL)
        self.assertEqual(self.log().count('for more than 5 s, the time limit, and is killed'), 1)

    def test_a_worker_that_ends_just_before_it_is_killed_ends_nothing_else(self):
        record, child = InFlight(2), os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        record.add('task', {})
        Watcher(child, None, record, None, 5).end_if_overdue(monotonic() + 6)


class LimitTests(LogTestCase, SimpleTestCase):

    def test_a_thread_that_takes_too_long_is_interrupted_once(self):
        in_progress, ended, began = InProgress(), [], threading.Event()

        def work():
            task = Consumption('task', {})
            ident = threading.current_thread().ident
            in_progress.threads[ident] = task
            try:
                began.set()
                while True:
                    pass
            except TimeLimitExceeded:
                ended.append(task)
            in_progress.end(ident, task)

        thread = threading.Thread(target=work)
        thread.start()
        began.wait()
        watch = LimitWatch(Limits(seconds=5), in_progress, None)
        watch.look_once(monotonic() + 4)
        self.assertFalse([task for task in in_progress.threads.values() if task.is_overdue])
        watch.look_once(monotonic() + 6)
        watch.look_once(monotonic() + 6)
        thread.join()
        self.assertTrue(ended[0].is_overdue)
        self.assertLogged('A message on task takes longer than 5 s')

    def test_a_clock_that_is_set_ends_no_message(self):
        in_progress, record, ident = InProgress(), InFlight(1), threading.current_thread().ident
        self.addCleanup(setattr, time, 'time', time.time)
        record.add('task', {})
        in_progress.threads[ident] = task = Consumption('task', {})
        later = time.time() + 3600
        time.time = lambda: later
        LimitWatch(Limits(seconds=60), in_progress, None)._look()
        self.assertFalse(task.is_overdue)
        self.assertLess(monotonic() - record.records()[0].since, 60)
        self.assertIn('Thread MainThread: task, by no consumer yet, for 0.', in_progress.report())

    def test_what_has_ended_is_not_interrupted(self):
        in_progress, called = InProgress(), []
        task = Consumption('task', {})
        in_progress.threads[1] = Consumption('next', {})
        in_progress.interrupt(1, task, called.append)
        self.assertEqual(called, [])
        self.assertFalse(task.is_overdue)

    def test_an_interruption_that_has_not_come_up_is_taken_back(self):
        held, began, ended = threading.Lock(), threading.Event(), []

        def wait():
            began.set()
            held.acquire()
            ended.append(True)

        # So this thread goes on when the other one waits, not before.
        unit = 'switch' if hasattr(sys, 'setswitchinterval') else 'check'
        set_interval = getattr(sys, 'set%sinterval' % unit)
        self.addCleanup(set_interval, getattr(sys, 'get%sinterval' % unit)())
        set_interval(1000000)
        held.acquire()
        thread = threading.Thread(target=wait)
        thread.start()
        began.wait()
        raise_in_thread(thread.ident, TimeLimitExceeded)
        raise_in_thread(thread.ident, None)
        held.release()
        thread.join()
        self.assertEqual(ended, [True])

    @unittest.skipIf(os.name == 'nt', 'Windows has no module "resource".')
    def test_the_peak_of_memory_is_in_bytes_on_macos_and_in_kilobytes_elsewhere(self):
        platform = limits.sys.platform
        self.addCleanup(setattr, limits.sys, 'platform', platform)
        limits.sys.platform = 'linux'
        elsewhere = limits._peak_megabytes()
        limits.sys.platform = 'darwin'
        self.assertGreater(elsewhere, 1)
        self.assertLessEqual(limits._peak_megabytes(), elsewhere // 1000)

    def test_a_process_that_holds_too_much_memory_ends(self):
        stopped = []
        watch = LimitWatch(Limits(memory=1), InProgress(), lambda: stopped.append(True))
        watch.look_once(0)
        watch.look_once(0)
        self.assertEqual(stopped, [True])
        self.assertLogged('more than its limit of 1 MB, and ends')

    def test_a_report_tells_each_thread_and_its_message(self):
        in_progress = InProgress()
        task = Consumption('http.request', {'path': '/x', 'reply_channel': 'r!1'})
        in_progress.threads[threading.current_thread().ident] = task
        report = in_progress.report()
        self.assertIn('Thread MainThread: http.request, by no consumer yet, for ', report)
        self.assertIn('reply channel r!1, path /x', report)
        self.assertIn('test_a_report_tells', report)


class DrySupervisor(Supervisor):
    """Starts no processes, and ends those that it is told have ended."""

    def __init__(self, count, **options):
        super(DrySupervisor, self).__init__(count, None, clock=ManualClock(), **options)
        self.started, self.sent, self.codes = [], [], collections.deque()
        self._due = {index: 0.0 for index in range(count)}
        #: What the system raises instead of starting one.
        self.refused = None

    def _start(self, index, now):
        if self.refused is not None:
            raise self.refused
        self.started.append(index)
        self.children[100 + len(self.started)] = Child(index, now, None)

    def _send_all(self, number):
        self.sent.append(number)

    def _collect(self):
        while self.codes:
            process, code = self.codes.popleft()
            self._on_end(process, self.children.pop(process), code)

    def end(self, process, code):
        self.codes.append((process, code))
        self.look_once()


class SupervisorTests(LogTestCase, SimpleTestCase):

    def test_one_that_dies_soon_is_replaced_after_growing_pauses(self):
        supervisor = DrySupervisor(2)
        supervisor.look_once()
        self.assertEqual(supervisor.started, [0, 1])
        clock, process = supervisor._clock, 102
        for pause in (0.5, 1.0, 2.0):
            supervisor.end(process, 256)
            clock.now += pause - 0.1
            supervisor.look_once()
            self.assertNotIn(1, [child.index for child in supervisor.children.values()])
            clock.now += 0.1
            supervisor.look_once()
            process = max(supervisor.children)
        # The other one lives as it did.
        self.assertIn(101, supervisor.children)
        self.assertLogged('with exit status 1; another takes its place in 0.5 s')

    def test_a_terminal_that_is_closed_ends_the_processes(self):
        supervisor = DrySupervisor(1, reload=lambda *args: self.fail('reloaded'))
        supervisor._terminal = DryTerminal(True)
        supervisor.look_once()
        supervisor._pending.extend([signal.SIGHUP, signal.SIGHUP])
        supervisor.look_once()
        # Twice, as a shell and the system send it, is no second signal.
        self.assertEqual(supervisor.sent, [signal.SIGTERM])

    def test_one_that_has_done_its_part_is_replaced_at_once(self):
        supervisor = DrySupervisor(1)
        supervisor.look_once()
        supervisor.end(101, 0)
        self.assertEqual(supervisor.started, [0, 0])

    def test_the_last_one_that_is_refused_ends_all(self):
        supervisor = DrySupervisor(2)
        supervisor.look_once()
        supervisor.end(101, REFUSED << 8)
        # The other one may work.
        self.assertEqual(supervisor.started, [0, 1])
        self.assertEqual(supervisor._signals, 0)
        supervisor.end(102, REFUSED << 8)
        self.assertEqual((supervisor._signals, supervisor._status), (1, REFUSED))
        supervisor._clock.now += 60
        supervisor.look_once()
        self.assertEqual(supervisor.started, [0, 1])

    def test_one_that_the_system_has_no_room_for_ends_no_other(self):
        supervisor = DrySupervisor(2)
        supervisor.refused = OSError(errno.EAGAIN, 'Resource temporarily unavailable')
        supervisor.look_once()
        self.assertEqual(supervisor.children, {})
        self.assertLogged('can\'t be started: [Errno %d] Resource temporarily' % errno.EAGAIN, 'next try is in 0.5 s')
        supervisor.refused = None
        supervisor.look_once()
        self.assertEqual(supervisor.children, {})
        supervisor._clock.now += 0.5
        supervisor.look_once()
        self.assertEqual(len(supervisor.children), 2)

    def test_a_fork_that_fails_leaves_no_pipe_open(self):
        opened = os.listdir('/proc/self/fd') if os.path.isdir('/proc/self/fd') else None
        if opened is None:
            self.skipTest('This system does not list open files.')

        def fork():
            raise OSError(errno.EAGAIN, 'Resource temporarily unavailable')

        supervisor, before, os.fork = Supervisor(1, None), os.fork, fork
        try:
            with self.assertRaises(OSError):
                supervisor._start(0, 0.0)
        finally:
            os.fork = before
        self.assertEqual(len(os.listdir('/proc/self/fd')), len(opened))

    def test_after_a_signal_none_is_replaced_and_a_second_kills(self):
        supervisor = DrySupervisor(1)
        supervisor.look_once()
        supervisor._pending.append(signal.SIGTERM)
        supervisor.end(101, 15)
        self.assertEqual((supervisor.started, supervisor.sent), ([0], [signal.SIGTERM]))
        supervisor._pending.append(signal.SIGINT)
        supervisor.look_once()
        self.assertEqual(supervisor.sent[1:], [signal.SIGKILL])

    def test_the_inherited_end_one_by_one_as_their_successors_are_ready(self):
        ended = []
        children = []
        for number in range(2):
            reader, writer = os.pipe()
            child = os.fork()
            if not child:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.close(writer)
                os.read(reader, 1)
                os._exit(0)
            os.close(reader)
            self.addCleanup(os.close, writer)
            children.append(child)
        supervisor = DrySupervisor(2, inherited=children)
        for place in range(2):
            supervisor.look_once()
            self.assertEqual(len(supervisor.children), place + 1)
            self.assertEqual(len(supervisor._inherited), 2 - place)
            supervisor._on_ready(supervisor.children[101 + place])
            ended.append(os.waitpid(children[place], 0)[1])
        self.assertEqual(ended, [signal.SIGTERM, signal.SIGTERM])

    @unittest.skipUnless(os.path.exists('/proc/self/status'), 'This system does not list signals that wait.')
    def test_a_stop_in_the_last_moment_of_a_reload_is_the_new_programs(self):
        # Which has not said yet that it takes signals: they are pending.
        command = [sys.executable, '-c', 'import sys; sys.stdout.write(open("/proc/self/status").read())']
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(writer, 1)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda number, frame: None)
            execv, reloading.command_line = os.execv, lambda: command

            def execute(*arguments):
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGINT)
                execv(*arguments)
            os.execv = execute
            try:
                reloading.reload([], (), lambda: False)
            finally:
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader) as output:
            # The first is that of the process that only tried to load it.
            status = output.read().rpartition('Name:')[2]
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        pending = int(re.search(r'ShdPnd:\s*([0-9a-f]+)', status).group(1), 16)
        self.assertEqual(pending, 1 << signal.SIGTERM - 1 | 1 << signal.SIGINT - 1)

    def test_new_code_that_does_not_come_to_an_end_is_given_up(self):
        hangs = [sys.executable, '-c', 'import time; time.sleep(60)']
        self.assertFalse(reloading._is_loaded(hangs, lambda: False, ManualClock()))
        self.assertLogged('The new code hasn\'t been loaded within 120 s, so the old goes on.')
        asked = []
        self.assertFalse(reloading._is_loaded(hangs, lambda: asked.append(True) or len(asked) > 2, ManualClock()))
        self.assertEqual(self.log().count('hasn\'t been loaded'), 1)

    def test_new_code_that_no_process_is_left_for_leaves_the_old(self):
        self.addCleanup(setattr, reloading, 'command_line', command_line)
        reloading.command_line = lambda: ['/nonexistent/python']
        reloading.reload([], (), lambda: False)
        self.assertLogged('The new code can\'t be loaded ([Errno %d]' % errno.ENOENT)

    def test_the_command_of_a_new_program_is_that_of_this_one(self):
        self.assertEqual(os.path.basename(command_line()[0])[:6], 'python')

    def test_what_is_taken_over_is_so_once(self):
        os.environ[reloading.INHERITED] = '5,6,100,101'
        self.assertEqual(reloading.inherited(), ([100, 101], (5, 6)))
        self.assertEqual(reloading.inherited(), ([], None))


class DryTerminal(object):

    def __init__(self, has_just_closed):
        self._has_just_closed = has_just_closed

    def has_just_closed(self):
        return self._has_just_closed


class TerminalTests(SimpleTestCase):

    def setUp(self):
        self.clock = ManualClock()

    def terminal(self):
        """Return a Terminal, and a function that closes it."""
        master, number = os.openpty()
        self.addCleanup(os.close, number)
        return standard_streams.Terminal([number], self.clock), lambda: os.close(master)

    def test_one_that_is_closed_has_just_closed_for_a_while(self):
        terminal, close = self.terminal()
        self.assertIs(terminal.has_just_closed(), False)
        close()
        self.assertIs(terminal.has_just_closed(), True)
        self.clock.now += standard_streams.JUST - 1
        self.assertIs(terminal.has_just_closed(), True)
        # The SIGHUP of somebody who left it behind, and reloads it by now.
        self.clock.now += 2
        self.assertIs(terminal.has_just_closed(), False)

    def test_what_has_no_terminal_loses_none(self):
        terminal, close = self.terminal()
        close()
        number = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, number)
        for numbers in ([number], terminal._numbers, [-1]):
            self.assertIs(standard_streams.Terminal(numbers, self.clock).has_just_closed(), False)


class DryProgram(object):
    """A process that ends when it is told to, with the status 0."""

    def __init__(self):
        self.pid, self.returncode, self.sent = 1, None, []

    def poll(self):
        return self.returncode

    def send_signal(self, number):
        self.sent.append(number)

    def terminate(self):
        self.returncode = 0


class DryGroup(ProgramGroup):
    #: The names of those that the system doesn't start.
    refused = ()

    def _spawn(self, program):
        if program.name in self.refused:
            raise OSError(errno.ENOENT, 'No such file or directory')
        return DryProgram()


class NoticesTests(SimpleTestCase):

    def told(self):
        notices = service_manager.Notices()
        try:
            os.environ['NOTIFY_SOCKET'] = str(notices.address)
            self.addCleanup(os.environ.pop, 'NOTIFY_SOCKET', None)
            service_manager.notify('READY=1')
            return notices.address, notices.socket.recv(100)
        finally:
            notices.close()

    def test_a_program_tells_that_it_is_ready(self):
        address, notice = self.told()
        self.assertEqual(notice, b'READY=1')
        self.assertFalse(os.path.exists(os.path.dirname(address)))

    @unittest.skipUnless(sys.platform.startswith('linux'), 'Other systems have no sockets without a file.')
    def test_it_needs_no_file_system_to_write_to(self):
        self.addCleanup(setattr, tempfile, 'tempdir', tempfile.tempdir)
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        # The path of a socket has some 100 bytes.
        long_one = os.path.join(folder, 'x' * 100)
        os.mkdir(long_one)
        for tempdir in (os.path.join(folder, 'none'), long_one):
            tempfile.tempdir = tempdir
            address, notice = self.told()
            self.assertEqual((address[0], notice), ('@', b'READY=1'))
        self.assertEqual(os.listdir(long_one), [])


class ProgramTests(LogTestCase, SimpleTestCase):

    @unittest.skipUnless(
        hasattr(os, 'waitid') and sys.platform.startswith('linux'), 'Nobody else can look for ended processes.')
    def test_processes_that_others_left_behind_are_collected(self):
        child = os.fork()
        if not child:
            try:
                signal.alarm(30)
                # PR_SET_CHILD_SUBREAPER: it gets orphans as process 1 does.
                ctypes.CDLL(None).prctl(36, 1)
                group = DryGroup([Program('server', ['x'])])
                group.look_once()
                reaper = os.getpid()
                if not os.fork():
                    # A worker, and its watcher, which outlives it.
                    if not os.fork():
                        while os.getppid() != reaper:
                            pass
                    os._exit(0)
                while True:
                    try:
                        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                    except ChildProcessError:  # noqa: F821: Python 2 has no os.waitid()
                        os._exit(0)
                    group.look_once()
            finally:
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def setUp(self):
        super(ProgramTests, self).setUp()
        self.clock = ManualClock()
        self.server, self.workers = Program('server', [], is_replaced=True), Program('workers', [])
        self.group = DryGroup([self.server, self.workers], self.clock)
        self.group.look_once()

    def act(self, number):
        self.group._pending.append(number)
        self.group.look_once()

    def test_what_ends_is_started_again_after_a_pause(self):
        self.workers.process.returncode = 1
        self.group.look_once()
        self.assertIsNone(self.workers.process)
        self.clock.now += 0.5
        self.group.look_once()
        self.assertIsNone(self.workers.process.returncode)
        self.assertLogged('The workers ended with status 1; another takes its place in 0.5 s.')

    def test_one_that_cannot_use_its_options_ends_all(self):
        server = self.server.process
        self.workers.process.returncode = 2
        self.group.look_once()
        self.assertLogged("The workers can't run, as it says above, so all programs end.")
        self.assertEqual((server.returncode, self.workers.process), (0, None))

    def test_one_that_could_use_its_options_once_is_started_again(self):
        for status in (1, 2):
            self.workers.process.returncode = status
            self.group.look_once()
            self.clock.now += 5
            self.group.look_once()
        self.assertIsNone(self.workers.process.returncode)
        self.assertIsNone(self.server.process.returncode)

    def test_what_the_system_does_not_start_ends_no_other(self):
        server, self.group.refused = self.server.process, ['workers']
        self.workers.process.returncode = 1
        self.group.look_once()
        for pause in (0.5, 1.0):
            self.clock.now += pause
            self.group.look_once()
            self.assertIsNone(self.workers.process)
        self.assertLogged('The workers can\'t be started: [Errno %d]' % errno.ENOENT)
        self.group.refused = ['server']
        self.act(signal.SIGHUP)
        self.assertIs(self.server.process, server)
        self.group.refused = []
        self.clock.now += 2
        self.group.look_once()
        self.assertIsNone(self.workers.process.returncode)

    def test_the_old_server_ends_when_the_new_one_is_ready(self):
        old = self.server.process
        self.act(signal.SIGHUP)
        self.assertEqual((old.returncode, self.workers.process.sent), (None, [signal.SIGHUP]))
        self.group._replace()
        self.assertEqual(old.returncode, 0)
        self.assertIsNone(self.server.process.returncode)

    def test_a_terminal_that_is_closed_ends_the_programs(self):
        server, workers = self.server.process, self.workers.process
        self.group._terminal = DryTerminal(True)
        self.group._pending.append(signal.SIGHUP)
        self.act(signal.SIGHUP)
        self.group.look_once()
        self.assertEqual((server.returncode, workers.returncode, workers.sent), (0, 0, []))

    def test_a_new_server_that_cannot_start_leaves_the_old_one(self):
        old = self.server.process
        self.act(signal.SIGHUP)
        self.server.successor.returncode = 2
        self.group.look_once()
        self.assertIs(self.server.process, old)
        self.assertIsNone(self.server.successor)
        self.assertLogged('The new server ended with status 2, so the old goes on.')

    def test_the_workers_end_once_the_server_has(self):
        server, workers = self.server.process, self.workers.process
        self.act(signal.SIGTERM)
        self.assertEqual((server.returncode, workers.returncode), (0, None))
        self.group.look_once()
        self.assertEqual(workers.returncode, 0)
