#!/usr/bin/env python3
"""
The price of being seen: instructions of a worker for one message, on and off.

    python benchmarks/seeing.py redis://127.0.0.1:6379/0 [KIND ...]

What a worker notes for metrics and pages (which consumer has which message
since when, outcomes, the histograms of times in queue and in consumer) is on
in one process and off in another, for each kind of message: "pair" is a send
and a receive, "echo" a frame and its consumer's answer, "get" a request and a
view's response, "task" a message of an acknowledged channel. The price is that
over the layer in memory, where two runs differ by nothing else: over Redis, how
many replies one read brings is a matter of chance. It is compared with what the
message takes over Redis when it is off. Instructions are counted by Valgrind's
cachegrind, so no other load of the machine changes them; what Redis executes is
not counted, and isn't changed by it. It needs valgrind, and django, redis,
msgpack and six.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ('pair', 'echo', 'get', 'task')
#: Messages that are counted, after as many that warm up.
NUMBER = 200
#: Messages that a channel has room for.
ENOUGH = 100000
VALGRIND = ['valgrind', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null']


def view(request):
    from django.http import HttpResponse
    return HttpResponse('x' * 100)


def echo(message):
    message.reply_channel.send({'text': message['text']})


def task(message):
    pass


REQUEST = {
    'reply_channel': 'http.response.p!c', 'path': '/', 'headers': [[b'host', b'testserver']], 'method': 'GET',
    'http_version': '1.1', 'query_string': b'',
}
FRAME = {'reply_channel': 'websocket.send.p!c', 'path': '/', 'order': 1, 'text': 'x' * 100}
MESSAGES = {
    'pair': ('bench', {'content': 'x' * 100}), 'echo': ('websocket.receive', FRAME), 'get': ('http.request', REQUEST),
    'task': ('task', {'n': 1}),
}


def handle(kind, url, seen, number):
    """Send and handle so many messages; this is the process that is counted."""
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'tests'))
    from quick import use_checkout
    use_checkout()
    from django.conf import settings
    settings.configure(
        ROOT_URLCONF='seeing', ALLOWED_HOSTS=['*'], SECRET_KEY='x', MIDDLEWARE=[],
        INSTALLED_APPS=['django.channels'], LOGGING_CONFIG=None,
    )
    import django
    django.setup()
    from django.urls import path
    sys.modules['__main__'].urlpatterns = [path('', view)]
    from django.channels import route
    from django.channels.layers import ChannelLayerWrapper
    from django.channels.layers.memory import InMemoryChannelLayer
    from django.channels.layers.redis import RedisChannelLayer
    from django.channels.monitoring.activity import Activity
    from django.channels.worker import Worker
    layer = ChannelLayerWrapper(
        RedisChannelLayer(hosts=[url], prefix='seeing:', capacity=ENOUGH) if url
        else InMemoryChannelLayer(capacity=ENOUGH), 'default',
        [route('websocket.receive', echo), route('task', task, acknowledged=True)],
    )
    layer.hold_as('bench')
    worker = Worker(layer, signal_handlers=False)
    if seen:
        activity = Activity()
        worker.watch(activity)
        layer.watch_waiting(activity.waited)
    channel, content = MESSAGES[kind]
    for _ in range(number):
        layer.send(channel, content)
        if kind == 'pair':
            layer.receive([channel])
            continue
        # Nobody reads the replies: it is a server that does.
        worker.run_once()
    if url:
        layer.flush()


def instructions(*arguments):
    """Return how many instructions handle() executes with these arguments."""
    command = VALGRIND + [sys.executable, os.path.abspath(__file__), '--handle'] + [str(part) for part in arguments]
    done = subprocess.run(command, env=dict(os.environ, PYTHONHASHSEED='0'), stderr=subprocess.PIPE, text=True)
    found = re.search(r'I +refs: +([\d,]+)', done.stderr)
    if done.returncode or not found:
        sys.exit(done.stderr)
    return int(found.group(1).replace(',', ''))


def for_each(kind, url, seen):
    """Return how many instructions one message takes; the start of the process isn't counted."""
    return (instructions(kind, url, seen, 2 * NUMBER) - instructions(kind, url, seen, NUMBER)) / NUMBER


def main(url, kinds):
    for kind in kinds:
        price, whole = for_each(kind, '', 'seen') - for_each(kind, '', ''), for_each(kind, url, '')
        print('%s: %d, and %d for being seen (%+.1f %%)' % (kind, whole, price, 100 * price / whole))
        sys.stdout.flush()


if sys.argv[1:2] == ['--handle']:
    sys.modules['seeing'] = sys.modules['__main__']
    handle(sys.argv[2], sys.argv[3], bool(sys.argv[4]), int(sys.argv[5]))
elif __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:] or KINDS)
