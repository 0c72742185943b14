#!/usr/bin/env bash
# sentry-sdk 2.75.0 beside workers, with its own integrations: of a task that is tried again
# it reports each attempt under Dramatiq 2.2.1 and huey 3.5.4, so a task that succeeds at
# its third attempt is two errors, and an alert; under Celery 5.7.0 and RQ 3.0.0 none, and
# one if all attempts fail.
#
# Guessed: what succeeds in the end is no error, under any of them.
#
# Seen, events of a task that succeeds at its third attempt, and of one that never does:
#   Celery, RQ         0, 1
#   Dramatiq, huey     2, 3
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 celery==5.7.0 dramatiq==2.2.1 huey==3.5.4 redis==7.4.1 packaging==26.4 sentry-sdk==2.75.0
cd "$folder"
cat >sentry.py <<'END'
"""What is reported, one line an event: of which worker, and what it says."""
import gzip
import http.server
import json
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        data = self.rfile.read(int(self.headers['Content-Length']))
        if self.headers.get('Content-Encoding') == 'gzip':
            data = gzip.decompress(data)
        for line in data.split(b'\n'):
            item = json.loads(line or '{}')
            if 'exception' in item:
                with open(item['environment'] + '.events', 'a') as file:
                    print(item['exception']['values'][-1]['value'], file=file)
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'{}')

    def log_message(self, form, *args):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
END
cat >work.py <<'END'
import os

import sentry_sdk

NAME = os.environ['NAME']
sentry_sdk.init(dsn='http://key@127.0.0.1:%s/1' % os.environ['SENTRY'], environment=NAME)


def job(which):
    with open(NAME + '.ran', 'a+') as file:
        print(which, file=file, flush=True)
        file.seek(0)
        attempt = file.read().split().count(which)
    if which == 'never' or attempt < 3:
        raise ValueError(which)
END
cat >by_celery.py <<'END'
import os

import work
from celery import Celery

app = Celery('tasks', broker=os.environ['REDIS'])
job = app.task(work.job, name='job', autoretry_for=(ValueError,), max_retries=2, default_retry_delay=.1)
send = job.delay
END
cat >by_dramatiq.py <<'END'
import os

import dramatiq
import work
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['REDIS']))
job = dramatiq.actor(work.job, max_retries=2, min_backoff=100, max_backoff=200)
send = job.send
END
cat >by_huey.py <<'END'
import os

import work
from huey import RedisHuey

huey = RedisHuey(url=os.environ['REDIS'])
send = huey.task(retries=2)(work.job)
END
cat >by_rq.py <<'END'
import os

import redis
import rq
import work  # noqa: F401

queue = rq.Queue(connection=redis.Redis.from_url(os.environ['REDIS']))


def send(which):
    queue.enqueue('work.job', which, retry=rq.Retry(max=2))


if __name__ == '__main__':
    rq.Worker([queue], connection=queue.connection).work()
END
sentry=$(port)
start sentry.log python3 sentry.py "$sentry"
reachable "$sentry"
export PYTHONPATH=$folder SENTRY=$sentry
ran() {
    [ "$(cat "$1.ran" 2>/dev/null | wc -l)" = 6 ]
}
# try NAME WORKER...: in the background and a database of its own; NAME.seen has the events.
databases=0
try() {
    local database=redis://127.0.0.1:$redis/$((databases++))
    {
        export REDIS=$database NAME=$1
        "$python" -c "import by_$1; by_$1.send('third'); by_$1.send('never')"
        start "$1.log" "${@:2}"
        eventually 90 ran "$1" || true
        # The last attempt goes on for a moment.
        sleep 2
        kill -TERM "$pid"
        eventually 30 test ! -e "/proc/$pid" || true
        ran "$1" || echo "not run"
        echo "$(grep -cs third "$1.events"), $(grep -cs never "$1.events")"
    } >"$1.seen" &
}
try celery "$bin/celery" -A by_celery worker -c 1
try rq "$python" by_rq.py
try dramatiq "$bin/dramatiq" -p 1 -t 1 by_dramatiq
try huey "$bin/huey_consumer" by_huey.huey
wait
compare celery "0, 1" "0, 1" "$(cat celery.seen)"
compare rq "0, 1" "0, 1" "$(cat rq.seen)"
compare dramatiq "0, 1" "2, 3" "$(cat dramatiq.seen)"
compare huey "0, 1" "2, 3" "$(cat huey.seen)"
verdict
