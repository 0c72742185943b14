#!/usr/bin/env bash
# opentelemetry-instrumentation-django 0.66b2 ends the span of a request when the view has
# returned: that of a StreamingHttpResponse, an event stream or an export, is over before
# its first piece, under WSGI and ASGI. What the stream does (its queries, its calls) are
# traces of their own, each with a root, and what it raises is in none. The instrumentation
# of WSGI around the application ends its span with the last piece, but the stream
# isn't in it either.
#
# Guessed: the span ends with the stream, and what that does belongs to it.
#
# Seen (a stream of three pieces, each with a span, and then an error):
#   Django, WSGI    ended before the first piece, no error, 4 traces
#   Django, ASGI    ended before the first piece, no error, 4 traces
. "$(dirname "$0")/lib.sh"

pypi Django==5.2.19 opentelemetry-instrumentation-django==0.66b2 opentelemetry-instrumentation-wsgi==0.66b2 \
    opentelemetry-instrumentation-asgi==0.66b2 opentelemetry-instrumentation==0.66b2 opentelemetry-sdk==1.45.2
cat >"$folder/spans.py" <<'END'
import asyncio
import sys

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import StreamingHttpResponse
from django.test import RequestFactory
from django.urls import path
from opentelemetry import trace
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], MIDDLEWARE=[], LOGGING_CONFIG=None)
DjangoInstrumentor().instrument()
tracer = trace.get_tracer(__name__)
at_first = []


def piece(number):
    if not number:
        at_first.extend(exporter.get_finished_spans())
    with tracer.start_as_current_span('query'):
        return b'piece'


def pieces():
    for number in range(3):
        yield piece(number)
    raise RuntimeError('late')


async def pieces_async():
    for number in range(3):
        yield piece(number)
    raise RuntimeError('late')


def stream(request):
    return StreamingHttpResponse(pieces())


async def stream_async(request):
    return StreamingHttpResponse(pieces_async())


urlpatterns = [path('wsgi', stream), path('asgi', stream_async)]


def with_wsgi():
    environ = RequestFactory().get('/wsgi').environ
    response = get_wsgi_application()(environ, lambda status, headers: None)
    try:
        for _ in response:
            pass
    finally:
        response.close()


def with_asgi():
    asyncio.run(call())


async def call():
    received = asyncio.Event()

    async def receive():
        if received.is_set():
            await asyncio.sleep(60)
        received.set()
        return {'type': 'http.request', 'body': b''}

    async def send(message):
        pass

    await get_asgi_application()({
        'type': 'http', 'asgi': {'version': '3.0'}, 'http_version': '1.1', 'method': 'GET', 'scheme': 'http',
        'path': '/asgi', 'raw_path': b'/asgi', 'query_string': b'', 'headers': [(b'host', b'localhost')],
        'client': ('127.0.0.1', 50000), 'server': ('127.0.0.1', 80),
    }, receive, send)


django.setup()
try:
    globals()['with_' + sys.argv[1]]()
except RuntimeError:
    pass
spans = exporter.get_finished_spans()
request, = (span for span in spans if span.kind == trace.SpanKind.SERVER)
print('ended %s the first piece, %s, %d traces' % (
    'before' if request in at_first else 'after',
    'no error' if request.status.is_unset else 'error',
    len({span.context.trace_id for span in spans}),
))
END
for interface in wsgi asgi; do
    compare "$interface" "ended after the first piece, error, 1 traces" \
        "ended before the first piece, no error, 4 traces" "$("$python" "$folder/spans.py" "$interface")"
done
verdict
