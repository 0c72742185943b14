"""
Several worker processes: the dead ones replaced, all of them reloaded.
"""
from __future__ import absolute_import

import errno
import fcntl
import logging
import os
import select
import signal
import threading
import traceback

from ..compat.interrupts import accept_signals, was_interrupted
from ..layers.backoff import Backoff
from ..layers.clock import SYSTEM_CLOCK
from . import service_manager, standard_streams
from .pipes import open_pipe, say_ready

logger = logging.getLogger('django.channels')

#: A process that lives shorter (seconds) is replaced after a pause.
SHORT_LIFE = 5.0
#: The pauses, in seconds, growing from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.5, 30.0
#: Seconds between two looks, where no signal asks for one.
INTERVAL = 1.0
#: The exit status of a process that any other would end with in its place.
REFUSED = 2

_STOP = (signal.SIGTERM, signal.SIGINT)
_HANDLED = _STOP + (signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)


class Child(object):
    """A process: its place among the others, when it began, and whether it works already."""

    def __init__(self, index, started, pipe):
        self.index = index
        self.started = started
        self.pipe = pipe
        self.is_ready = False


class Supervisor(object):
    """
    Keeps `count` processes running `serve(index, ready)`.

    `serve` runs in a new process, one for each index, and calls `ready()` once
    it works; it returns an exit status. SIGTERM and SIGINT have all processes
    finish, a second one ends them; so does SIGHUP if the terminal was closed,
    however often it comes. At any other SIGHUP `reload(pids, lifeline,
    is_stopping)` is called, which has a new program take the place of this,
    or returns. It gets the processes `pids` as `inherited`, and the pipe as
    `lifeline`: each ends when one of its own is ready. A process that dies is
    replaced, after a pause if it did so soon; no other ends because of it. The
    last one that is left ends all if it ends with REFUSED.
    """

    def __init__(self, count, serve, reload=None, inherited=(), lifeline=None, clock=SYSTEM_CLOCK):
        self._count = count
        self._serve = serve
        self._reload = reload
        self._clock = clock
        self._lifeline = lifeline
        #: Process id -> Child.
        self.children = {}
        #: Those of the program before this one, which are still to end.
        self._inherited = list(inherited)
        self._retired = set()
        #: Place -> when to start a process there.
        self._due = {}
        self._backoffs = {index: Backoff(FIRST_PAUSE, LAST_PAUSE) for index in range(count)}
        self._signals = self._status = 0
        self._is_ready = False
        self._pending = []
        self._terminal = standard_streams.Terminal(clock=clock)

    def run(self):
        """Run until a signal has ended all processes; return the exit status."""
        self._wake_reader, self._wake_writer = open_pipe()
        if self._lifeline is None:
            # Nothing is written to it; it ends when this process does.
            self._lifeline = open_pipe()
        for number in self._lifeline:
            fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        before = {number: signal.signal(number, self._on_signal) for number in _HANDLED}
        accept_signals(_HANDLED)
        interval = service_manager.watchdog_interval()
        self._interval = INTERVAL if interval is None else min(INTERVAL, interval / 2)
        try:
            self._due = {index: 0.0 for index in range(self._count)}
            while self.children or self._inherited or self._retired or not self._signals:
                self.look_once()
                self._wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._status

    # Signals: noted by their handlers, acted upon by the loop.

    def _on_signal(self, number, frame):
        self._pending.append(number)
        try:
            os.write(self._wake_writer, b'\0')
        except EnvironmentError as error:
            # Full: it will be awake.
            if error.errno != errno.EAGAIN:
                raise

    def _wait(self):
        pipes = {child.pipe: child for child in self.children.values() if child.pipe is not None}
        try:
            readable = select.select(list(pipes) + [self._wake_reader], [], [], self._interval)[0]
        except (EnvironmentError, select.error) as error:
            if not was_interrupted(error):
                raise
            return
        for pipe in readable:
            data = os.read(pipe, 1024)
            if pipe in pipes:
                os.close(pipe)
                pipes[pipe].pipe = None
                if data:
                    self._on_ready(pipes[pipe])

    def look_once(self):
        """Act upon signals, collect those that ended, and start those that are due."""
        service_manager.notify('WATCHDOG=1')
        self._terminal.has_just_closed()
        while self._pending:
            self._act(self._pending.pop(0))
        self._collect()
        if not self._signals:
            self._start_due()

    def _act(self, number):
        if number == signal.SIGHUP and self._terminal.has_just_closed():
            if self._signals:
                # A shell passes it on, and the system sends another.
                return
            number = signal.SIGTERM
        if number in _STOP:
            self._signals += 1
            if self._signals == 1:
                logger.info('Shutdown signal received: the processes finish the messages in progress. A second signal '
                            'ends them.')
                service_manager.notify('STOPPING=1')
            self._send_all(signal.SIGTERM if self._signals == 1 else signal.SIGKILL)
        elif number == signal.SIGUSR1:
            self._send_all(number)
        elif number == signal.SIGHUP and self._reload is not None and not self._signals:
            service_manager.notify('RELOADING=1')
            self._reload(self.processes(), self._lifeline, self._is_stopping)
            # It has not been replaced.
            service_manager.notify('READY=1')

    def _is_stopping(self):
        """Return whether a signal waits that ends the processes."""
        numbers = _STOP + (signal.SIGHUP,) if self._terminal.has_just_closed() else _STOP
        return bool(set(numbers).intersection(self._pending))

    def processes(self):
        """Return the ids of all processes that have not ended, as a list."""
        return list(self.children) + self._inherited + sorted(self._retired)

    def _send_all(self, number):
        for process in self.processes():
            _send(process, number)

    # Processes

    def _on_ready(self, child):
        child.is_ready = True
        if self._inherited:
            process = self._inherited.pop(0)
            self._retired.add(process)
            _send(process, signal.SIGTERM)
        if len(self.children) == self._count and all(child.is_ready for child in self.children.values()):
            for process in self._inherited:
                _send(process, signal.SIGTERM)
            self._retired.update(self._inherited)
            self._inherited = []
            if not self._is_ready:
                self._is_ready = True
                logger.info('All %d worker processes are ready.', self._count)
                service_manager.notify('READY=1')

    def _start_due(self):
        now = self._clock.monotonic()
        for index, due in sorted(self._due.items()):
            if due > now:
                continue
            if self._inherited and not all(child.is_ready for child in self.children.values()):
                # One by one, so that there are never many more than wanted.
                return
            del self._due[index]
            try:
                self._start(index, now)
            except EnvironmentError as error:
                # Of processes, files or memory; the others go on.
                pause = self._backoffs[index].next_pause()
                logger.error('A worker process can\'t be started: %s. The next try is in %g s.', error, pause)
                self._due[index] = now + pause

    def _collect(self):
        while True:
            try:
                process, code = os.waitpid(-1, os.WNOHANG)
            except EnvironmentError as error:
                if error.errno == errno.ECHILD:
                    return
                raise
            if not process:
                return
            if process in self._inherited:
                self._inherited.remove(process)
            self._retired.discard(process)
            child = self.children.pop(process, None)
            if child is not None:
                self._on_end(process, child, code)

    def _on_end(self, process, child, code):
        if child.pipe is not None:
            os.close(child.pipe)
        if self._signals:
            return
        if os.WIFEXITED(code) and os.WEXITSTATUS(code) == REFUSED and not self.processes():
            self._signals, self._status = 1, REFUSED
            return
        now = self._clock.monotonic()
        backoff, pause = self._backoffs[child.index], 0.0
        if now - child.started >= SHORT_LIFE or code == 0:
            backoff.reset()
        else:
            pause = backoff.next_pause()
        if code == 0:
            logger.info('The worker process %d has ended; another takes its place.', process)
        else:
            logger.error('The worker process %d has died, %s; another takes its place%s.', process, _describe(code),
                         ' in %g s' % pause if pause else '')
        self._due[child.index] = now + pause

    def _start(self, index, now):
        reader, writer = open_pipe()
        standard_streams.flush()
        try:
            process = os.fork()
        except EnvironmentError:
            os.close(reader)
            os.close(writer)
            raise
        if process:
            os.close(writer)
            self.children[process] = Child(index, now, reader)
            return
        status = 1
        try:
            # What came before belongs to the parent, which acts upon it.
            for number in _HANDLED:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if set(_STOP).intersection(self._pending):
                # It came in between, and will not come again.
                os._exit(0)
            os.close(reader)
            os.close(self._lifeline[1])
            thread = threading.Thread(target=self._watch_lifeline, name='worker-lifeline')
            thread.daemon = True
            thread.start()
            status = self._serve(index, lambda: say_ready(writer))
        except BaseException:
            # Nothing above may go on as if it were the parent.
            traceback.print_exc()
        finally:
            standard_streams.flush()
            os._exit(status or 0)

    def _watch_lifeline(self):
        """Have this process, a child, finish when the supervisor is gone."""
        os.read(self._lifeline[0], 1)
        logger.error('The supervisor of the worker process %d is gone, so it finishes.', os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)


def _send(process, number):
    try:
        os.kill(process, number)
    except EnvironmentError as error:
        # It is being waited for.
        if error.errno != errno.ESRCH:
            raise


def _describe(code):
    if os.WIFSIGNALED(code):
        return 'by signal %d' % os.WTERMSIG(code)
    return 'with exit status %d' % os.WEXITSTATUS(code)
