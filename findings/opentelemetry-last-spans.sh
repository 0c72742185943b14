#!/usr/bin/env bash
# opentelemetry-sdk 1.45.2 with BatchSpanProcessor, which hands spans out every five seconds,
# and the rest when the program ends. RQ 3.0.0 ends the process of each job by os._exit(),
# so no span of any job shorter than that ever arrives; so do Celery 5.7.0 with
# --max-tasks-per-child=1, and at each stop or recycled process the last five seconds of
# Celery's pool, of Dramatiq 2.2.1 and of huey 3.5.4 with `-k process`. Nothing is logged.
# Celery's solo and threads and huey's threads hand them out.
#
# Guessed: what was done before SIGTERM is told; the SDK registers itself with atexit.
#
# Seen, three jobs, then SIGTERM, and nothing is handed out before: spans that arrived
#   rq, celery, dramatiq, huey-process: 0
#   celery-solo, celery-threads, huey: 3
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 celery==5.7.0 dramatiq==2.2.1 huey==3.5.4 redis==7.4.1 packaging==26.4 opentelemetry-sdk==1.45.2
cd "$folder"
cat >tracing.py <<'END'
import os

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class Exporter(SpanExporter):
    def export(self, spans):
        with open(os.environ['SPANS'], 'a') as file:
            file.writelines(span.name + '\n' for span in spans)
        return SpanExportResult.SUCCESS


trace.set_tracer_provider(TracerProvider())
# Not during a run on a slow machine: the end is what is looked at.
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(Exporter(), schedule_delay_millis=600000))


def job(number):
    trace.get_tracer('jobs').start_span('job').end()
    with open(os.environ['RAN'], 'a') as file:
        print(number, file=file)
END
cat >by_celery.py <<'END'
import os

import tracing
from celery import Celery

app = Celery('tasks', broker=os.environ['REDIS'])
job = app.task(tracing.job, name='job')
send = job.delay
END
cat >by_dramatiq.py <<'END'
import os

import dramatiq
import tracing
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['REDIS']))
job = dramatiq.actor(tracing.job)
send = job.send
END
cat >by_huey.py <<'END'
import os

import tracing
from huey import RedisHuey

huey = RedisHuey(url=os.environ['REDIS'])
send = huey.task()(tracing.job)
END
cat >by_rq.py <<'END'
import os

import redis
import rq


def send(number):
    rq.Queue(connection=redis.Redis.from_url(os.environ['REDIS'])).enqueue('tracing.job', number)
END
export PYTHONPATH=$folder
ran() {
    [ "$(cat "$RAN" 2>/dev/null | wc -l)" = 3 ]
}
# try NAME MODULE WORKER...: in the background and a database of its own; NAME.seen says how many arrived.
databases=0
try() {
    local database=redis://127.0.0.1:$redis/$((databases++))
    {
        export REDIS=$database RQ_REDIS_URL=$database RAN=$1.ran SPANS=$1.spans
        "$python" -c "import $2; [$2.send(number) for number in range(3)]"
        start "$1.log" "${@:3}"
        eventually 90 ran || true
        kill -TERM "$pid"
        eventually 30 test ! -e "/proc/$pid" || true
        if ran; then cat "$SPANS" 2>/dev/null | wc -l; else echo "not run"; fi >"$1.seen"
    } &
}
celery=("$bin/celery" -A by_celery worker -c 2)
try rq by_rq "$bin/rq" worker
try celery by_celery "${celery[@]}"
try celery-solo by_celery "${celery[@]}" -P solo
try celery-threads by_celery "${celery[@]}" -P threads
try dramatiq by_dramatiq "$bin/dramatiq" -p 2 -t 2 by_dramatiq
try huey by_huey "$bin/huey_consumer" by_huey.huey
try huey-process by_huey "$bin/huey_consumer" by_huey.huey -k process -w 2
wait
for name in rq celery dramatiq huey-process; do
    compare "$name" 3 0 "$(cat "$name.seen")"
done
for name in celery-solo celery-threads huey; do
    compare "$name" 3 3 "$(cat "$name.seen")"
done
verdict
