"""Consumers of the project under test."""
from __future__ import unicode_literals

import io
import json
import os
import time

from django.channels import Channel, Group

#: The process that has loaded this module.
LOADED_BY = os.getpid()


def accept(message):
    """Open the socket."""
    message.reply_channel.send({'accept': True})


def echo(message):
    """Send a frame back as it came, text or bytes."""
    if message.get('text') is not None:
        message.reply_channel.send({'text': message['text']})
    else:
        message.reply_channel.send({'bytes': message['bytes']})


def tell_who(message):
    """Open the socket, and tell the client who it is."""
    message.reply_channel.send({
        'accept': True, 'text': json.dumps({key: message[key] for key in ('client', 'scheme', 'root_path')}),
    })


def join(message, name):
    """Open the socket and put it into a group."""
    Group(name).add(message.reply_channel)
    message.reply_channel.send({'accept': True})


def broadcast(message, name):
    """Send a frame to everybody in the group, with the worker's number."""
    Group(name).send({'text': '%d: %s' % (os.getpid(), message['text'])})


def leave(message, name):
    """Take the socket out of its group."""
    Group(name).discard(message.reply_channel)


def slow_job(message):
    """
    Write <file>.started, wait until <file>.go exists, write <file>.finished.

    At most 30 seconds, so that a failed test leaves nothing behind.
    """
    write(message['file'] + '.started', '%d' % os.getpid())
    deadline = time.time() + 30
    while not os.path.exists(message['file'] + '.go') and time.time() < deadline:
        time.sleep(0.02)
    write(message['file'] + '.finished', '%d' % os.getpid())


def origin_job(message):
    """Write <file>.finished: the process that works, and the one that has loaded the code."""
    write(message['file'] + '.finished', '[%d, %d]' % (os.getpid(), LOADED_BY))


def broken_job(message):
    """Raise, as consumers do now and then."""
    raise ZeroDivisionError('a consumer that raises')


def conformance_job(message):
    """Do what tests/conformance asks of a reader of its acknowledged channel."""
    if message.content.get('fail'):
        raise ZeroDivisionError('asked to fail')
    Channel(message['to']).send({'n': message['n']})


def quick_job(message):
    """Write <file>.finished at once."""
    write(message['file'] + '.finished', '%d' % os.getpid())


def misspelling_job(message):
    """Send to a channel that no route reads."""
    Channel('quick-jbo').send({'file': message['file']})


def write(path, text):
    """Make a file appear with its content in it, not before."""
    with io.open(path + '.part', 'w') as file:
        file.write(text)
    os.rename(path + '.part', path)
