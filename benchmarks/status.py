"""
The price of looking: `manage.py channels status` on a Redis of a million keys.

    python benchmarks/status.py [KEYS]

It starts a redis-server, whose keys are those of another application, but for
200 channels, 50 workers that are listed, a group with 10,000 members and 99
with 10. It prints how long a look takes, for how long one command has held
Redis up, and what Redis' own latency monitor saw. The exit status is 1 if a
look without --all took more than 2 s, or if the best of the looks had a command
of more than 5 ms: a command that takes long does so each time. Redis measures
by the clock; as root, it gets a processor before all others, so that what a
busy machine does meanwhile counts less. It needs django, redis, msgpack and
six.
"""
from __future__ import print_function

import io
import os
import sys
import time

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(CHECKOUT, 'tests'), os.path.join(CHECKOUT, 'tests', 'channels_tests')]

CHANNELS, WORKERS = 200, 50
#: Members of each group.
GROUPS = [10000] + [10] * 99
#: Seconds that a look may take, and milliseconds of a command.
MOST, LONGEST = 2.0, 5.0
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
    for group, members in enumerate(GROUPS):
        for member in range(members):
            layer.group_add('room-%d' % group, 'websocket.send.abc!%d' % member)
    for number in range(WORKERS):
        layer.announce(this_process(WORKER, '1'), {'threads': 4, 'doing': [
            {'channel': 'jobs.1', 'consumer': 'site.consumers.work', 'thread': 'worker-1', 'seconds': 1.5},
        ] * 20})
    return client


def prefer(pid):
    """Have the process run before all others, if that is allowed, and say if it isn't."""
    try:
        for thread in os.listdir('/proc/%d/task' % pid):
            os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(1))
    except EnvironmentError as error:
        print('Redis shares the processors with all others: %s' % error)


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
        prefer(client.info('server')['process_id'])
        client.config_set('slowlog-log-slower-than', 0)
        client.config_set('slowlog-max-len', KEPT)
        # In milliseconds: what it calls an event.
        client.config_set('latency-monitor-threshold', 1)
        failures, longest = [], []
        for everything in (False, False, False, True):
            client.slowlog_reset()
            client.execute_command('LATENCY', 'RESET')
            busy, output, started = processor_seconds(client), io.StringIO(), time.time()
            call_command('channels', 'status', stdout=output, everything=everything)
            took, busy = time.time() - started, processor_seconds(client) - busy
            seen = client.execute_command('LATENCY', 'LATEST')
            lines = output.getvalue().splitlines()
            taken = sorted((entry['duration'] / 1000.0, entry['command'].split()[0].decode('ascii'))
                           for entry in client.slowlog_get(KEPT))
            print('%s%.2f s; Redis busy for %.2f s, %d commands, 99 %% of them below %.2f ms, the longest %s '
                  '%.1f ms; its latency monitor saw %s; %d groups%s' % (
                      '--all: ' if everything else '', took, busy, len(taken), taken[len(taken) * 99 // 100][0],
                      taken[-1][1], taken[-1][0],
                      ', '.join('%s %d ms' % (event[0].decode('ascii'), event[3]) for event in seen) or 'nothing',
                      sum(line.startswith('room-') for line in lines),
                      ', not all keys' if any('no time' in line for line in lines) else '',
                  ))
            longest.append(taken[-1][0])
            if took > MOST and not everything:
                failures.append('%.2f s' % took)
    finally:
        server.stop()
    if min(longest) > LONGEST:
        failures.append('%.1f ms' % min(longest))
    if failures:
        sys.exit('Too long: %s' % ', '.join(failures))


if __name__ == '__main__':
    main(int(sys.argv[1]) if sys.argv[1:] else 1000000)
