"""
Rows of jobs and dead letters, as the admin shows them.
"""
from __future__ import absolute_import, unicode_literals

import datetime
import itertools

from ..compat import six
from ..layers.codec import to_json

#: Dead letters that are asked for at once.
PAGE = 500
#: Characters of a text, and items of a list, that pages show at most.
MOST = 20000


def job_rows(jobs, may_read):
    """
    Return a list of dicts about `jobs`, a list of Job.

    Each has `id` (None for a plain message, which can't be cancelled),
    `state`, `attempts`, `priority`, `sent` and `due` (a datetime or None: when
    a delayed one was sent isn't known), and of those who `may_read` it `text`,
    the message as JSON, and the `error` and `traceback` of the last attempt,
    where that has failed.
    """
    return [{
        'id': job.id, 'state': _state(job), 'attempts': job.attempts, 'priority': job.priority,
        'sent': _moment(_sent(job)), 'due': _moment(job.due), 'text': _text(job.message, may_read),
        'error': job.story.get('error') or '' if may_read else '',
        'traceback': job.story.get('traceback') or '' if may_read else '',
    } for job in jobs]


def _sent(job):
    # The layer counts the age of a delayed one from when it is due, and notes
    # that time alone, to the millisecond.
    return None if job.due is not None and job.sent is not None and job.sent > job.due - 0.01 else job.sent


def _state(job):
    if job.attempts:
        return 'waits for a retry'
    return 'waits' if job.due is None else 'delayed'


def letter_rows(letters, may_read, with_text=False):
    """
    Return a list of dicts about `letters`, a list of DeadLetter.

    Each has `id`, `attempts`, `priority`, `sent` and `died` (a datetime or
    None), `consumer` and `reader` (text), and of those who `may_read` it
    `error` and `traceback`, which may quote the message, and `text`, the
    message, if that is asked for.
    """
    return [{
        'id': letter.id, 'attempts': letter.attempts, 'priority': letter.priority,
        'sent': _moment(letter.sent), 'died': _moment(letter.died),
        'consumer': letter.story.get('consumer') or '', 'reader': letter.story.get('reader') or '',
        'error': letter.story.get('error') or '' if may_read else '',
        'traceback': letter.story.get('traceback') or '' if may_read else '',
        'text': _text(letter.message, may_read and with_text),
    } for letter in letters]


def running_rows(processes, channel):
    """Return the rows of the workers' messages in progress that are of `channel`, from rows of process_rows()."""
    return [
        dict(task, where=process['where']) for process in processes if process['state'] != 'dead'
        for task in process['doing'] if task['channel'] == channel
    ]


def with_every_dead_letter(layer, channel, method):
    """
    Call `method(channel, ids)` with all dead letters of a channel.

    The oldest come first; it removes them, and returns how many it removed.
    Return the sum. Those that die meanwhile are left for the next time.
    """
    left = layer.acknowledged_statistics(channel).get(channel, {}).get('dead_letters', 0)
    tried, done, offset = set(), 0, 0
    while left > 0:
        found = [letter.id for letter in layer.dead_letters(channel, PAGE, offset)]
        ids = [id for id in found if id not in tried][:left]
        if ids:
            # Somebody else may be doing the same: none stays because another
            # one went.
            done += method(channel, ids)
            tried.update(ids)
            left -= len(ids)
        elif found:
            offset += len(found)
        else:
            break
    return done


def _moment(seconds):
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds)


def _text(message, may_read):
    return message_text(message) if may_read and message is not None else None


def message_text(message):
    """Return `message` as JSON, its texts and lists cut to what a page has room for: it may be of any size."""
    return to_json(_cut(message))


def _cut(value):
    if isinstance(value, dict):
        return {key: _cut(value[key]) for key in itertools.islice(value, MOST)}
    if isinstance(value, (list, tuple)):
        return [_cut(each) for each in value[:MOST]]
    return value[:MOST] if isinstance(value, (bytes, six.text_type)) else value
