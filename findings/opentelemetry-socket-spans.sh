#!/usr/bin/env bash
# opentelemetry-instrumentation-asgi 0.66b2 makes a span of each message of a WebSocket,
# in and out, all in one trace whose root isn't exported before the socket closes: a
# hundred messages that are answered are 204 spans. So a chat that is open for a day
# is one trace of any size, of which nothing shows the beginning until the evening;
# sampling takes all of it or nothing. With exclude_spans=['receive', 'send'] there is
# one span, and nothing at all while the socket is open.
#
# Guessed: one span for the handshake, or for the socket.
#
# Seen, spans exported while the socket is open (is the root there?), and in the end:
#   default: 203 (no root), 204 in one trace
#   exclude_spans: 0 (no root), 1 in one trace
. "$(dirname "$0")/lib.sh"

pypi opentelemetry-instrumentation-asgi==0.66b2 opentelemetry-instrumentation==0.66b2 opentelemetry-sdk==1.45.2
cat >"$folder/spans.py" <<'EOF'
import asyncio
import sys

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
while_open = []


async def application(scope, receive, send):
    await receive()
    await send({'type': 'websocket.accept'})
    while (await receive())['type'] != 'websocket.disconnect':
        await send({'type': 'websocket.send', 'text': 'answer'})
    while_open.extend(exporter.get_finished_spans())


messages = [{'type': 'websocket.connect'}]
messages += [{'type': 'websocket.receive', 'text': 'question'}] * 100
messages += [{'type': 'websocket.disconnect', 'code': 1000}]


async def receive():
    return messages.pop(0)


async def send(message):
    pass


scope = {
    'type': 'websocket', 'asgi': {'version': '3.0'}, 'http_version': '1.1', 'scheme': 'ws', 'path': '/chat',
    'query_string': b'', 'headers': [], 'client': ('127.0.0.1', 50000), 'server': ('127.0.0.1', 80),
}
options = {'exclude_spans': ['receive', 'send']} if sys.argv[1] == 'exclude' else {}
asyncio.run(OpenTelemetryMiddleware(application, tracer_provider=provider, **options)(scope, receive, send))
spans = exporter.get_finished_spans()
assert len({span.context.trace_id for span in spans}) == 1
root = 'root' if any(span.parent is None for span in while_open) else 'no root'
print('%d (%s), %d in one trace' % (len(while_open), root, len(spans)))
EOF
compare "a socket with a hundred messages that are answered" "1 (root), 1 in one trace" \
    "203 (no root), 204 in one trace" "$("$python" "$folder/spans.py" default)"
compare "exclude_spans=['receive', 'send']" "1 (root), 1 in one trace" "0 (no root), 1 in one trace" \
    "$("$python" "$folder/spans.py" exclude)"
verdict
