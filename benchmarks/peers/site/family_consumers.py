"""Consumers under the names of Channels 1.x, for it and for us."""
from __future__ import unicode_literals

import bench_task

try:
    from django.channels import Group
except ImportError:
    from channels import Group


def accept(message):
    message.reply_channel.send({'accept': True})


def echo(message):
    message.reply_channel.send({'text': message.content['text']})


def join(message):
    Group('everybody').add(message.reply_channel)
    message.reply_channel.send({'accept': True})


def broadcast(message):
    Group('everybody').send({'text': message.content['text']})


def leave(message):
    Group('everybody').discard(message.reply_channel)


def task(message):
    bench_task.work(message.content['total'])
