"""
Several programs that belong together: started, replaced, reloaded and ended.
"""
from __future__ import absolute_import

import ctypes
import errno
import logging
import os
import select
import signal
import subprocess
import sys

from ..compat.forks import ended_child
from ..compat.interrupts import was_interrupted
from ..layers.backoff import Backoff
from ..layers.clock import SYSTEM_CLOCK
from . import service_manager, standard_streams

__all__ = ['Program', 'ProgramGroup']

logger = logging.getLogger('django.channels')

#: A program that lives shorter (seconds) is replaced after a pause.
SHORT_LIFE = 5.0
#: The pauses, in seconds, growing from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.5, 30.0
#: Seconds between two looks, where no signal asks for one.
INTERVAL = 0.5
#: The exit status of a program that can't use its options.
USAGE_ERROR = 2


#: The request of prctl(2) to be sent a signal once the parent has ended.
_PR_SET_PDEATHSIG = 1


def _bind_to(parent):
    """Return a function for a new process that has it finish when `parent`, a process id, is gone."""
    # Loaded before the fork, after which little is safe.
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith('linux') else None

    def bind():
        # Ctrl-C is the parent's to pass on.
        os.setpgrp()
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
            if os.getppid() != parent:
                # It was faster.
                os._exit(1)
    return bind


class Program(object):
    """
    One of a group: `name` for people, and its `command`, a list of text.

    It inherits `listeners`, sockets. With `is_replaced`, a reload starts a
    second process and ends the first once that is ready, for which it has to
    speak sd_notify(3); otherwise the program reloads itself at SIGHUP.
    """

    def __init__(self, name, command, listeners=(), is_replaced=False):
        self.name = name
        self.command = [str(part) for part in command]
        self.listeners = listeners
        self.is_replaced = is_replaced
        self.backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        #: When to start it, by the clock; None while it runs.
        self.due = 0.0
        self.process = self.successor = None
        self.started = 0.0
        #: How often it was started, replacements by a reload aside.
        self.starts = 0
        #: Processes that were told to end.
        self.retired = []

    def processes(self):
        """Return all its processes that have not ended."""
        return [process for process in [self.process, self.successor] + self.retired if process is not None]


class ProgramGroup(object):
    """
    Keeps `programs`, a list of Program, running until a signal ends them.

    They end in the order of the list, each once those before it have: who
    takes requests first, who answers them after that. So they do if one can't
    use its options (exit status 2 at its first start), for which to start it
    again is of no use.
    """

    def __init__(self, programs, clock=SYSTEM_CLOCK):
        self._programs = programs
        self._clock = clock
        self._pending = []
        self._signals = 0
        self._status = 0
        self._terminal = standard_streams.Terminal(clock=clock)

    def run(self):
        """Run until all programs have ended; return the exit status: 0 because of a signal, else USAGE_ERROR."""
        self._notices = service_manager.Notices()
        handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
        before = {number: signal.signal(number, self._on_signal) for number in handled}
        try:
            while not self._signals or any(program.processes() for program in self._programs):
                self.look_once()
                self._wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._notices.close()
        return self._status

    def _on_signal(self, number, frame):
        self._pending.append(number)

    def _wait(self):
        try:
            notices = self._notices.socket
            if select.select([notices], [], [], INTERVAL)[0] and b'READY=1' in notices.recv(4096):
                self._replace()
        except (EnvironmentError, select.error) as error:
            if not was_interrupted(error):
                raise

    def look_once(self):
        """Act upon signals, see which programs have ended, and start those that are due."""
        service_manager.notify('WATCHDOG=1')
        self._terminal.has_just_closed()
        while self._pending:
            self._act(self._pending.pop(0))
        for program in self._programs:
            self._collect(program)
        self._collect_adopted()
        if self._signals:
            self._end_next()
            return
        for program in self._programs:
            if program.due is not None and program.due <= self._clock.monotonic():
                program.due = None
                program.started = self._clock.monotonic()
                program.starts += 1
                program.process = self._start(program)
                if program.process is None:
                    program.due = program.started + program.backoff.next_pause()
                else:
                    logger.info('Started the %s, process %d.', program.name, program.process.pid)

    def _act(self, number):
        processes = [process for program in self._programs for process in program.processes()]
        if number == signal.SIGUSR1:
            for program in self._programs:
                if not program.is_replaced and program.process is not None:
                    program.process.send_signal(number)
        elif number == signal.SIGHUP and not self._terminal.has_just_closed():
            self._reload()
        elif number == signal.SIGHUP and self._signals:
            # A shell passes it on, and the system sends another.
            return
        else:
            self._signals += 1
            if self._signals == 1:
                service_manager.notify('STOPPING=1')
                logger.info(
                    'Shutdown signal received: the programs finish what is in progress. A second one ends them.'
                )
            else:
                for process in processes:
                    process.kill()

    def _reload(self):
        for program in self._programs:
            if program.process is None or self._signals:
                continue
            if not program.is_replaced:
                program.process.send_signal(signal.SIGHUP)
            elif program.successor is None:
                # If None, the old one goes on.
                program.successor = self._start(program)

    def _replace(self):
        """End those whose successor has said that it is ready."""
        for program in self._programs:
            if program.successor is not None:
                logger.info('The %s, process %d, has a successor, %d, and ends.', program.name, program.process.pid,
                            program.successor.pid)
                program.process.terminate()
                program.retired.append(program.process)
                program.process, program.successor = program.successor, None
            elif program.is_replaced:
                service_manager.notify('READY=1')

    def _start(self, program):
        """Return a process, or None if the system doesn't give one, which the log tells."""
        try:
            return self._spawn(program)
        except EnvironmentError as error:
            # The others have nothing to do with it, and go on.
            logger.error('The %s can\'t be started: %s', program.name, error)
            return None

    def _spawn(self, program):
        environment = dict(os.environ)
        for name in ('NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'):
            environment.pop(name, None)
        if program.is_replaced:
            environment['NOTIFY_SOCKET'] = self._notices.address
        return subprocess.Popen(program.command, env=environment, close_fds=False, preexec_fn=_bind_to(os.getpid()))

    def _collect(self, program):
        program.retired = [process for process in program.retired if process.poll() is None]
        if program.successor is not None and program.successor.poll() is not None:
            logger.error('The new %s ended with status %d, so the old goes on.', program.name,
                         program.successor.returncode)
            program.successor = None
        if program.process is None or program.process.poll() is None:
            return
        status, program.process = program.process.returncode, program.successor
        program.successor = None
        if self._signals or program.process is not None:
            return
        if status == USAGE_ERROR and program.starts == 1:
            logger.error('The %s can\'t run, as it says above, so all programs end.', program.name)
            self._status, self._signals = status, 1
            return
        now, pause = self._clock.monotonic(), 0.0
        if now - program.started >= SHORT_LIFE:
            program.backoff.reset()
        else:
            pause = program.backoff.next_pause()
        logger.error('The %s ended with status %d; another takes its place in %g s.', program.name, status, pause)
        program.due = now + pause

    def _collect_adopted(self):
        """
        Collect what has ended of processes that others left behind.

        In a container, where this is process 1, each worker that ends leaves
        its watcher.
        """
        known = {process.pid for program in self._programs for process in program.processes()}
        try:
            while True:
                ended = ended_child()
                if ended is None or ended in known:
                    return
                os.waitpid(ended, 0)
        except EnvironmentError as error:
            # Only while every program waits for its next start.
            if error.errno != errno.ECHILD:
                raise

    def _end_next(self):
        for program in self._programs:
            processes = program.processes()
            for process in processes:
                if process not in program.retired:
                    process.terminate()
                    program.retired.append(process)
            program.process = program.successor = None
            if processes:
                return
