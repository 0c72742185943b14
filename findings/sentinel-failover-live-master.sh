#!/usr/bin/env bash
# SENTINEL FAILOVER of a master that is alive (planned maintenance, say) loses
# what connected clients write in the ten seconds after it: the old master goes
# on taking writes until the Sentinels make it a replica, and then drops them.
# redis-py's Sentinel.master_for() asks for the master only when it makes a
# connection, so a client that writes ten times a second gets answers to all of
# these writes, and about a hundred of them are gone. A new connection finds
# the new master at once.
#
# Guessed: the failover is noticed when the Sentinels name the new master,
# since the client was made by them; what is answered in between is kept.
#
# Seen (Redis 7.0.15, redis-py 7.1.0): after the Sentinels named the new master,
# writes were answered for more than 5 seconds, and were gone afterwards.
. "$(dirname "$0")/lib.sh"

need redis-server
debian redis-server 7.0.15
pypi redis==7.1.0
master=$(port)
start master.log redis-server --port "$master" --save '' --dir "$folder"
reachable "$master"
replica=$(port)
start replica.log redis-server --port "$replica" --save '' --dir "$folder" --dbfilename r.rdb \
    --replicaof 127.0.0.1 "$master"
reachable "$replica"
sentinels=()
for number in 1 2 3; do
    sentinel=$(port)
    mkdir "$folder/$number"
    printf 'sentinel monitor main 127.0.0.1 %s 2\nsentinel failover-timeout main 10000\n' "$master" \
        >"$folder/$number/sentinel.conf"
    start "sentinel$number.log" redis-server "$folder/$number/sentinel.conf" --sentinel --port "$sentinel"
    reachable "$sentinel"
    sentinels+=("$sentinel")
done

mapfile -t seen < <("$python" - "$replica" "${sentinels[@]}" <<'PYTHON'
import sys
import time

import redis
from redis.sentinel import Sentinel

replica, *ports = [int(number) for number in sys.argv[1:]]
sentinel = Sentinel([('127.0.0.1', number) for number in ports], socket_timeout=2)
first = redis.Redis(port=ports[0], decode_responses=True)
while True:
    state = first.sentinel_master('main')
    if (state['num-slaves'], state['num-other-sentinels']) == (1, 2):
        break
    time.sleep(0.1)
client = sentinel.master_for('main', socket_timeout=2)
client.rpush('before', 1)
first.execute_command('SENTINEL', 'FAILOVER', 'main')
# Asked by others, so that the client keeps its connection.
while sentinel.discover_master('main')[1] != replica:
    time.sleep(0.1)
fresh = Sentinel([('127.0.0.1', number) for number in ports], socket_timeout=2).master_for('main')
print('new', fresh.info('server')['tcp_port'] == replica)
named, answered = time.monotonic(), []
while time.monotonic() - named < 20:
    number = len(answered)
    try:
        client.rpush('written', number)
    except redis.RedisError:
        break
    answered.append(time.monotonic() - named)
    if redis.Redis(port=replica).llen('written'):
        answered.pop()
        break
    time.sleep(0.1)
print('more than 5 s' if answered and answered[-1] > 5 else 'less: %r' % answered[-1:])
time.sleep(2)
kept = redis.Redis(port=replica).lrange('written', 0, -1)
print('gone' if len(answered) > 20 and b'0' not in kept and b'20' not in kept else 'kept %d of %d' % (len(kept), len(answered)))
PYTHON
)
compare "a new client, once the Sentinels name the new master" "new True" "new True" "${seen[0]}"
compare "how long a connected client's writes to the old one are answered" "not at all" "more than 5 s" "${seen[1]}"
compare "these writes, in the end" "kept" "gone" "${seen[2]}"
verdict
