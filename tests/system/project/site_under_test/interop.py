"""
Consumers for a program in another language: they tell what arrived, and do
what they are told. Messages in messages are in the JSON of the standard.
"""
from __future__ import unicode_literals

from django.channels import Channel, Group, route
from django.channels.layers.codec import from_json, to_json

#: Where it is told what arrived.
REPORTS = 'interop.reports'


def mirror(message):
    """Tell what arrived."""
    report(message.channel.name, message.content)


def report(channel, content):
    Channel(REPORTS).send({'channel': channel, 'json': to_json(content)}, immediately=True)


def say(message):
    """Send a message."""
    Channel(message['channel']).send(from_json(message['json']))


def say_to_group(message):
    """Send a message to a group."""
    Group(message['group']).send(from_json(message['json']))


def add(message):
    """Make channels members of a group, and report that it is done."""
    for channel in message['channels']:
        Group(message['group']).add(channel)
    report('interop.add', {})


def take(message):
    """Tell what comes on a channel that is no route's, until the last is in."""
    for _ in range(message['count']):
        for channels, content in message.channel_layer.receive_deliveries([message['from']], 1, 30):
            report(' '.join(channels), content)


channel_routing = [route(name, mirror) for name in (
    'http.request', 'http.disconnect', 'websocket.connect', 'websocket.receive', 'websocket.disconnect', 'asgi.delay',
    'task', 'interop.member', 'channels.delayed', 'channels.schedules',
)] + [
    route('interop.say', say),
    route('interop.say-to-group', say_to_group),
    route('interop.add', add),
    route('interop.take', take),
]
