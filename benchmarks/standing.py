#!/usr/bin/env python3
"""
The standing price of being seen: what is paid by the clock, not by the message.

    python benchmarks/standing.py redis://127.0.0.1:6379/0 [DEED ...]

Of each deed: how often it is done, the instructions of the process that does
it (Valgrind's cachegrind counts them), the milliseconds of a processor that
they take, and what Redis has of it: commands and reads of a socket, of which a
round trip has one. Ten workers are listed, each with what 20 channels have
counted, and 50 channels and 20 groups hold something. A "beat" is a process'
sign of life, with all that it tells others; an interface server also asks who
else is there. A "sample" is the point of the curves of the last hour: all
workers offer it, and one a minute is taken. Probes and scrapes are without
HTTP. What Redis takes is not in the instructions. It flushes the database, and
needs valgrind, django, redis, msgpack, six and prometheus_client.
"""
import functools
import gc
import io
import os
import sys
import threading
import time

import instructions

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS, CHANNELS, COUNTED, GROUPS = 10, 50, 20, 20
#: How often each is done, so that a second of it can be told.
FEW, MANY = 10, 40
#: Deed -> seconds between two, for which Prometheus' usual interval is taken.
DEEDS = {
    'beat of a worker': 5, 'beat of a server': 5, 'sample that is taken': 60, 'sample that is not due': 60,
    'health file': 5, 'probe': 10, 'scrape of a worker': 15, 'scrape of all': 15, 'status': None,
}


def set_up(url):
    """Have django.channels found, and return a layer with a ROUTING."""
    sys.path[:0] = [os.path.join(os.path.dirname(HERE), 'tests')]
    from quick import use_checkout
    use_checkout()
    from django.conf import settings
    settings.configure(INSTALLED_APPS=['django.channels'], LOGGING_CONFIG=None, CHANNEL_LAYERS={'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {'hosts': [url], 'prefix': 'standing:', 'expiry': 3600}, 'ROUTING': [],
    }})
    import django
    django.setup()
    from django.channels import channel_layers, route
    layer = channel_layers['default']
    layer.router.add_route(route('jobs', print))
    return layer


def fill(layer):
    """Put in what is seen, and have the workers be alive as long as this process is."""
    from django.channels.layers.presence import BEAT_INTERVAL, WORKER, this_process
    from django.channels.management.watching import _facts
    layer.flush()
    for number in range(CHANNELS):
        layer.send_many([('jobs.%d' % number, {'n': index}) for index in range(5)])
    for group in range(GROUPS):
        layer.group_add('room-%d' % group, 'websocket.send.p!c')
    workers = [this_process(WORKER, '1') for _ in range(WORKERS)]
    facts = _facts(*busy(layer))

    def live():
        while True:
            for worker in workers:
                layer.announce(worker, facts)
            time.sleep(BEAT_INTERVAL)
    # Those that are silent count as dead.
    threading.Thread(target=live, daemon=True).start()


def busy(layer):
    """Return (a Worker of `layer`, its Activity), in which messages of COUNTED channels have been counted."""
    from django.channels.consumption import Consumption
    from django.channels.monitoring.activity import Activity
    from django.channels.worker import Worker
    worker = Worker(layer, signal_handlers=False)
    activity = Activity(worker.in_progress)
    for number in range(COUNTED):
        for _ in range(3):
            task = Consumption('jobs.%d' % number, {})
            activity.waited(task.channel, 0.01)
            activity.end(task, 'handled')
    return worker, activity


def deeds(layer, folder):
    """Return {deed: function}."""
    from django.channels.layers.presence import SERVER, WORKER, this_process
    from django.channels.management.watching import _facts, _metrics
    from django.channels.monitoring import history, vitals
    from django.core.management import call_command
    worker, activity = busy(layer)
    me, server = this_process(WORKER, '1'), this_process(SERVER, '1')
    health = vitals.Vitals(activity.running, functools.partial(vitals.behind, layer, worker.channels))
    layer.announce(server, {})
    known = set(layer.new_processes(())[0])

    def serve():
        layer.announce(server, {'sockets': 10, 'requests': 1, 'project': {}})
        layer.new_processes(known)

    def sample(interval):
        return layer.add_sample(
            lambda: history.encode(layer.inspect_channels(history.BUDGET), time.time()), interval, history.SAMPLES)

    found = {
        'beat of a worker': lambda: layer.announce(me, _facts(worker, activity)),
        'beat of a server': serve,
        # An interval that is over at once.
        'sample that is taken': lambda: sample(0.001) or sys.exit('It is not taken.'),
        'sample that is not due': lambda: sample(history.INTERVAL),
        'health file': lambda: vitals.write_file(os.path.join(folder, 'health'), health.report()[1]),
        'probe': health.report,
        'scrape of a worker': lambda: _metrics(layer, 'default', activity, 'me', ''),
        'scrape of all': lambda: _metrics(layer, 'default', activity, 'me', '', True),
        'status': lambda: call_command('channels', 'status', stdout=io.StringIO()),
    }
    return found


def act(url, deed, number):
    """Do it so often, in this process."""
    import tempfile
    layer = set_up(url)
    with tempfile.TemporaryDirectory() as folder:
        function = deeds(layer, folder)[deed]
        function()
        gc.collect()
        gc.freeze()
        redis_sees = counters(url)
        before, started = redis_sees(), time.process_time()
        for _ in range(number):
            if deed == 'sample that is taken':
                time.sleep(0.002)
            function()
        took = (time.process_time() - started) / number
        # What asks is a command itself.
        commands, reads = [(after - was - 1) / number for after, was in zip(redis_sees(), before)]
    print('%.3f %.1f %.1f' % (1000 * took, commands, reads))


def counters(url):
    """Return a function that returns what Redis has counted: (commands, those of scripts included, reads)."""
    import redis
    client = redis.Redis.from_url(url)

    def ask():
        stats = client.info('stats')
        return stats['total_commands_processed'], stats['total_reads_processed']
    ask()
    return ask


def run(command):
    """Return (output, what it wrote to stderr) of a process that ends well."""
    import subprocess
    done = subprocess.run(command, env=dict(os.environ, PYTHONHASHSEED='0'), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout, done.stderr


def main(url, chosen):
    fill(set_up(url))
    print('%-24s %8s %14s %8s %10s %8s' % ('', 'every', 'instructions', 'ms', 'commands', 'reads'))
    for deed in chosen:
        program = [sys.executable, os.path.abspath(__file__), '--act', url, deed]
        output = run(program + [str(MANY)])[0]
        few, many = [
            instructions.counted(run(instructions.VALGRIND + program + [str(number)])[1], 0) for number in (FEW, MANY)
        ]
        took, commands, reads = output.split()
        every = '%d s' % DEEDS[deed] if DEEDS[deed] else 'asked'
        print('%-24s %8s %14d %8s %10s %8s' % (deed, every, (many - few) / (MANY - FEW), took, commands, reads))
        sys.stdout.flush()


if sys.argv[1:2] == ['--act']:
    act(sys.argv[2], sys.argv[3], int(sys.argv[4]))
elif __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:] or DEEDS)
