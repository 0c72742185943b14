"""
Jobs and dead letters of the in-memory layer, for people.
"""
from __future__ import absolute_import

import json
import time

from ..acknowledgement import DeadLetter, Job, valid_job_channel
from ..capacity import checked_number_of_messages
from ..validation import plain_copy


class MemoryJobsMixin(object):
    """Lists of jobs and dead letters, and what is done with them by hand."""

    def _queue_or_none(self, channel):
        return self._acknowledged_queues.get(valid_job_channel(channel))

    def jobs(self, channel, limit=100):
        checked_number_of_messages('limit', limit)
        with self._lock:
            queue, now = self._queue_or_none(channel), self._clock()
            found = queue.jobs(now)[:limit] if queue is not None else ()
            return [
                Job(record.id, channel, record.deliveries, record.priority, record.sent,
                    None if due is None else time.time() + due - now, plain_copy(record.message),
                    json.loads(record.story) if record.story else {})
                for record, due in found
            ]

    def save_result(self, id, text, lifetime):
        with self._lock:
            now = self._clock()
            # Each call that adds one drops those that have expired.
            self._results = {key: kept for key, kept in self._results.items() if kept[1] > now}
            self._results[id] = text, now + lifetime

    def load_result(self, id):
        with self._lock:
            text, ends = self._results.get(id, (None, 0))
            return text if ends > self._clock() else None

    def cancel_jobs(self, channel, ids):
        with self._lock:
            queue = self._queue_or_none(channel)
            done = [id for id in ids if queue is not None and queue.cancel(id)]
            self._forget_results(done)
            return len(done)

    def _forget_results(self, ids):
        """Keep nothing of jobs that never were."""
        for id in ids:
            self._results.pop(id, None)

    def dead_letters(self, channel, limit=100, offset=0, id=None):
        checked_number_of_messages('limit', limit)
        checked_number_of_messages('offset', offset, lowest=0)
        with self._lock:
            queue = self._queue_or_none(channel)
            dead = [
                kept for known, kept in queue.dead.items() if id in (None, known)
            ][offset:offset + limit] if queue is not None else ()
            return [
                DeadLetter(record.id, channel, record.deliveries, record.priority, record.sent, died,
                           json.loads(story) if story else {}, plain_copy(record.message))
                for record, died, story in dead
            ]

    def replay(self, channel, ids):
        with self._lock:
            queue, now = self._queue_or_none(channel), self._clock()
            return 0 if queue is None else sum(queue.replay(id, now) for id in ids)

    def delete_dead_letters(self, channel, ids):
        with self._lock:
            queue = self._queue_or_none(channel)
            known = [id for id in ids if queue is not None and id in queue.dead]
            for id in known:
                del queue.dead[id]
                queue.counts['deleted'] += 1
            return len(known)

    def acknowledged_statistics(self, channel=None):
        with self._lock:
            return {
                name: dict(
                    queue.counts, waiting=len(queue), later=queue.later, held=queue.held,
                    dead_letters=len(queue.dead), max_age=queue.max_age(self._clock()),
                )
                for name, queue in self._acknowledged_queues.items() if channel in (None, name)
            }
