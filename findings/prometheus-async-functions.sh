#!/usr/bin/env bash
# prometheus_client 0.26.0: its decorators on an async function see only the call that
# makes the coroutine: time() records microseconds, count_exceptions() counts none, and
# track_inprogress() is 0 while it runs, all without an error. As `with` inside of the function
# they are right. statsd 4.0.1 and opentelemetry-sdk 1.45.2 measure an async function, but
# OpenTelemetry's decorator ends the span of an async generator before its first piece.
#
# Guessed: what is awaited is measured, or decorating raises an error.
#
# Seen (functions that sleep 0.3 s, or raise):
#   prometheus_client   time: nothing; exceptions: 0; in progress: 0
#   the same, `with`    time: measured; exceptions: 1; in progress: 1
#   statsd              time: measured
#   OpenTelemetry       time: measured; async generator: nothing
. "$(dirname "$0")/lib.sh"

pypi prometheus_client==0.26.0 statsd==4.0.1 opentelemetry-sdk==1.45.2
cat >"$folder/measure.py" <<'END'
import asyncio
import contextlib
import socket
import sys

import statsd
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import Counter, Gauge, Histogram

histogram = Histogram('seconds', 'Seconds')
counter = Counter('errors', 'Errors')
gauge = Gauge('running', 'Running')


def value(metric, name):
    return next(sample.value for family in metric.collect() for sample in family.samples if sample.name == name)


def measured(seconds):
    return 'measured' if seconds >= 0.25 else 'nothing'


@histogram.time()
async def sleeps():
    await asyncio.sleep(0.3)


@counter.count_exceptions()
async def raises():
    raise ValueError


@gauge.track_inprogress()
async def runs():
    return value(gauge, 'running')


async def sleeps_within():
    with histogram.time():
        await asyncio.sleep(0.3)


async def raises_within():
    with counter.count_exceptions():
        raise ValueError


async def runs_within():
    with gauge.track_inprogress():
        return value(gauge, 'running')


async def with_prometheus(sleeps=sleeps, raises=raises, runs=runs):
    await sleeps()
    with contextlib.suppress(ValueError):
        await raises()
    print('time: %s; exceptions: %d; in progress: %d' % (
        measured(value(histogram, 'seconds_sum')), value(counter, 'errors_total'), await runs(),
    ))


async def with_within():
    await with_prometheus(sleeps_within, raises_within, runs_within)


async def with_statsd():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(('127.0.0.1', 0))
        client = statsd.StatsClient('127.0.0.1', server.getsockname()[1])
        await client.timer('time')(asyncio.sleep)(0.3)
        milliseconds = float(server.recv(100).decode().split(':')[1].split('|')[0])
    print('time: ' + measured(milliseconds / 1000))


async def with_opentelemetry():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(__name__)

    @tracer.start_as_current_span('function')
    async def function():
        await asyncio.sleep(0.3)

    @tracer.start_as_current_span('generator')
    async def generator():
        await asyncio.sleep(0.3)
        yield

    await function()
    async for _ in generator():
        pass
    spans = exporter.get_finished_spans()
    print('time: %s; async generator: %s' % tuple(measured((span.end_time - span.start_time) / 1e9) for span in spans))


asyncio.run(globals()['with_' + sys.argv[1]]())
END
seen() {
    "$python" "$folder/measure.py" "$1"
}
right="time: measured; exceptions: 1; in progress: 1"
compare prometheus_client "$right" "time: nothing; exceptions: 0; in progress: 0" "$(seen prometheus)"
compare "prometheus_client, with" "$right" "$right" "$(seen within)"
compare statsd "time: measured" "time: measured" "$(seen statsd)"
compare OpenTelemetry "time: measured; async generator: measured" "time: measured; async generator: nothing" \
    "$(seen opentelemetry)"
verdict
