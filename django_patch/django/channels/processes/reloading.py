"""
New code for running processes: a program that replaces itself.

A process that has loaded the old code can't unload it, so a new program takes
its place, under the same process id, and with the same children. Whether the
new code loads at all is tried before by a process of its own.
"""
from __future__ import absolute_import

import fcntl
import logging
import os
import signal
import subprocess

from ..compat.command_line import command_line
from ..compat.interrupts import accept_signals, keep_signals
from ..layers.clock import SYSTEM_CLOCK
from . import service_manager, standard_streams

__all__ = ['INHERITED', 'TRIAL', 'inherited', 'is_trial', 'reload']

logger = logging.getLogger('django.channels')

#: Seconds that new code may take to load, and between two looks.
LOADING_TIMEOUT, INTERVAL = 120.0, 0.1

#: Environment variables: the ids of the processes to take over, and whether
#: only to try to load everything.
INHERITED, TRIAL = 'DJANGO_CHANNELS_INHERITED', 'DJANGO_CHANNELS_TRIAL'

#: Signals that come between the last look and the new program, and are its.
_KEPT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def is_trial():
    """Return whether this process only tries whether everything loads."""
    return os.environ.get(TRIAL) == str(os.getppid())


def inherited():
    """
    Return (ids of processes, their lifeline or None), to be taken over.

    Once, for they are nobody else's.
    """
    numbers = [int(number) for number in os.environ.pop(INHERITED, '').split(',') if number]
    return numbers[2:], tuple(numbers[:2]) or None


def reload(processes, lifeline, is_stopping):
    """
    Replace this program by a new one, which takes over the `processes`.

    `lifeline` is the pipe by which they know that this program lives. Return
    if the new code doesn't load in time, which the log tells, or once
    `is_stopping()` says that there is nothing to reload any more.
    """
    logger.info('Loading the new code.')
    command = command_line()
    try:
        loads = _is_loaded(command, is_stopping)
    except EnvironmentError as error:
        logger.error('The new code can\'t be loaded (%s), so the old goes on.', error)
        return
    if not loads:
        return
    standard_streams.flush()
    # Until the new program handles them: it may have loaded the code before
    # that of a second deployment came, which its SIGHUP tells.
    keep_signals(_KEPT)
    if is_stopping():
        accept_signals(_KEPT)
        return
    for number in lifeline:
        fcntl.fcntl(number, fcntl.F_SETFD, 0)
    os.environ[INHERITED] = ','.join(str(number) for number in list(lifeline) + processes)
    os.execv(command[0], command)


def _is_loaded(command, is_stopping, clock=SYSTEM_CLOCK):
    """Return whether a process of `command` loads all code; meanwhile the service manager hears that we live."""
    trial = subprocess.Popen(command, env=dict(os.environ, **{TRIAL: str(os.getpid())}))
    deadline = clock.monotonic() + LOADING_TIMEOUT
    while trial.poll() is None and clock.monotonic() < deadline and not is_stopping():
        service_manager.notify('WATCHDOG=1')
        clock.sleep(INTERVAL)
    if trial.poll() is None:
        # Its end, and what it may have begun, is of no interest.
        trial.kill()
        trial.wait()
        if not is_stopping():
            logger.error('The new code hasn\'t been loaded within %g s, so the old goes on.', LOADING_TIMEOUT)
    elif trial.returncode != 0:
        logger.error('The new code can\'t be loaded (exit status %d), so the old goes on.', trial.returncode)
    return trial.returncode == 0
