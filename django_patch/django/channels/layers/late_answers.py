"""
Answers that a layer couldn't take when they were due, and gets late.

A client waits for its answer until the time of the interface server is over.
A thread that tried again and again would keep others waiting, so there is one
for all answers, which runs as long as there are any.
"""
from __future__ import absolute_import

import collections
import logging
import threading

from ..compat.forks import call_in_forked
from ..exceptions import LayerUnavailable
from .backoff import Backoff
from .clock import SYSTEM_CLOCK

__all__ = ['LATE_ANSWERS', 'LateAnswers']

logger = logging.getLogger('django.channels')

#: How many answers may wait, and for how many seconds each: as long as an
#: interface server does by default.
MAX_ANSWERS, PATIENCE = 10000, 120.0
#: Seconds between two tries, growing from the first to the last.
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


class LateAnswers(object):
    """
    Sends answers until their layer takes them.

    An answer ends what it answers: those of one client may come twice, and
    the first counts.
    """

    def __init__(self, clock=SYSTEM_CLOCK):
        self._clock = clock
        self.forget()

    def forget(self):
        """Leave all answers to the process that this one was forked from."""
        self._lock = threading.Lock()
        self._thread = None
        # Of (layer, channel, answer, since when). Only the thread removes any.
        self._waiting = collections.deque()

    def add(self, layer, channel, answer):
        """Send the message `answer` to `channel` of `layer` once that takes it; return whether there is room."""
        if len(self._waiting) >= MAX_ANSWERS:
            return False
        self._waiting.append((layer, channel, answer, self._clock.monotonic()))
        with self._lock:
            if self._thread is None:
                try:
                    self._thread = self.start()
                except (RuntimeError, threading.ThreadError) as error:
                    # The next answer has another try at it.
                    logger.error('The thread for late answers can\'t be started: %s', error)
        return True

    def start(self):
        """Return a thread that has begun to send what waits."""
        thread = threading.Thread(target=self._run, name='late-answers')
        thread.daemon = True
        thread.start()
        return thread

    def finish(self, timeout):
        """Wait at most `timeout` seconds for what waits to be sent, but long enough for one more try."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return
        thread.join(max(timeout, _LAST_PAUSE))
        if self._waiting:
            logger.error('%d clients could not be answered before the worker ended.', len(self._waiting))

    def _run(self):
        backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)
        while True:
            is_over = not self.send_all()
            if is_over:
                with self._lock:
                    if not self._waiting:
                        self._thread = None
                        return
            self._clock.sleep(backoff.next_pause())

    def send_all(self):
        """Send what can be sent, and give up what is too old; return whether any is left."""
        sent, given_up, is_away = 0, 0, False
        while self._waiting and not is_away:
            layer, channel, answer, since = self._waiting[0]
            if self._clock.monotonic() - since > PATIENCE:
                self._waiting.popleft()
                given_up += 1
                continue
            try:
                layer.send(channel, answer)
            except LayerUnavailable:
                # Others may be for a shard or a layer that is there.
                self._waiting.rotate(-1)
                is_away = True
            except Exception as error:
                # Full, above all: its client is slow, or gone.
                self._waiting.popleft()
                logger.error('%s could not be answered late: %s', channel, error)
            else:
                self._waiting.popleft()
                sent += 1
        if sent:
            logger.info('%d clients were answered late.', sent)
        if given_up:
            logger.error('%d clients could not be answered within %g s.', given_up, PATIENCE)
        return bool(self._waiting)


#: Those of this process.
LATE_ANSWERS = LateAnswers()
call_in_forked(LATE_ANSWERS.forget)
