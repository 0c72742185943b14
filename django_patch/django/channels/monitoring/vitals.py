"""
The vitals of a worker: is it alive, what does it do, how far is it behind.

A thread of its own looks every few seconds, since a worker whose threads are
all stuck can't tell itself.
"""
from __future__ import absolute_import, unicode_literals

import errno
import io
import json
import logging
import os
import threading
import time

from ..compat import six
from ..compat.files import replace
from ..periodic import PeriodicThread

logger = logging.getLogger('django.channels')

#: Seconds between two looks.
INTERVAL = 5.0
#: Seconds that a report waits for the layer: a probe may have one for all of
#: it, and must not take a layer that hangs for a worker that does.
PATIENCE = 0.5


class Vitals(object):
    """
    What is known of one worker's health.

    `look_behind()` returns for how many seconds the oldest message has waited
    that the worker might receive, and is called in a thread of its own;
    `running()` is Activity.running(); `max_busy` is the number of seconds
    after which a message that is still being handled makes the worker unwell,
    or None. `is_stopping()` says whether the worker is about to end.
    """

    def __init__(self, running, look_behind, max_busy=None, is_stopping=lambda: False, wall=time.time):
        self._running = running
        self._look_behind = look_behind
        self._max_busy = max_busy
        self._wall = wall
        self._is_stopping = is_stopping
        # The _Question that was asked last.
        self._question = None
        self._lock = threading.Lock()

    def report(self, patience=PATIENCE):
        """
        Return (well, facts): a bool and a dict that JSON can hold.

        `status` is "ok", "stopping", "busy" or "unreachable" (the layer is, or
        it didn't answer within `patience` seconds); `behind` is in seconds,
        None if it isn't known; `running` counts messages in progress,
        `longest` is the seconds of the oldest.
        """
        number, running = self._running()
        facts = {
            'status': 'ok', 'pid': os.getpid(), 'time': int(self._wall()), 'running': number, 'behind': None,
            'longest': running[0]['seconds'] if running else 0.0,
        }
        if running:
            facts['doing'] = running[0]['consumer'] or running[0]['channel']
        facts.update(self._ask().answer(patience))
        if self._max_busy is not None and facts['longest'] > self._max_busy:
            facts['status'] = 'busy'
        elif self._is_stopping():
            facts['status'] = 'stopping'
        return facts['status'] == 'ok', facts

    def _ask(self):
        with self._lock:
            if self._question is None or self._question.is_over():
                self._question = _Question(self._look_behind)
            # While it hangs, all who ask wait for the same.
            return self._question


class _Question(object):
    """How far a worker is behind, which only the layer knows, and it may hang."""

    def __init__(self, look_behind):
        self._look_behind = look_behind
        self._facts = {'status': 'unreachable', 'error': 'The channel layer has not answered yet.'}
        self._is_over = threading.Event()
        thread = threading.Thread(target=self._run, name='behind')
        thread.daemon = True
        thread.start()

    def _run(self):
        try:
            self._facts = {'behind': round(self._look_behind(), 1)}
        except Exception as error:
            # Whatever a layer raises: what counts is that it doesn't answer.
            self._facts = {'status': 'unreachable', 'error': six.text_type(error)}
        finally:
            self._is_over.set()

    def is_over(self):
        """Return whether the layer has answered."""
        return self._is_over.is_set()

    def answer(self, patience):
        """Return the facts that are known after `patience` seconds, or before that if all are."""
        self._is_over.wait(patience)
        return self._facts


def behind(layer, channels):
    """Return for how many seconds the oldest message of `channels` has waited, 0 if there is none."""
    if not layer.supports_statistics:
        return 0.0
    return max([0.0] + [layer.channel_statistics(name).get('messages_max_age', 0) for name in channels])


def write_file(path, facts):
    """Put `facts` into the file `path` as JSON, all at once, so that no reader finds half of it."""
    part = '%s.%d' % (path, os.getpid())
    file = io.open(part, 'w', encoding='utf-8')
    try:
        with file:
            file.write(six.text_type(json.dumps(facts, sort_keys=True)) + '\n')
        replace(part, path)
    except EnvironmentError:
        os.remove(part)
        raise


def try_file(path):
    """Raise EnvironmentError, saying why, if write_file() can't write to `path`; leave it as it is."""
    if os.path.isdir(path):
        raise EnvironmentError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    part = '%s.%d' % (path, os.getpid())
    with io.open(part, 'w'):
        pass
    os.remove(part)


class HealthFile(object):
    """
    The file `path`, written while the worker isn't stuck; a context manager.

    A file that is older than a minute means: not alive. It is deleted at the
    end, unless it is of another process by then, such as the next one.
    """

    def __init__(self, path, vitals, interval=INTERVAL):
        self._path = path
        self._vitals = vitals
        self._thread = PeriodicThread('health-file', interval, self._look_again)

    def __enter__(self):
        # A folder that isn't there is said at once, and not in a thread. A
        # full disk is no reason to do no work.
        try:
            self.look()
        except EnvironmentError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._log(error)
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._thread.stop()
        try:
            if self._is_own():
                os.remove(self._path)
        except EnvironmentError as error:
            logger.error('The health file %s can\'t be removed: %s', self._path, error)

    def _is_own(self):
        try:
            with io.open(self._path, encoding='utf-8') as file:
                return json.load(file)['pid'] == os.getpid()
        except (EnvironmentError, KeyError, TypeError, ValueError):
            # It is gone, or is something else.
            return False

    def look(self):
        """Write the file unless the worker is stuck, or if there is none; a layer that is away makes it no older."""
        well, facts = self._vitals.report()
        if facts['status'] != 'busy' or not os.path.exists(self._path):
            write_file(self._path, facts)

    def _look_again(self):
        try:
            self.look()
        except EnvironmentError as error:
            self._log(error)

    def _log(self, error):
        logger.error('The health file %s can\'t be written: %s', self._path, error)
