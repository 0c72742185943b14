"""
Results of Django's tasks, as the text that a channel layer keeps of each.
"""
from __future__ import absolute_import

import datetime
import json
import traceback

from django.conf import settings
from django.utils.module_loading import import_string

from .compat.django_tasks import TaskError, TaskResult, TaskResultStatus
from .exceptions import TaskLost


def dumped(result):
    """Return the text of a TaskResult."""
    return json.dumps({
        'task': result.task.module_path, 'priority': result.task.priority, 'queue_name': result.task.queue_name,
        'run_after': _text(result.task.run_after), 'status': result.status.value,
        'enqueued_at': _text(result.enqueued_at), 'started_at': _text(result.started_at),
        'finished_at': _text(result.finished_at), 'last_attempted_at': _text(result.last_attempted_at),
        'args': result.args, 'kwargs': result.kwargs, 'worker_ids': result.worker_ids,
        'errors': [[error.exception_class_path, error.traceback] for error in result.errors],
        'return_value': result._return_value,
    })


def loaded(text, id, alias):
    """
    Return the TaskResult of that `id` and text; its backend is `alias`.

    Raise ImportError for a task that this process doesn't have, and
    InvalidTask for one that its backend doesn't take any more.
    """
    values = json.loads(text)
    task = import_string(values['task']).using(
        priority=values['priority'], queue_name=values['queue_name'], run_after=_time(values['run_after']),
        backend=alias,
    )
    result = TaskResult(
        task=task, id=id, status=TaskResultStatus(values['status']), args=values['args'], kwargs=values['kwargs'],
        backend=alias, worker_ids=values['worker_ids'],
        errors=[TaskError(exception_class_path=path, traceback=text) for path, text in values['errors']],
        **{name: _time(values[name]) for name in ('enqueued_at', 'started_at', 'finished_at', 'last_attempted_at')}
    )
    change(result, _return_value=values['return_value'])
    return result


def fresh(task, id, enqueued_at, args, kwargs, alias):
    """Return the TaskResult of a task that nobody has begun; its backend is `alias`."""
    return TaskResult(
        task=task, id=id, status=TaskResultStatus.READY, enqueued_at=enqueued_at, started_at=None,
        last_attempted_at=None, finished_at=None, args=args, kwargs=kwargs, backend=alias, errors=[], worker_ids=[],
    )


def failed(text, error, now):
    """Return the text of the result with that `text`, whose task can't be loaded here: `error` says why."""
    values, failure = json.loads(text), error_of(error)
    values['errors'].append([failure.exception_class_path, failure.traceback])
    values.update(status=TaskResultStatus.FAILED.value, finished_at=_text(now), last_attempted_at=_text(now))
    return json.dumps(values)


def end(result, letter):
    """Have a TaskResult say that its job is a DeadLetter."""
    story = letter.story
    reason = 'Its job is a dead letter (deliveries: %d): %s' % (letter.attempts, story.get('error', 'not known why.'))
    result.errors.append(error_of(TaskLost(reason + '\n\n' + story['traceback'] if 'traceback' in story else reason)))
    change(result, status=TaskResultStatus.FAILED, finished_at=datetime.datetime.fromtimestamp(
        letter.died, datetime.timezone.utc if settings.USE_TZ else None))


def error_of(error):
    """Return the TaskError of an exception."""
    return TaskError(
        exception_class_path='%s.%s' % (type(error).__module__, type(error).__qualname__),
        traceback=''.join(traceback.format_exception(type(error), error, error.__traceback__)),
    )


def change(result, **values):
    """Set attributes of a TaskResult, which is frozen for others."""
    for name, value in values.items():
        object.__setattr__(result, name, value)


def _text(time):
    return None if time is None else time.isoformat()


def _time(text):
    return None if text is None else datetime.datetime.fromisoformat(text)
