"""
Count the calls, rooms and moves of a message's way through our own code.

    python journeys.py redis://127.0.0.1:6379/0 [CHECKOUT]

A *room* is a source file of this project, a *move* is a call into another room
than the last call's. The first trips of each kind, which fill
caches, aren't counted. With CHECKOUT (another checkout of this project, of any
commit) that one's code is traced. It needs Django, redis and msgpack.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os
import sys

#: Trips that fill caches; the queues of a worker take turns.
WARM_UP = 8


class Journey(object):
    """What sys.setprofile() sees of the files below `root`, of one thread."""

    def __init__(self, root):
        self.folders = tuple(os.path.join(root, folder) + os.sep for folder in ('django_patch', 'compat'))
        self.root = len(root) + 1
        self.calls = 0
        self.rooms = []

    def __enter__(self):
        sys.setprofile(self._event)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)

    def _event(self, frame, event, arg):
        name = frame.f_code.co_filename
        if event == 'call' and name.startswith(self.folders):
            self.calls += 1
            room = name[self.root:]
            if not self.rooms or self.rooms[-1] != room:
                self.rooms.append(room)

    def figures(self):
        """Return (calls, rooms, moves, times back in a room left)."""
        rooms = len(set(self.rooms))
        moves = max(0, len(self.rooms) - 1)
        return self.calls, rooms, moves, len(self.rooms) - rooms


def set_up(url, checkout):
    hook = os.path.join(checkout, 'backport')
    if os.environ.get('PYTHONPATH') != hook:
        # Before Python starts: an installed hook would be there first.
        os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, PYTHONPATH=hook))
    import channels  # NOQA: installs the import hook
    import django
    from django.conf import settings
    settings.configure(
        DATABASES={}, INSTALLED_APPS=['django.channels'], CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
            'CONFIG': {'hosts': [url], 'prefix': 'journeys:'},
        }}, SECRET_KEY='journeys',
    )
    django.setup()


def send(layer, journey):
    """Channel.send() in a process that only sends."""
    from django.channels import Channel
    for number in range(WARM_UP):
        Channel('task').send({'n': number})
        layer.receive(['task'])
    with journey:
        Channel('task').send({'n': 1})
    layer.receive(['task'])


def work(layer, journey):
    """A message in a worker, from the loop's asking for it until the loop would ask again."""
    from django.channels.worker import Worker
    worker = Worker(layer, signal_handlers=False)
    layer.router.check_default(http_consumer=lambda message: None)
    for number in range(WARM_UP):
        layer.send('http.request', {'path': '/'})
        worker.run_once()
    layer.send('http.request', {'path': '/'})
    with journey:
        worker.run_once()


def main():
    url = sys.argv[1]
    checkout = os.path.abspath(
        sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), '..', '..'),
    )
    set_up(url, checkout)
    from django.channels import channel_layers
    layer = channel_layers['default']
    print('%-20s %6s %6s %6s %6s' % ('journey', 'calls', 'rooms', 'moves', 'back'))
    for name, trip in (('Channel.send', send), ('... in the worker', work)):
        journey = Journey(checkout)
        trip(layer, journey)
        print('%-20s %6d %6d %6d %6d' % ((name,) + journey.figures()))
        if os.environ.get('JOURNEYS_VERBOSE'):
            print('  ' + '\n  '.join(journey.rooms))
    layer.flush()


if __name__ == '__main__':
    main()
