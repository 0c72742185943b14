"""Channel routing of the project under test."""
from __future__ import unicode_literals

import os

from django.apps import apps
from django.channels import include, route
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.retries import Acknowledged, Retry
from django.channels.test.linting import lint_everything

from . import consumers, endings

# Whatever a worker of this project sends keeps the standard.
if os.environ.get('SUT_LINT') != 'no':
    lint_everything()

channel_routing = [
    route('websocket.connect', consumers.accept, path=r'^/echo/$'),
    route('websocket.receive', consumers.echo, path=r'^/echo/$'),
    route('websocket.connect', consumers.tell_who, path=r'^/who/$'),
    route('websocket.connect', consumers.join, path=r'^/group/(?P<name>\w+)/$'),
    route('websocket.receive', consumers.broadcast, path=r'^/group/(?P<name>\w+)/$'),
    route('websocket.disconnect', consumers.leave, path=r'^/group/(?P<name>\w+)/$'),
    route('websocket.connect', endings.ending_handshake, path=r'^/ending/$'),
    route('websocket.receive', endings.ending_frame, path=r'^/ending/$'),
    route('slow-job', consumers.slow_job),
    route('origin-job', consumers.origin_job),
    route('broken-job', consumers.broken_job),
    route('doomed-job', consumers.broken_job, acknowledged=Acknowledged(Retry(attempts=1))),
    route('quick-job', consumers.quick_job),
    route('conformance.jobs', consumers.conformance_job, acknowledged=Acknowledged(
        Retry(first=0, last=0), capacity=100, deliveries=3, dead_letters=10)),
    route('misspelling-job', consumers.misspelling_job),
    route('picky-job', consumers.quick_job, kind='^known$'),
]

if apps.is_installed('django.contrib.admin'):
    channel_routing.append(include('django.channels.monitoring.routing.channel_routing'))

if SUPPORTS_ASYNC:
    from . import asynchronous
    channel_routing += [
        route('websocket.connect', consumers.accept, path=r'^/async/'),
        route('websocket.receive', asynchronous.echo, path=r'^/async/echo/$'),
        route('websocket.receive', asynchronous.ending_frame, path=r'^/async/ending/$'),
    ]
