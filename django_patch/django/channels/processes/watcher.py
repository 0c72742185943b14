"""
The watcher of a worker process: another process, which outlives it.

Only another process can answer for one that was killed. Forked before the
worker opens anything, the watcher waits until the worker has ended, reads its
InFlight, and answers the clients of the messages in there. It also ends a
worker that has worked on one message for too long.
"""
from __future__ import absolute_import

import collections
import errno
import fcntl
import logging
import os
import select
import signal
import traceback

from ..compat.interrupts import was_interrupted
from ..exceptions import LayerUnavailable
from ..failures import reply_to
from ..layers.backoff import Backoff
from ..layers.clock import SYSTEM_CLOCK
from ..layers.presence import Process, this_host
from ..shared_sockets import SharedSockets

logger = logging.getLogger('django.channels')

#: Seconds between two looks for a worker whose end of the pipe another
#: process holds, such as one that a consumer has forked, or for its limit.
INTERVAL = 1.0
#: And once the pipe has ended, though the worker hasn't.
LOST_INTERVAL = 0.05
#: For how many seconds to try to answer.
PATIENCE = 30.0
#: Signals that a terminal or a service manager sends to the whole group.
_NOT_FOR_US = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1')


def watch_over(in_flight, layer, channels, hard_limit=None):
    """
    Fork a process that watches over this one.

    `in_flight` is the InFlight that this process keeps, and `layer` the layer
    that it receives from; `channels()` returns what it waits for. A message in
    flight for more than `hard_limit` seconds costs it its life. Call it before
    there are connections.
    """
    reader, writer = os.pipe()
    sockets = SharedSockets()
    worker = os.getpid()
    for number in (reader, writer):
        fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    if os.fork():
        os.close(reader)
        sockets.begin()
        in_flight.on_added = layer.settle_received
        layer.leave_received(sockets)
        # Closed by nothing but the end of this process.
        return
    status = 1
    try:
        os.close(writer)
        for name in _NOT_FOR_US:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        Watcher(worker, reader, in_flight, layer, hard_limit, sockets=sockets, channels=channels).run()
        status = 0
    except BaseException:
        # Nothing above may go on as if it were the worker.
        traceback.print_exc()
    finally:
        os._exit(status)


class Watcher(object):
    """
    Watches over the process `worker`, whose parent it is not.

    `pipe` is the end of a pipe to read from, whose other end the worker has.
    `sockets` are its SharedSockets, in which what comes on `channels()` is
    left until it is in `in_flight`.
    """

    def __init__(self, worker, pipe, in_flight, layer, hard_limit=None, clock=SYSTEM_CLOCK, sockets=None,
                 channels=None):
        self._worker = worker
        self._pipe = pipe
        self._in_flight = in_flight
        self._layer = layer
        self._hard_limit = hard_limit
        self._clock = clock
        self._sockets = sockets
        self._channels = channels
        self._is_killed = False

    def run(self):
        """Return once the worker has ended, and those who waited for it have been answered."""
        while not self._has_ended():
            if self._hard_limit is not None:
                self.end_if_overdue(self._clock.monotonic())
        self.rescue()
        records = self._in_flight.records()
        held = [record for record in records if self._layer.options_of(record.channel) is not None]
        if self._layer.supports_acknowledgement and self._layer.supports_presence:
            self.requeue(held)
        self.answer_all([record for record in records if record not in held])

    def rescue(self):
        """Have what the worker had received and not recorded be received again, by others."""
        if self._sockets is None:
            return
        self._sockets.take_in()
        sockets = self._sockets.sockets()
        if sockets:
            try:
                number = self._layer.rescue_received(self._worker, sockets, self._channels())
            except Exception:
                # What is recorded is to be answered all the same.
                logger.exception('What the worker %d had received could not be looked for.', self._worker)
                return
            if number:
                logger.warning('A worker process, %d, ended before it began %d messages that it had received. They '
                               'are requeued.', self._worker, number)

    def requeue(self, held):
        """Have what the worker held on acknowledged channels, `held` among it, be received again at once."""
        if held:
            logger.error('A worker process, %d, ended with messages in flight, which are requeued: %s.',
                         self._worker, _by_channel(held))
        deadline, backoff = self._clock.monotonic() + PATIENCE, Backoff(0.1, 2.0)
        while True:
            try:
                for process in self._layer.processes():
                    if process['pid'] == self._worker and process['host'] == this_host():
                        self._layer.withdraw(Process(*[process[field] for field in Process._fields]))
                        self._layer.recover()
                return
            except LayerUnavailable as error:
                # The others find out by themselves, after a while. Where
                # nothing is known to wait for that, nor does who stops it all.
                if not held:
                    return
                if self._clock.monotonic() >= deadline:
                    logger.error('The messages that worker %d held could not be requeued: %s', self._worker, error)
                    return
                self._clock.sleep(backoff.next_pause())

    def _has_ended(self):
        if not self._wait():
            return os.getppid() != self._worker
        # The pipe ends a moment before the worker has, or because something
        # in there has closed what isn't its own.
        if os.getppid() == self._worker:
            self._clock.sleep(LOST_INTERVAL)
        return os.getppid() != self._worker

    def _wait(self):
        """Return whether the pipe has ended, after INTERVAL at most."""
        try:
            watched = [self._pipe]
            if self._sockets is not None and not self._sockets.is_over:
                watched.append(self._sockets)
            ready = select.select(watched, [], [], INTERVAL)[0]
            if self._sockets in ready:
                self._sockets.take_in()
            return self._pipe in ready
        except (EnvironmentError, select.error) as error:
            if not was_interrupted(error):
                raise
            return False

    def end_if_overdue(self, now):
        """Kill the worker if, at `now` of monotonic(), it has had a message for longer than the hard limit."""
        records = self._in_flight.records()
        if self._is_killed or not records or now - records[0].since <= self._hard_limit:
            return
        # It takes a while to end, and its number may be another's then.
        self._is_killed = True
        logger.critical(
            'The worker %d has had a message on %s for more than %g s, the time limit, and is killed.',
            self._worker, records[0].channel, self._hard_limit,
        )
        try:
            os.kill(self._worker, signal.SIGKILL)
        except EnvironmentError as error:
            # It has ended by itself; its clients are answered all the same.
            if error.errno != errno.ESRCH:
                raise

    def answer_all(self, records):
        """Answer the clients that wait for the messages of `records`; log what was lost."""
        if not records:
            return
        logger.error(
            'A worker process, %d, ended with messages in flight, which are lost: %s. Their clients get an '
            'error.', self._worker, _by_channel(records),
        )
        deadline = self._clock.monotonic() + PATIENCE
        waiting = [record for record in records if record.reply_channel and reply_to(record.channel, 503) is not None]
        backoff = Backoff(0.1, 2.0)
        while waiting:
            # Each may take as long as a server that is silent has.
            waiting = [
                record for record in waiting if self._clock.monotonic() >= deadline or not self._answer(record)]
            if not waiting or self._clock.monotonic() >= deadline:
                break
            self._clock.sleep(backoff.next_pause())
        if waiting:
            logger.error('%d clients of a worker that ended could not be told so.', len(waiting))

    def _answer(self, record):
        """Send the answer to `record`; return whether it is settled."""
        reply = reply_to(record.channel, 503)
        if record.channel == 'http.request':
            # A response that has begun is broken off.
            reply['closed'] = True
        try:
            self._layer.send(record.reply_channel, reply)
        except Exception as error:
            # Full, or away: there is time to try again.
            logger.info('%s could not be answered yet: %s', record.reply_channel, error)
            return False
        return True


def _by_channel(records):
    counts = collections.Counter(record.channel for record in records)
    return ', '.join('%d on %s' % (count, channel) for channel, count in sorted(counts.items()))
