#!/usr/bin/env bash
# fakeredis 2.41.0: a transaction that watches a key which has expired since is executed. Redis
# 7.0.15 doesn't: the client gets WatchError. So a test of "do it only as long as I hold
# the lock" passes whether or not the lock had run out.
#
# Guessed: an expired key has changed in both, like one that another client deletes.
#
# Seen (after WATCH the key is left alone, deleted by another client, or runs out):
#   Redis:     executed, WatchError, WatchError
#   fakeredis: executed, WatchError, executed
. "$(dirname "$0")/lib.sh"

debian_redis
pypi fakeredis==2.41.0 redis==7.1.0
cat >"$folder/watch.py" <<'END'
import sys
import time

import fakeredis
import redis

client = fakeredis.FakeRedis(version=(7, 0))
if len(sys.argv) > 1:
    client = redis.Redis(port=int(sys.argv[1]))


def transaction(what):
    client.set('lock', 'mine', px=3000 if what == 'expires' else None)
    with client.pipeline() as pipeline:
        pipeline.watch('lock')
        if pipeline.get('lock') != b'mine':
            return 'too slow'
        if what == 'deleted':
            client.delete('lock')
        elif what == 'expires':
            time.sleep(4)
        pipeline.multi()
        pipeline.set('work', 'done')
        try:
            pipeline.execute()
        except redis.WatchError:
            return 'WatchError'
        return 'executed'


print(', '.join(map(transaction, ('left alone', 'deleted', 'expires'))))
END
compare Redis "executed, WatchError, WatchError" "executed, WatchError, WatchError" \
    "$("$python" "$folder/watch.py" "$redis")"
compare fakeredis "executed, WatchError, WatchError" "executed, WatchError, executed" "$("$python" "$folder/watch.py")"
verdict
