"""
Tasks: `django.tasks` of Django 6.0 and later, or its backport `django_tasks`.

Delete when Django < 6.0 goes.
"""
from __future__ import absolute_import

try:
    from django.tasks import TaskContext, TaskResult, TaskResultStatus, signals, task, task_backends
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.base import TaskError
    from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist
    from django.utils.json import normalize_json
except ImportError:
    try:
        from django_tasks import TaskContext, TaskResult, TaskResultStatus, signals, task, task_backends
        from django_tasks.backends.base import BaseTaskBackend
        from django_tasks.base import TaskError
        from django_tasks.exceptions import InvalidTaskError as InvalidTask, TaskResultDoesNotExist
        from django_tasks.utils import normalize_json
    except ImportError:
        from django.core.exceptions import ImproperlyConfigured
        raise ImproperlyConfigured(
            'This Django has no tasks of its own: install their backport, "pip install django-tasks" (Django 4.2 and '
            'later), or send to an acknowledged channel.'
        )

__all__ = [
    'BaseTaskBackend', 'InvalidTask', 'TaskContext', 'TaskError', 'TaskResult', 'TaskResultDoesNotExist',
    'TaskResultStatus', 'normalize_json', 'signals', 'task', 'task_backends',
]
