#!/usr/bin/env bash
# Celery 5.7.0: a group without tasks, as one over the rows of a query can be, is no step of
# a chain: the next task gets the result of the one before it instead of a list, or, as
# the first step, no argument at all: sending raises TypeError, in the program that
# sends. As a chord's header it gives the next task [].
#
# Guessed: the task after the group gets [], in all three.
#
# Seen, what the task `total` gets after a group of none:
#   chord([])(total)                            []
#   chain(count.s(), group([]), total.s())      7, what count returned
#   chain(group([]), total.s())                 TypeError: missing argument
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==7.1.0 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os

from celery import Celery

app = Celery('tasks', broker=os.environ['BROKER'], backend=os.environ['BROKER'])


@app.task
def count():
    return 7


@app.task
def total(results):
    return repr(results)
END
cat >send.py <<'END'
import sys

from celery import chain, chord, group
from tasks import count, total

send = {
    'chord': lambda: chord([])(total.s()),
    'after': lambda: chain(count.s(), group([]), total.s())(),
    'first': lambda: chain(group([]), total.s())(),
}[sys.argv[1]]
try:
    print(send().get(timeout=20))
except TypeError:
    print('TypeError')
END
export BROKER=redis://127.0.0.1:$redis/0 PYTHONPATH=$folder
start worker.log "$bin/celery" -A tasks worker -c 1 -l warning
compare "chord([])(total)" "[]" "[]" "$("$python" send.py chord)"
compare "chain(count, group([]), total)" "[]" "7" "$("$python" send.py after)"
compare "chain(group([]), total)" "[]" "TypeError" "$("$python" send.py first)"
verdict
