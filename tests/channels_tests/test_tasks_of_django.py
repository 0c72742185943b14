"""
Django's own tests of engines for tasks, on ChannelsBackend: those that are
about none of Django's own. They are there in Django's harness alone.
"""
from __future__ import absolute_import, unicode_literals

from importlib import import_module

from django.channels import channel_layers
from django.channels.routing import route
from django.channels.worker import Worker
from django.test import override_settings

from .logs import LogTestCase

try:
    ABOUT_TASKS, OF_DUMMY, OF_IMMEDIATE = [
        import_module('tasks.test_' + name) for name in ('tasks', 'dummy_backend', 'immediate_backend')
    ]
    from django.channels.tasks import ChannelsBackend
except ImportError:
    ABOUT_TASKS = None
    ChannelsBackend = object

#: Tests that are about the classes that Django has, or ask for what
#: these can't do: each with the reason.
NOT_OURS = {
    'test_using_correct_backend': 'names the class',
    'test_get_backend': 'names the classes of both',
    'test_cannot_get_result': 'ours can',
    'test_cannot_refresh_result': 'ours can',
    'test_cannot_pass_run_after': 'ours can',
    'test_validate_on_enqueue': 'has settings of its own, with the other one',
    'test_validate_on_aenqueue': 'has settings of its own, with the other one',
    'test_throws_keyboard_interrupt': 'only an operator\'s ends more than the task',
    'test_unknown_queue_name': 'any queue is right for its other one',
}


class RecordingBackend(ChannelsBackend):
    """Runs nothing, and has the `results` of what was enqueued, as DummyBackend has."""

    def __init__(self, alias, params):
        super(RecordingBackend, self).__init__(alias, params)
        self.results = []

    def enqueue(self, task, args, kwargs):
        result = super(RecordingBackend, self).enqueue(task, args, kwargs)
        self.results.append(result)
        return result

    def clear(self):
        for result in self.results:
            self.layer.save_result(result.id, '', 0)
        del self.results[:]


class ImmediateChannelsBackend(ChannelsBackend):
    """Has a worker run a task before enqueue() returns, as ImmediateBackend does."""

    def enqueue(self, task, args, kwargs):
        result = super(ImmediateChannelsBackend, self).enqueue(task, args, kwargs)
        Worker(self.layer, signal_handlers=False).run_once()
        return self.get_result(result.id)


def settings(backend):
    """Return the decorator that sets the settings of a project whose default backend is `backend`."""
    from django.channels import tasks
    return override_settings(
        TASKS={
            'default': {'BACKEND': '%s.%s' % (__name__, backend), 'QUEUES': ['default', 'queue_1']},
            'immediate': {'BACKEND': __name__ + '.ImmediateChannelsBackend', 'QUEUES': ['default', 'queue-2']},
            'missing': {'BACKEND': 'does.not.exist'},
        },
        CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
            'ROUTING': [route(['tasks.default', 'tasks.queue_1'], tasks.run_task, acknowledged=tasks.Acknowledged(
                retry=tasks.Retry(attempts=1)))],
        }},
        USE_TZ=True,
    )


class LayerMixin(LogTestCase):
    """A layer for each test, whose messages this process holds."""

    def setUp(self):
        channel_layers.reset()
        self.addCleanup(channel_layers.reset)
        channel_layers['default'].router
        channel_layers['default'].hold_as('worker')
        super(LayerMixin, self).setUp()


if ABOUT_TASKS is not None:

    @settings('RecordingBackend')
    class TaskTests(LayerMixin, ABOUT_TASKS.TaskTestCase):
        pass

    @settings('RecordingBackend')
    class EnqueueTests(LayerMixin, OF_DUMMY.DummyBackendTestCase):
        # What it keeps is changed by hand.
        test_refresh_result = test_refresh_result_async = None

    @settings('ImmediateChannelsBackend')
    class RunTests(LayerMixin, OF_IMMEDIATE.ImmediateBackendTestCase):
        pass

    for case in (TaskTests, EnqueueTests, RunTests):
        for name in NOT_OURS:
            if hasattr(case, name):
                setattr(case, name, None)
