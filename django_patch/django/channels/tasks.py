"""
Tasks of Django, run by the workers of channels.

::

    TASKS = {'default': {'BACKEND': 'django.channels.tasks.ChannelsBackend'}}

and in the routing ``include('django.channels.tasks.channel_routing')``. A task
is a job on the acknowledged channel ``tasks.<queue>``: it isn't lost when its
worker dies.
"""
from __future__ import absolute_import

import datetime
import json
import time

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from . import outbox, task_results
from .compat import six
from .compat.coroutines import is_coroutine_function
from .compat.django_tasks import (
    BaseTaskBackend, InvalidTask, TaskContext, TaskResultDoesNotExist, TaskResultStatus, normalize_json, signals,
    task_backends,
)
from .durations import checked_seconds
from .failures import is_of_operator
from .layers import DEFAULT_CHANNEL_LAYER, channel_layers
from .layers.acknowledgement import new_job_id, receipt_of
from .layers.job_options import checked_times
from .names import validate_channel_name
from .retries import Acknowledged, Retry
from .routing import Route

#: Seconds that results are kept, by default: a week.
RESULT_LIFETIME = 7 * 86400


class ChannelsBackend(BaseTaskBackend):
    """
    Enqueues tasks to acknowledged channels.

    Its OPTIONS are `LAYER`, the alias of the channel layer ('default');
    `RETRY`, a dict of what Retry takes (by default a task is tried once, and
    requeued if its worker dies); `RESULT_LIFETIME`, the seconds that results
    are kept once the task has ended (before, a week from their last change, or
    that long if it is longer); and `PREFIX`, of the channels' names
    ('tasks.'). Others, and values that can't be used, raise
    ImproperlyConfigured.
    """
    supports_defer = supports_async_task = supports_get_result = supports_priority = True
    #: The keys that OPTIONS may have; a subclass may add its own.
    option_names = frozenset(['LAYER', 'PREFIX', 'RESULT_LIFETIME', 'RETRY'])

    def __init__(self, alias, params):
        super(ChannelsBackend, self).__init__(alias, params)
        where, options = "The OPTIONS of TASKS['%s']" % alias, self.options
        unknown = sorted(map(str, set(options) - self.option_names))
        if unknown:
            raise ImproperlyConfigured('%s has the unknown key %r: the keys are %s.' % (
                where, unknown[0], ', '.join(sorted(self.option_names))))
        self.layer_alias = options.get('LAYER', DEFAULT_CHANNEL_LAYER)
        retry = options.get('RETRY', {'attempts': 1})
        try:
            if not isinstance(self.layer_alias, six.string_types):
                raise TypeError('LAYER must be the alias of a channel layer, not %r.' % (self.layer_alias,))
            if not isinstance(retry, dict):
                raise TypeError('RETRY must be a dict, not %r.' % (retry,))
            self.result_lifetime = checked_seconds('RESULT_LIFETIME', options.get('RESULT_LIFETIME', RESULT_LIFETIME))
            self.retry = Retry(**retry)
        except (TypeError, ValueError) as error:
            six.raise_from(ImproperlyConfigured("%s can't be used: %s" % (where, error)), error)
        self.prefix = options.get('PREFIX', 'tasks.')

    @property
    def layer(self):
        """The channel layer that it enqueues to."""
        return channel_layers[self.layer_alias]

    def channel_of(self, queue_name):
        """Return the name of the channel of a queue."""
        return self.prefix + queue_name

    def channels(self):
        """Return the names of the channels of all its queues, as a list."""
        return [self.channel_of(name) for name in sorted(self.queues)]

    def validate_task(self, task):
        super(ChannelsBackend, self).validate_task(task)
        try:
            validate_channel_name(self.channel_of(task.queue_name))
        except ValueError as error:
            raise InvalidTask('The queue %r can\'t be a channel: %s' % (task.queue_name, error))
        if task.run_after is not None:
            try:
                checked_times(None, task.run_after.timestamp())
            except (AttributeError, OverflowError, ValueError) as error:
                raise InvalidTask('run_after can\'t be %r: %s' % (task.run_after, error))

    def enqueue(self, task, args, kwargs):
        """
        Send `task` with its arguments; return a TaskResult.

        Inside a consumer it goes out when that has succeeded, and with
        CHANNEL_SEND_ON_COMMIT when the database has committed; only then
        get_result() knows it. Raise ChannelFull, LayerUnavailable, and
        TypeError or ValueError for arguments that JSON can't hold.
        """
        self.validate_task(task)
        result = task_results.fresh(task, new_job_id(), timezone.now(), args, kwargs, self.alias)
        job = {
            'id': result.id, 'priority': task.priority,
            # The call, since the job may outlive its result.
            'message': {'task': task.module_path, 'id': result.id, 'backend': self.alias,
                        'call': json.dumps([result.args, result.kwargs])},
            'result': task_results.dumped(result), 'result_lifetime': self._lifetime(result),
        }
        if task.run_after is not None:
            job['at'] = task.run_after.timestamp()
        outbox.send(self.layer, 'put_job', self.channel_of(task.queue_name), job)
        signals.task_enqueued.send(type(self), task_result=result)
        return result

    # Results

    def save(self, result):
        """Keep `result`, a TaskResult, as it is now."""
        self.layer.save_result(result.id, task_results.dumped(result), self._lifetime(result))

    def _lifetime(self, result):
        """Return for how many seconds `result` is to be kept."""
        if result.is_finished:
            return self.result_lifetime
        lifetime = max(self.result_lifetime, RESULT_LIFETIME)
        if result.task.run_after is not None:
            lifetime += max(0, result.task.run_after.timestamp() - time.time())
        return lifetime

    def get_result(self, result_id):
        """Return the TaskResult of that id; raise TaskResultDoesNotExist."""
        result = self._load(result_id)
        if result.is_finished:
            return result
        # Whose workers died each time could not say so.
        for letter in self.layer.dead_letters(self.channel_of(result.task.queue_name), 1, id=result_id):
            # Or it has failed in this moment.
            result = self._load(result_id)
            if not result.is_finished:
                task_results.end(result, letter)
        return result

    def _load(self, result_id):
        text = self.layer.load_result(result_id)
        if text is None:
            raise TaskResultDoesNotExist(result_id)
        return task_results.loaded(text, result_id, self.alias)


def run_task(message):
    """
    Run the task of `message`: the consumer of ChannelsBackend's channels.

    Return a coroutine for one that is a coroutine function: it runs on the
    worker's event loop, as async consumers do.
    """
    attempt = TaskAttempt(message)
    if attempt.is_async:
        from .asynchronous.coroutine_tasks import run_async
        return run_async(attempt)
    attempt.begin()
    attempt.tell('task_started')
    try:
        value = attempt.checked(attempt.task.call(*attempt.args, **attempt.kwargs))
    except BaseException as error:
        if is_of_operator(error):
            # The job is requeued.
            raise
        if attempt.fail(error):
            attempt.tell('task_finished')
        raise
    attempt.succeed(value)
    attempt.tell('task_finished')


class TaskAttempt(object):
    """An attempt at the task that `message` is about, and what its result says of it."""

    def __init__(self, message):
        self.backend = task_backends[message['backend']]
        self._message = message
        self._receipt = receipt_of(message.content)
        #: What is known of the task so far, a TaskResult, from begin() on.
        self.result = None

    @property
    def is_async(self):
        """Whether the task is a coroutine function."""
        try:
            return is_coroutine_function(import_string(self._message['task']).func)
        except ImportError:
            # begin() raises it, too, unless it has a better reason.
            return False

    @property
    def task(self):
        """The Task that runs."""
        return self.result.task

    @property
    def args(self):
        """The arguments of the call, a list; the first is the context, if the task takes it."""
        return ([TaskContext(task_result=self.result)] if self.task.takes_context else []) + list(self.result.args)

    @property
    def kwargs(self):
        """The keyword arguments of the call, a dict."""
        return self.result.kwargs

    def begin(self):
        """Note that it runs; raise LookupError if there is nothing left to run."""
        message, now = self._message, timezone.now()
        text = self.backend.layer.load_result(message['id'])
        if text is None:
            self.result = self._lost_result()
        else:
            try:
                self.result = task_results.loaded(text, message['id'], self.backend.alias)
            except Exception as error:
                if not self._is_tried_again(error):
                    self.backend.layer.save_result(
                        message['id'], task_results.failed(text, error, now), self.backend.result_lifetime)
                raise
        result = self.result
        result.worker_ids.append(message.channel_layer.reader or '')
        self._save(status=TaskResultStatus.RUNNING, last_attempted_at=now, started_at=result.started_at or now,
                   finished_at=None)

    def _lost_result(self):
        """Return the TaskResult of a job whose own is gone; raise LookupError if the job doesn't say."""
        message = self._message
        if message.get('call') is None:
            raise LookupError(
                'The task %s (%s) was not run: its result has expired.' % (message['task'], message['id']))
        args, kwargs = json.loads(message['call'])
        task = import_string(message['task']).using(
            queue_name=message.channel.name[len(self.backend.prefix):], backend=self.backend.alias)
        sent = timezone.now() if self._receipt is None else datetime.datetime.fromtimestamp(
            self._receipt.sent, datetime.timezone.utc if settings.USE_TZ else None)
        return task_results.fresh(task, message['id'], sent, args, kwargs, self.backend.alias)

    def checked(self, value):
        """Return the `value` that the task returned, as JSON has it; raise TypeError or ValueError if it can't."""
        return normalize_json(value)

    def succeed(self, value):
        """Note that the task has returned `value`."""
        self._save(status=TaskResultStatus.SUCCESSFUL, finished_at=timezone.now(), _return_value=value)

    def fail(self, error):
        """Note that the task has raised `error`; return whether that ends it: it may be tried again."""
        self.result.errors.append(task_results.error_of(error))
        again = self._is_tried_again(error)
        self._save(status=TaskResultStatus.READY if again else TaskResultStatus.FAILED,
                   finished_at=None if again else timezone.now())
        return not again

    def _is_tried_again(self, error):
        retry = self.backend.retry
        attempts = retry.attempts or Acknowledged().options.deliveries
        return retry.applies_to(error) and self._receipt is not None and self._receipt.attempt < attempts

    def tell(self, name):
        """Send the signal of that name."""
        getattr(signals, name).send(type(self.backend), task_result=self.result)

    def is_only_logged(self, name):
        """Return whether nobody but Django's own log receives the signal of that name."""
        # A receiver is kept by its id, and that of the sender.
        log = getattr(signals, 'log_' + name)
        return all(kept[0][0] == id(log) for kept in getattr(signals, name).receivers)

    def _save(self, **values):
        task_results.change(self.result, **values)
        self.backend.save(self.result)


#: The routes of all tasks, for include(): the channels of each ChannelsBackend
#: in TASKS.
channel_routing = [
    Route(backend.channels(), run_task, acknowledged=Acknowledged(retry=backend.retry))
    for backend in task_backends.all() if isinstance(backend, ChannelsBackend)
]
