"""Tests of tracing with the real OpenTelemetry, where it is installed."""
from __future__ import absolute_import, unicode_literals

import os
import re
import subprocess
import sys
import unittest

from django.channels import Channel, Group, route, tracing
from django.channels.apps import _start_tracing
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.compat.url_patterns import re_path
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.retries import Acknowledged, Retry
from django.channels.worker import Worker
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import SimpleTestCase, override_settings

from .logs import LogTestCase

try:
    from django.channels.tracing.carriers import context_of
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, TraceIdRatioBased
except ImportError:
    trace = None

#: Prints the file of each function that is called for a message, and what its consumer sends.
PROFILED = '''
import sys
import django
from django.conf import settings
settings.configure()
django.setup()
from django.channels import Channel, route, tracing
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.worker import Worker
layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', [
    route('task', lambda message: Channel('answer', channel_layer=layer).send({})),
])
called, worker = [], Worker(layer, signal_handlers=False)
sys.setprofile(lambda frame, event, arg: event == 'call' and called.append(frame.f_code.co_filename))
Channel('task', channel_layer=layer).send({'n': 1})
worker.run_once()
sys.setprofile(None)
if tracing.tracer is None and layer.receive(['answer']) == ('answer', {}):
    print('\\n'.join(called))
'''
#: Traces before a global provider is set, and after, with a sampler that wants nothing.
SET_LATER = '''
from django.conf import settings
settings.configure()
import django
django.setup()
from django.channels import tracing
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
tracing.enable()
traced = lambda: tracing.tracer.traced('send', 'a', {})
print('traceparent' in traced())
trace.set_tracer_provider(TracerProvider(sampler=ParentBased(ALWAYS_OFF)))
print('traceparent' in traced(), '%02d' % (int(traced()['traceparent'][-2:], 16) & 1))
'''
#: Enables tracing where OpenTelemetry loads what keeps its contexts as late as its version 1.9 does.
LAZY = '''
from django.conf import settings
settings.configure()
import django
django.setup()
from opentelemetry import context
kept, get_current = context._RUNTIME_CONTEXT, context.get_current
context._RUNTIME_CONTEXT = None
def load():
    context._RUNTIME_CONTEXT = kept
    return get_current()
context.get_current = load
from django.channels import tracing
tracing.enable()
print(tracing.tracer.traced('send', 'a', {'n': 1}))
'''
#: One of several worker processes ends, and has a span that waits for others.
FORKED = '''
import contextlib
import os
import signal
from django.conf import settings
settings.configure()
import django
django.setup()
from django.channels.management import worker_processes
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
trace.set_tracer_provider(TracerProvider())
exporter = ConsoleSpanExporter(formatter=lambda span: span.name)
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3600000))
class Worker:
    def run(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        trace.get_tracer('tests').start_span('last').end()
        os.kill(os.getppid(), signal.SIGTERM)
    def seconds_left(self):
        return 60
worker_processes._watch_over = lambda worker: None
worker_processes.run_supervised(1, Worker, lambda worker, index: contextlib.nullcontext(), lambda: None)
'''
TRACE, PARENT = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'
TRACEPARENT = '00-%s-%s-01' % (TRACE, PARENT)
HANDSHAKE = {
    'reply_channel': 'websocket.send.p!c', 'path': '/', 'order': 0,
    'headers': [[b'host', b'testserver'], [b'traceparent', TRACEPARENT.encode('ascii')], [b'tracestate', b'a=b']],
}


def tell_trace(request):
    return HttpResponse('%032x' % trace.get_current_span().get_span_context().trace_id)


urlpatterns = [re_path(r'^$', tell_trace)]


class OffTests(SimpleTestCase):

    def test_messages_say_nothing_of_a_trace(self):
        layer = InMemoryChannelLayer()
        self.assertIsNone(tracing.tracer)
        Channel('task', channel_layer=layer).send({'n': 1})
        self.assertEqual(layer.receive(['task']), ('task', {'n': 1}))

    def test_off_calls_nothing(self):
        # In a process of its own: with the threads that other tests leave
        # behind, Python 3.11 never came back from a call that is profiled.
        program = subprocess.Popen(
            [sys.executable, '-W', 'ignore', '-c', PROFILED], stdout=subprocess.PIPE,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        )
        called = program.communicate()[0].decode('utf-8').splitlines()
        self.assertEqual(program.returncode, 0)
        self.assertGreater(len(called), 20)
        self.assertEqual([name for name in called if re.search(r'channels.tracing|opentelemetry', name)], [])

    def test_without_the_library_it_is_said_how_to_install_it(self):
        names = [name for name in sys.modules if name.partition('.')[0] == 'opentelemetry']
        names.append('django.channels.tracing.spans')
        kept = {name: sys.modules.pop(name) for name in names if name in sys.modules}
        sys.modules['opentelemetry'] = None
        try:
            with self.assertRaisesMessage(ImportError, 'pip install opentelemetry-sdk'):
                tracing.enable()
            with override_settings(CHANNEL_TRACING=True):
                with self.assertRaisesMessage(ImproperlyConfigured, 'CHANNEL_TRACING is set. Tracing needs'):
                    _start_tracing()
        finally:
            del sys.modules['opentelemetry']
            sys.modules.update(kept)
        self.assertIsNone(tracing.tracer)


@unittest.skipUnless(trace, 'opentelemetry-sdk is not installed')
class TracingTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(TracingTests, self).setUp()
        self.exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.provider = provider
        self.inner = InMemoryChannelLayer()
        tracing.enable(provider)
        self.addCleanup(tracing.disable)

    def work(self, routes, times=1):
        """Have a worker handle `times` messages."""
        layer = ChannelLayerWrapper(self.inner, 'default', routes)
        worker = Worker(layer, signal_handlers=False)
        self.assertTrue(layer.router.channels)
        for _ in range(times):
            worker.run_once()
        return layer

    def spans(self):
        """Return {name: span} of the spans that have ended; {name: ...}, each once."""
        spans = self.exporter.get_finished_spans()
        named = {span.name: span for span in spans}
        self.assertEqual(len(named), len(spans), [span.name for span in spans])
        return named

    def assertChain(self, *names):
        """Check that each of the spans is the parent of the next, in the trace of TRACEPARENT."""
        spans, parent = self.spans(), int(PARENT, 16)
        for name in names:
            self.assertEqual((name, spans[name].parent.span_id), (name, parent))
            self.assertEqual('%032x' % spans[name].context.trace_id, TRACE)
            parent = spans[name].context.span_id

    def test_one_trace_shows_socket_consumer_group_and_members(self):
        def connect(message):
            Group('room', channel_layer=message.channel_layer).send({'text': 'hello'})

        self.inner.send('websocket.connect', HANDSHAKE)
        self.inner.group_add('room', 'websocket.send.p!c')
        self.inner.group_add('room', 'chat.log')
        self.work([route('websocket.connect', connect), route('chat.log', lambda message: None)], times=2)
        self.assertChain('process websocket.connect', 'send to group room', 'process chat.log')
        # What the socket's server gets says it as well.
        message = self.inner.receive(['websocket.send.p!'])[1]
        self.assertEqual(message['traceparent'].split('-')[1:3], [
            TRACE, '%016x' % self.spans()['send to group room'].context.span_id])
        self.assertEqual(message['tracestate'], 'a=b')
        span = self.spans()['process websocket.connect']
        self.assertEqual(span.kind, trace.SpanKind.CONSUMER)
        self.assertEqual(span.attributes['messaging.destination.name'], 'websocket.connect')
        self.assertIn('test_tracing', span.attributes['messaging.channels.consumer'])
        self.assertEqual(span.attributes['messaging.channels.outcome'], 'handled')

    def test_a_message_goes_on_with_the_trace_of_who_sends_it(self):
        with self.provider.get_tracer('test').start_as_current_span('outside') as outside:
            Channel('task', channel_layer=self.inner).send({'n': 1})
        self.work([route('task', lambda message: None)])
        spans = self.spans()
        self.assertEqual(spans['send task'].parent.span_id, outside.context.span_id)
        self.assertEqual(spans['process task'].parent.span_id, spans['send task'].context.span_id)

    def test_nothing_of_one_message_is_left_for_the_next(self):
        self.inner.send('first', {'traceparent': TRACEPARENT})
        self.inner.send('second', {})
        self.work([route(name, lambda message: None) for name in ('first', 'second')], times=2)
        self.assertIsNone(self.spans()['process second'].parent)
        self.assertFalse(trace.get_current_span().get_span_context().is_valid)

    def hand_on(self, content):
        """Have a consumer send a message while it has one with `content`; return it, and its span's context."""
        contexts = []

        def consumer(message):
            Channel('next', channel_layer=message.channel_layer).send({})
            contexts.append(trace.get_current_span().get_span_context())

        self.inner.send('task', content)
        self.work([route('task', consumer)])
        return self.inner.receive(['next'])[1], contexts[0]

    def test_a_trace_that_is_not_sampled_is_handed_on_without_spans(self):
        for flags in ('00', '02'):
            keys = {'traceparent': TRACEPARENT[:-2] + flags, 'tracestate': 'a=b'}
            for content in (keys, {'headers': [[key.encode('ascii'), keys[key].encode('ascii')] for key in keys]}):
                message, context = self.hand_on(content)
                self.assertEqual(message, keys)
                # What else makes spans in there knows it as well.
                self.assertEqual(('%032x' % context.trace_id, context.trace_flags.sampled), (TRACE, False))
        with trace.use_span(trace.NonRecordingSpan(context)):
            Channel('next', channel_layer=self.inner).send({})
        self.assertEqual(self.inner.receive(['next'])[1]['traceparent'][:-2], TRACEPARENT[:-2])
        self.assertEqual(self.spans(), {})

    def test_a_state_in_several_headers_is_one(self):
        pairs = [
            ('traceparent', TRACEPARENT), ('tracestate', 'a=b'), ('traceparent', '00-%s-%s-01' % ('1' * 32, '2' * 16)),
            ('tracestate', 'c=d'),
        ]
        for sampled in ('01', '00'):
            message, context = self.hand_on({'tracestate': 'e=f', 'headers': [
                [name.encode('ascii'), value.replace('-01', '-' + sampled).encode('ascii')] for name, value in pairs
            ]})
            self.assertEqual((message['traceparent'][3:35], message['traceparent'][-2:]), (TRACE, sampled))
            self.assertEqual(message['tracestate'], 'a=b,c=d')

    def test_a_sampler_that_decides_for_itself_is_asked(self):
        for sampler in (ALWAYS_ON, ParentBased(ALWAYS_OFF, remote_parent_not_sampled=ALWAYS_ON)):
            self.use_sampler(sampler)
            self.hand_on({'traceparent': TRACEPARENT[:-2] + '00'})
            self.assertChain('process task', 'send next')

    def use_sampler(self, sampler, **options):
        """Trace with `sampler` from now on."""
        self.exporter.clear()
        self.provider = TracerProvider(sampler=sampler, **options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        tracing.enable(self.provider)

    def test_new_traces_are_sampled_as_opentelemetry_would(self):
        numbers = [(7 << 64) + low for low in (0, 2 ** 62 - 1, 2 ** 62, 2 ** 63, 2 ** 64 - 1, 5)]
        for is_random in (True, False):
            generator = RandomIdGenerator()
            generator.generate_trace_id = iter(numbers * 2).__next__
            if not is_random:
                # The versions before it asked.
                generator.is_trace_id_random = lambda: False
            sampler = ParentBased(TraceIdRatioBased(0.25))
            self.use_sampler(sampler, id_generator=generator)
            expected = [sampler.should_sample(None, number, 'task').decision.is_sampled() for number in numbers]
            self.assertEqual(expected, [True, True, False, False, False, True])
            # Enabled once more, it goes on with the same.
            tracing.enable(self.provider)
            found = [self.hand_on({}) for _ in numbers] + [self.send_outside() for _ in numbers]
            for number, is_sampled, (message, context) in zip(numbers * 2, expected * 2, found):
                trace_id, _, flags = message['traceparent'].split('-')[1:]
                self.assertEqual((trace_id, int(flags, 16) & 1), ('%032x' % number, is_sampled))
                self.assertEqual((context.trace_id, context.trace_flags.sampled), (number, is_sampled))
                # What another service is told of the trace's number.
                self.assertEqual(int(flags, 16) & 2, 2 * is_random)
            # Of each, that of a consumer and that of what it sent; and that of
            # what nobody's consumer sent.
            self.assertEqual([span.context.trace_id for span in self.exporter.get_finished_spans()], [
                number for number in numbers[:2] + numbers[5:] for _ in 'ab'] + numbers[:2] + numbers[5:])

    def test_each_new_trace_has_a_number_of_its_own_which_decides(self):
        sampler = ParentBased(TraceIdRatioBased(0.25))
        self.use_sampler(sampler)
        contexts = [self.send_outside()[1] for _ in range(600)]
        self.assertEqual(len(set(context.trace_id for context in contexts)), 600)
        decided = [sampler.should_sample(None, context.trace_id, 'send').decision.is_sampled() for context in contexts]
        self.assertEqual(len(set(decided)), 2)
        self.assertEqual([bool(context.trace_flags.sampled) for context in contexts], decided)

    @unittest.skipUnless(hasattr(os, 'fork'), 'needs fork')
    def test_a_process_that_is_forked_begins_other_traces(self):
        self.use_sampler(ParentBased(ALWAYS_OFF))
        self.send_outside()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(writer, self.send_outside()[0]['traceparent'].encode('ascii'))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        others = os.read(reader, 100).decode('ascii')
        os.close(reader)
        os.close(writer)
        self.assertEqual(len(others), len(TRACEPARENT))
        self.assertNotEqual(self.send_outside()[0]['traceparent'], others)

    def test_what_is_sent_to_no_client_says_a_trace_without_spans(self):
        names = ('websocket.sendmail', 'http.responses', 'websocket.send.p!c', 'http.response.p!c')
        answer = {'status': 200, 'content': b''}

        def consumer(message):
            for name in names:
                content = answer if name.startswith('http.response.') else {'text': ''}
                Channel(name, channel_layer=message.channel_layer).send(content)

        self.inner.send('task', {'traceparent': TRACEPARENT[:-2] + '00'})
        self.work([route('task', consumer)])
        told = [name for name in names if 'traceparent' in self.inner.receive([name.rstrip('c')])[1]]
        self.assertEqual(told, ['websocket.sendmail', 'http.responses'])

    def test_a_message_whose_sampler_raises_is_failed_as_by_its_consumer(self):
        class Broken(type(ALWAYS_ON)):
            def should_sample(self, *args, **kwargs):
                raise ZeroDivisionError('as samplers do')

        self.use_sampler(Broken(None))
        self.inner.send('task', {})
        worker = Worker(ChannelLayerWrapper(self.inner, 'default', [route('task', lambda message: None)]))
        self.assertEqual(worker.run_once(), 'failed')

    def send_outside(self):
        """Send a message where no trace is; return it, and the context that it tells of."""
        Channel('next', channel_layer=self.inner).send({})
        message = self.inner.receive(['next'])[1]
        return message, trace.get_current_span(context_of(message)).get_span_context()

    def printed_by(self, code):
        program = subprocess.Popen([sys.executable, '-W', 'ignore', '-c', code], stdout=subprocess.PIPE, env=dict(
            os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))))
        return program.communicate()[0].decode('utf-8').split()

    def test_a_provider_that_is_set_later_is_asked(self):
        self.assertEqual(self.printed_by(SET_LATER), ['False', 'True', '00'])

    def test_versions_that_load_their_contexts_late_can_be_used(self):
        self.assertEqual(self.printed_by(LAZY), ["{'n':", '1}'])

    def test_a_worker_process_that_ends_hands_out_its_last_spans(self):
        self.assertEqual(self.printed_by(FORKED), ['last'])

    def test_what_no_trace_can_be_begins_one(self):
        for content in ({'traceparent': 'x' * 100}, {'traceparent': 7}, {'headers': 5}, {'headers': [b'ab', [1, 2]]},
                        {'headers': [[b'traceparent', b'\xff']]},
                        {'headers': [{}, 7, [b'traceparent', 7], [], [[7], 7]]}):
            self.inner.send('task', content)
            self.work([route('task', lambda message: None)])
            self.assertIsNone(self.spans()['process task'].parent)
            self.exporter.clear()

    def test_what_only_looks_like_a_trace_that_is_not_sampled_is_told_to_nobody(self):
        for malformed in ('00-%s-%s-00' % ('0' * 32, PARENT), 'x' * 54 + '0', '00-%s-%s-00' % (TRACE.upper(), PARENT)):
            self.exporter.clear()
            message, context = self.hand_on({'traceparent': malformed, 'tracestate': 'a=b'})
            self.assertFalse(context.is_valid and not context.trace_flags.sampled)
            self.hand_on({'headers': [[b'traceparent', malformed.encode('ascii')]]})
            message, context = self.hand_on({'traceparent': malformed})
            self.assertFalse(context.is_valid)
            # What its consumer sends begins a trace, about which the sampler is asked.
            [span] = [span for span in self.exporter.get_finished_spans() if span.name == 'send next'][2:]
            self.assertIsNone(span.parent)
            self.assertEqual(message['traceparent'].split('-')[1], '%032x' % span.context.trace_id)
            self.assertNotIn('tracestate', message)

    def test_a_trace_of_a_later_version_is_gone_on_with(self):
        for flags in ('00', '01', '00-more', '01-more'):
            self.exporter.clear()
            message, context = self.hand_on({'traceparent': 'cc' + TRACEPARENT[2:-2] + flags, 'tracestate': 'a=b'})
            without_state, _ = self.hand_on({'traceparent': 'cc' + TRACEPARENT[2:-2] + flags})
            is_sampled = flags.startswith('01')
            self.assertEqual(('%032x' % context.trace_id, bool(context.trace_flags.sampled)), (TRACE, is_sampled))
            for told in (message, without_state):
                self.assertEqual(told['traceparent'].split('-')[:2], ['00', TRACE])
                self.assertEqual(told['traceparent'].endswith('-01'), is_sampled)
            self.assertEqual(message['tracestate'], 'a=b')
            self.assertEqual(bool(self.exporter.get_finished_spans()), is_sampled)

    def test_a_failure_is_noted(self):
        def fail(message):
            raise ZeroDivisionError('as consumers do')
        self.inner.send('task', {})
        self.work([route('task', fail)])
        span = self.spans()['process task']
        self.assertEqual(span.status.status_code, trace.StatusCode.ERROR)
        self.assertEqual([event.attributes['exception.type'] for event in span.events], ['ZeroDivisionError'])
        self.assertEqual(span.attributes['messaging.channels.outcome'], 'failed')

    def test_each_attempt_at_a_job_is_in_the_trace_of_its_sender(self):
        def consumer(message):
            if message.attempt == 1:
                raise ZeroDivisionError('as consumers do')

        routes = [route('task', consumer, acknowledged=Acknowledged(Retry(first=0)))]
        layer = self.work(routes, times=0)
        layer.hold_as('tester')
        Channel('task', channel_layer=layer).send({'n': 1}, priority=5)
        worker = Worker(layer, signal_handlers=False)
        worker.run_once()
        worker.run_once()
        spans = self.exporter.get_finished_spans()
        self.assertEqual([span.name for span in spans], ['send task', 'process task', 'process task'])
        self.assertEqual([span.parent.span_id for span in spans[1:]], [spans[0].context.span_id] * 2)
        self.assertEqual([span.attributes['messaging.channels.attempt'] for span in spans[1:]], [1, 2])

    @override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], MIDDLEWARE_CLASSES=[])
    def test_a_view_is_in_the_trace_of_its_request(self):
        self.inner.send('http.request', {
            'reply_channel': 'http.response.p!c', 'path': '/', 'headers': HANDSHAKE['headers'], 'method': 'GET',
            'http_version': '1.1', 'query_string': b'',
        })
        self.work([])
        reply = self.inner.receive(['http.response.p!'])[1]
        self.assertEqual((reply['status'], reply['content']), (200, TRACE.encode('ascii')))

    @unittest.skipUnless(SUPPORTS_ASYNC, 'needs async consumers')
    def test_an_async_consumer_is_a_span_that_its_sends_belong_to(self):
        from django.channels.asynchronous.running import AsyncTasks

        from .async_consumers import echo
        for tasks in (None, AsyncTasks(1, lambda: False)):
            self.exporter.clear()
            self.inner.send('task', {'traceparent': TRACEPARENT, 'reply_channel': 'next.p!c', 'text': ''})
            layer = ChannelLayerWrapper(self.inner, 'default', [route('task', echo)])
            worker = Worker(layer, signal_handlers=False)
            worker._dispatcher.async_tasks = tasks
            worker.run_once()
            if tasks is not None:
                tasks.finish(30)
            self.assertChain('process task', 'send next.p!')
            self.assertEqual(self.spans()['process task'].attributes['messaging.channels.outcome'], 'handled')
            self.assertEqual(self.inner.receive(['next.p!'])[1]['traceparent'].split('-')[1], TRACE)
            # One that has no spans is handed on as well.
            unsampled = TRACEPARENT[:-2] + '00'
            self.inner.send('task', {'traceparent': unsampled, 'reply_channel': 'next.p!c', 'text': ''})
            worker.run_once()
            if tasks is not None:
                tasks.finish(30)
            self.assertEqual(self.inner.receive(['next.p!'])[1]['traceparent'], unsampled)
            self.assertEqual(len(self.spans()), 2)
