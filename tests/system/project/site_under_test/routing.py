"""Channel routing of the project under test."""
from __future__ import unicode_literals

from django.channels import route
from django.channels.test.linting import lint_everything

from . import consumers

# Whatever a worker of this project sends keeps the standard.
lint_everything()

channel_routing = [
    route('websocket.connect', consumers.accept, path=r'^/echo/$'),
    route('websocket.receive', consumers.echo, path=r'^/echo/$'),
    route('websocket.connect', consumers.tell_who, path=r'^/who/$'),
    route('websocket.connect', consumers.join, path=r'^/group/(?P<name>\w+)/$'),
    route('websocket.receive', consumers.broadcast, path=r'^/group/(?P<name>\w+)/$'),
    route('websocket.disconnect', consumers.leave, path=r'^/group/(?P<name>\w+)/$'),
    route('slow-job', consumers.slow_job),
    route('broken-job', consumers.broken_job),
    route('quick-job', consumers.quick_job),
    route('misspelling-job', consumers.misspelling_job),
    route('picky-job', consumers.quick_job, kind='^known$'),
]
