#!/usr/bin/env python3
"""
The price of being seen: instructions of a worker for one message, on and off.

    python benchmarks/seeing.py redis://127.0.0.1:6379/0 [KIND ...]

What a worker notes for metrics and pages (which consumer has which message
since when, outcomes, the histograms of times in queue and in consumer) is on
in one process and off in another, for each kind of message: "pair" is a send
and a receive, "echo" a frame and its consumer's answer, "get" a request and a
view's response, "task" a message of an acknowledged channel, sent where no
other is being handled. The price is that
over the layer in memory, where two runs differ by nothing else: over Redis, how
many replies one read brings is a matter of chance. It is compared with what the
message takes over Redis when it is off. Instructions are counted by Valgrind's
cachegrind, so no other load of the machine changes them; what Redis executes is
not counted, and isn't changed by it. The price of tracing is told beside that:
spans by OpenTelemetry, kept in memory, all of them; and what those of the
interface server take for a request, and for a frame and the delivery of its
answer, by themselves, and so what a worker notes, and its spans that aren't
sampled, whose price is less than two runs over the layer in memory differ by.
"Root" is a trace that begins there and is not sampled.
While it is off it costs a test of an attribute or two for a message, which are
counted as well. It needs valgrind, and django, redis, msgpack, six and
opentelemetry-sdk.
"""
import asyncio
import functools
import gc
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = (
    'pair', 'echo', 'get', 'task', 'server-get', 'server-echo', 'worker-get', 'worker-echo', 'worker-task',
)
#: Messages that are counted, after as many that warm up: as many as traces get
#: their numbers at once, so that each is counted as one of them.
NUMBER = 256
#: Tests of `tracing.tracer` for a message that is consumed, and for each that
#: its consumer sends.
TESTS = 2
#: Messages that a channel has room for.
ENOUGH = 100000
#: How a message is traced: its trace begins here and is sampled, or not; and
#: one that began elsewhere, with the last digits of its key.
PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-'
PARENTS = {'sampled': '01', 'unsampled': '00'}
SPANS = ('traced', 'root', 'sampled', 'unsampled')
#: Of kinds that aren't all of ('seen',) + SPANS: a layer makes no spans, since
#: who sends and who consumes does; a frame begins a trace at the server, and a
#: task where it is sent.
STATES = {
    'pair': ('seen',), 'task': ('seen', 'traced', 'root'), 'server-get': SPANS, 'server-echo': ('traced', 'root'),
    'worker-get': ('seen', 'unsampled'), 'worker-echo': ('seen', 'root', 'unsampled'),
    'worker-task': ('seen', 'root'),
}
VALGRIND = ['valgrind', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null']


def nothing(*arguments):
    """Be an application that does nothing."""
    return asyncio.sleep(0)


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


def handle(kind, url, state, number):
    """Send and handle so many messages; this is the process that is counted."""
    sys.path[:0] = [os.path.join(os.path.dirname(HERE), folder) for folder in ('tests', 'interface_server')]
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
    from django.channels import Channel, route
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
    if state in SPANS:
        trace(state)
    activity = Activity(worker.in_progress)
    if state == 'seen':
        worker.watch(activity)
        layer.watch_waiting(activity.waited)
    if kind.startswith('server'):
        serve(kind, state, number)
        return
    if kind.startswith('worker'):
        follow(kind[len('worker-'):], state, number, activity)
        return
    if kind == 'test':
        from django.channels import tracing
        for _ in range(number):
            # Once more where the price is asked for.
            if state and tracing.tracer is not None:
                sys.exit('it is on')
        return
    # Else what has been imported is looked through again and again, by chance
    # in one run and not in the other.
    gc.collect()
    gc.freeze()
    channel, content = MESSAGES[kind]
    if state in PARENTS:
        content = dict(content, traceparent=PARENT + PARENTS[state])
    send = functools.partial(layer.send, channel)
    if kind == 'task':
        # As a project sends it: that begins the trace.
        send = Channel(channel, channel_layer=layer).send
    for _ in range(number):
        send(content)
        if kind == 'pair':
            layer.receive([channel])
            continue
        # Nobody reads the replies: it is a server that does.
        worker.run_once()
    if url:
        layer.flush()


def follow(kind, state, number, activity):
    """Have a worker's tracer or Activity see to so many messages, and what their consumers send."""
    from types import SimpleNamespace

    from django.channels import tracing
    from django.channels.compat.clock import monotonic
    from opentelemetry import context
    channel, content = MESSAGES[kind]
    if state in PARENTS and kind == 'get':
        key = (PARENT + PARENTS[state]).encode('ascii')
        content = dict(content, headers=content['headers'] + [[b'traceparent', key]])
    elif state in PARENTS:
        content = dict(content, traceparent=PARENT + PARENTS[state])
    reply, before = content.get('reply_channel'), context.Context()
    task = SimpleNamespace(channel=channel, attempt=1, receipt=None, consumer_name='seeing.echo')
    gc.collect()
    gc.freeze()
    for _ in range(number):
        task.content, task.since = content, monotonic()
        if state == 'seen':
            if kind != 'task':
                # It isn't told of what is acknowledged.
                activity.waited(channel, 0.0005)
            activity.end(task, 'handled')
        elif state:
            if kind == 'task':
                task.content = tracing.tracer.traced('send', channel, content)
            tracing.tracer.begin(task)
            if reply:
                tracing.tracer.traced('send', reply, content)
        context.attach(before)


def serve(kind, state, number):
    """Have the interface server make the spans of so many requests, or of frames and their answers."""
    import interface_server.backport  # NOQA: finds what it shares with Django
    from interface_server.app.server_spans import ServerTracer
    tracer = ServerTracer() if state else None
    key = (PARENT + PARENTS.get(state, '01')).encode('ascii')
    headers = [(b'host', b'testserver')] + ([(b'traceparent', key)] if state in PARENTS else [])
    gc.collect()
    gc.freeze()

    def scope():
        return {'type': 'http', 'method': 'GET', 'path': '/', 'headers': list(headers), 'client': ('127.0.0.1', 1)}

    async def requests():
        for _ in range(number):
            await (nothing() if tracer is None else tracer.serve(nothing, scope(), nothing, nothing))

    async def frames():
        handshake = None if tracer is None else tracer.begin_handshake(scope())
        for _ in range(number):
            message = dict(FRAME)
            if handshake is not None:
                handshake.stamp(message)
                # A worker's answer doesn't tell of a trace without spans.
                answer = message if state == 'traced' else FRAME
                # As interface_server.app.replies asks for one.
                span = tracer.begin_delivery('websocket.send.p!c', answer, 1) if 'traceparent' in answer else None
                if span is not None:
                    span.end()
    asyncio.run(requests() if kind == 'server-get' else frames())


def trace(state):
    """Trace from now on as `state` says, and keep all spans in memory."""
    from django.channels import tracing
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    from opentelemetry.trace import set_tracer_provider
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0 if state == 'root' else 1)))
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    set_tracer_provider(provider)
    tracing.enable()


def instructions(*arguments):
    """Return how many instructions handle() executes with these arguments."""
    command = VALGRIND + [sys.executable, os.path.abspath(__file__), '--handle'] + [str(part) for part in arguments]
    done = subprocess.run(command, env=dict(os.environ, PYTHONHASHSEED='0'), stderr=subprocess.PIPE, text=True)
    found = re.search(r'I +refs: +([\d,]+)', done.stderr)
    if done.returncode or not found:
        sys.exit(done.stderr)
    return int(found.group(1).replace(',', ''))


def for_each(kind, url, state):
    """Return how many instructions one message takes; the start of the process isn't counted."""
    return (instructions(kind, url, state, 2 * NUMBER) - instructions(kind, url, state, NUMBER)) / NUMBER


def main(url, kinds):
    # What is compiled for the first process isn't for the second.
    for kind in kinds:
        for state in ('seen', 'traced'):
            instructions(kind, url, state, 1)
    off = TESTS * (for_each('test', '', 'off') - for_each('test', '', ''))
    print('tracing that is off: %d at most for each message' % off)
    for kind in kinds:
        untouched, whole = for_each(kind, '', ''), for_each(kind, url, '')
        for state in STATES.get(kind, ('seen',) + SPANS):
            price = for_each(kind, '', state) - untouched
            if kind.startswith(('server', 'worker')):
                print('%s: %d for being %s' % (kind, price, state))
                continue
            print('%s: %d, and %d for being %s (%+.1f %%)' % (kind, whole, price, state, 100 * price / whole))
            sys.stdout.flush()


if sys.argv[1:2] == ['--handle']:
    sys.modules['seeing'] = sys.modules['__main__']
    handle(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
elif __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:] or KINDS)
