"""
One end of a layer: run in a peer's environment, on Python 2.7 or 3.

    python layer.py JOB, a JSON object:

    adapter   path of the peer's adapter module
    role      a function of ROLES below
    urls      of the Redis servers
    config    for the adapter's Layer
    ...       what the role needs

It writes {"ready": true}, waits for a line, does its work, and writes one more
line of JSON: what it did, the CPU seconds of this process, and when it began
and ended (time.time(), which all processes of a machine share).
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import select
import sys
import time

from saying import cpu, say


def deadline(seconds):
    """Return a function that tells whether the time is over."""
    end = time.time() + seconds
    return lambda: time.time() >= end


def measured(function, *arguments, **more):
    """Wait for the starting signal, call the function, and say what that cost, and what `more` has."""
    say(ready=True)
    sys.stdin.readline()
    begin, before = time.time(), cpu()
    count = function(*arguments)
    after, end = cpu(), time.time()
    say(count=count, cpu=after - before, begin=begin, end=end, **more)


def produce(layer, job):
    method = getattr(layer, 'produce' + job['mode'])
    # What is compiled, connected and cached once is not measured.
    method(job['channel'], message(job), deadline(0.2))
    measured(lambda: method(job['channel'], message(job), deadline(job['seconds'])))


def consume(layer, job):
    method = getattr(layer, 'consume' + job['mode'])
    method(job['channel'])
    measured(method, job['channel'])


def group_send(layer, job):
    warm = layer.send_groups('bench', message(job), deadline(0.05))
    measured(lambda: layer.send_groups('bench', message(job), deadline(job['seconds'])), warm=warm)


def group_receive(layer, job):
    layer.join('bench', job['members'])
    watch = Watch()
    say(ready=True)
    before = cpu()
    layer.consume_groups(watch)
    say(count=watch.received, cpu=cpu() - before, begin=watch.first, end=watch.last)


class Watch(object):
    """Told how many have come, it tells whether that is all; the number to expect is read from stdin."""

    def __init__(self, patience=3):
        self.patience = patience
        self.expected = None
        self.received = 0
        self.first = self.last = time.time()

    def __call__(self, received):
        now = time.time()
        if received != self.received:
            self.received, self.last = received, now
        if self.expected is None and select.select([sys.stdin], [], [], 0)[0]:
            self.expected = int(sys.stdin.readline())
        return self.expected is not None and (self.received >= self.expected or now - self.last > self.patience)


def memory_pair(layer, job):
    layer.pass_on(message(job), deadline(0.1))
    measured(lambda: layer.pass_on(message(job), deadline(job['seconds'])))


def memory_group(layer, job):
    layer.join('bench', job['members'])
    say(ready=True)
    sys.stdin.readline()
    before = cpu()
    sends, seconds = layer.send_and_drop('bench', message(job), deadline(job['seconds']))
    say(count=sends, busy=seconds, cpu=cpu() - before)


def message(job):
    return {'content': 'x' * job['size']}


ROLES = {function.__name__: function for function in (
    produce, consume, group_send, group_receive, memory_pair, memory_group,
)}


def main():
    job = json.loads(sys.argv[1])
    sys.path.insert(0, os.path.dirname(job['adapter']))
    adapter = __import__(os.path.splitext(os.path.basename(job['adapter']))[0])
    layer = adapter.Layer(job['urls'], job['config'])
    ROLES[job['role']](layer, job)


if __name__ == '__main__':
    main()
