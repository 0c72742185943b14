#!/usr/bin/env bash
# Scripts that work on Redis 7.0.15 fail on fakeredis 2.41.0, also with its extra [lua]:
# it has `cjson`, but neither `struct`, `cmsgpack` and `bit` nor redis.sha1hex(). Tests
# against it say nothing about code whose scripts pack or count in bits.
#
# Guessed: the libraries that Redis documents for scripts are all there.
#
# Seen:
#   Redis: cjson struct cmsgpack bit sha1hex
#   fakeredis: cjson
. "$(dirname "$0")/lib.sh"

debian_redis
pypi fakeredis==2.41.0 lupa==2.8 redis==8.1.0
cat >"$folder/try.py" <<'EOF'
import sys

import fakeredis
import redis

SCRIPTS = [
    ('cjson', "return cjson.encode({a = 1})"),
    ('struct', "return struct.pack('>I4', 7)"),
    ('cmsgpack', "return cmsgpack.pack({1, 2})"),
    ('bit', "return bit.band(7, 2)"),
    ('sha1hex', "return redis.sha1hex('')"),
]
client = fakeredis.FakeRedis() if sys.argv[1] == 'fake' else redis.Redis(port=int(sys.argv[1]))
works = []
for name, script in SCRIPTS:
    try:
        client.eval(script, 0)
    except redis.ResponseError:
        continue
    works.append(name)
print(*works)
EOF
all="cjson struct cmsgpack bit sha1hex"
compare "Redis has" "$all" "$all" "$("$python" "$folder/try.py" "$redis")"
compare "fakeredis has" "$all" "cjson" "$("$python" "$folder/try.py" fake)"
verdict
