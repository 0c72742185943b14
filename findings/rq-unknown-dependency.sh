#!/usr/bin/env bash
# RQ 3.0.0: a job with depends_on='ID' runs at once, without an error, if there is no job
# of that id: misspelled, or enqueued a moment later by another process, so that the
# second step runs before the first. Nor does it matter how a job ended that is gone: one
# that failed lets none run, but once it is deleted (or its failure has expired), a new
# job that depends on it does.
#
# Guessed: NoSuchJobError, or it waits until such a job has succeeded.
#
# Seen (status of the second job after 3 s, and what ran):
#   first enqueued a second later       finished; second first
#   first has failed                    deferred; first
#   first has failed, and was deleted   finished; first second
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 redis==7.1.0
cd "$folder"
cat >jobs.py <<'END'
import sys
import time


def step(name, fails=False):
    with open('log', 'a') as log:
        print(name, file=log)
    if fails:
        raise RuntimeError(name)


def main(how, port):
    import redis
    import rq
    queue = rq.Queue(connection=redis.Redis(port=int(port)))
    if how != 'later':
        first = queue.enqueue('jobs.step', 'first', True, job_id=how)
        while first.get_status(refresh=True) != 'failed':
            time.sleep(0.1)
        if how == 'deleted':
            first.delete()
    second = queue.enqueue('jobs.step', 'second', depends_on=how)
    if how == 'later':
        time.sleep(1)
        queue.enqueue('jobs.step', 'first', job_id=how)
    time.sleep(3)
    print('%s; %s' % (second.get_status(refresh=True).value, ' '.join(open('log').read().split())))


if __name__ == '__main__':
    main(*sys.argv[1:])
END
export PYTHONPATH=$folder
start worker.log "$bin/rq" worker --url "redis://127.0.0.1:$redis"
seen() {
    rm -f log
    "$python" jobs.py "$1" "$redis"
}
compare "enqueued later" "finished; first second" "finished; second first" "$(seen later)"
compare "failed" "deferred; first" "deferred; first" "$(seen failed)"
compare "failed and deleted" "deferred; first" "finished; first second" "$(seen deleted)"
verdict
