"""
The price of looking: `manage.py channels status` on a Redis of a million keys.

    python benchmarks/status.py [KEYS]

It starts a redis-server, whose keys are those of another application, but for
200 channels, 50 workers that are listed and groups with 10,000 members. It
prints how long a look takes, and for how long one command has held Redis up.
It needs django, redis, msgpack and six.
"""
from __future__ import print_function

import io
import os
import sys
import time

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(CHECKOUT, 'tests'), os.path.join(CHECKOUT, 'tests', 'channels_tests')]

CHANNELS, WORKERS, GROUPS, MEMBERS = 200, 50, 100, 100
#: Commands of which Redis keeps how long they took, by the clock.
KEPT = 100000


def fill(server, keys):
    """Put in what is looked at, and `keys` keys of somebody else."""
    import redis
    from django.channels import channel_layers
    from django.channels.layers.presence import WORKER, this_process
    client = redis.StrictRedis.from_url(server.url)
    batch = client.pipeline(transaction=False)
    for number in range(keys):
        batch.set('cache:%d' % number, 'x' * 20)
        if number % 20000 == 19999:
            batch.execute()
    batch.execute()
    layer = channel_layers['default']
    for number in range(CHANNELS):
        layer.send_many([('jobs.%d' % number, {'n': index}) for index in range(10)])
    for group in range(GROUPS):
        for member in range(MEMBERS):
            layer.group_add('room-%d' % group, 'websocket.send.abc!%d' % (group * MEMBERS + member))
    for number in range(WORKERS):
        layer.announce(this_process(WORKER, '1'), {'threads': 4, 'doing': [
            {'channel': 'jobs.1', 'consumer': 'site.consumers.work', 'thread': 'worker-1', 'seconds': 1.5},
        ] * 20})
    return client


def processor_seconds(client):
    """Return the seconds of a processor that the server has used."""
    facts = client.info('cpu')
    return facts['used_cpu_user'] + facts['used_cpu_sys']


def main(keys):
    from quick import use_checkout
    use_checkout()
    from redis_server import RedisServer
    server = RedisServer().start()
    import django
    from django.conf import settings
    settings.configure(CHANNEL_LAYERS={'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
        'CONFIG': {'hosts': [server.url], 'expiry': 600},
    }}, INSTALLED_APPS=['django.channels'], LOGGING_CONFIG=None)
    django.setup()
    from django.core.management import call_command
    try:
        client = fill(server, keys)
        client.config_set('slowlog-log-slower-than', 0)
        client.config_set('slowlog-max-len', KEPT)
        for everything in (False, False, False, True):
            client.slowlog_reset()
            busy, output, started = processor_seconds(client), io.StringIO(), time.time()
            call_command('channels', 'status', stdout=output, everything=everything)
            took, busy = time.time() - started, processor_seconds(client) - busy
            lines = output.getvalue().splitlines()
            taken = sorted((entry['duration'] / 1000.0, entry['command'].split()[0].decode('ascii'))
                           for entry in client.slowlog_get(KEPT))
            print('%s%.2f s; Redis busy for %.2f s, %d commands, 99 %% of them below %.2f ms, the longest %s '
                  '%.1f ms; %d groups%s' % (
                      '--all: ' if everything else '', took, busy, len(taken), taken[len(taken) * 99 // 100][0],
                      taken[-1][1], taken[-1][0], sum(line.startswith('room-') for line in lines),
                      ', not all keys' if any('no time' in line for line in lines) else '',
                  ))
    finally:
        server.stop()


if __name__ == '__main__':
    main(int(sys.argv[1]) if sys.argv[1:] else 1000000)
