#!/usr/bin/env bash
# What Python packed, unpacked and packed again in a script of Redis 7.0.15 (cmsgpack),
# comes back as something else without an error: {} as [], {"id": None} as [], [1, None,
# 3] as {1: 1, 3: 3}, {1: "x"} as ["x"], 3.0 as 3. Python's bytes can't be unpacked at
# all, since cmsgpack knows no binary type. So a script that changes one key of a message
# changes others that it never named.
#
# Guessed: MessagePack has all these types, so they survive, or are refused.
#
# Seen:
#   {"list": []}: same
#   {"dict": {}}: {"dict": []}
#   {"id": None, "kind": "x"}: {"kind": "x"}
#   {"id": None}: []
#   [1, None, 3]: {1: 1, 3: 3}
#   {1: "x", 2: "y"}: ["x", "y"]
#   3.0: 3
#   b"x": ResponseError
. "$(dirname "$0")/lib.sh"

debian_redis
pypi redis==8.1.0 msgpack==1.2.4
cat >"$folder/script.py" <<'EOF'
import ast
import sys

import msgpack
import redis

value = ast.literal_eval(sys.argv[2])
try:
    packed = redis.Redis(port=int(sys.argv[1])).eval(
        'return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))', 0, msgpack.packb(value))
except redis.ResponseError:
    print('ResponseError')
else:
    print(msgpack.unpackb(packed, strict_map_key=False))
EOF
through() {
    "$python" "$folder/script.py" "$redis" "$1"
}
row() {
    compare "$1" "$1" "$2" "$(through "$1")"
}
row "{'list': []}" "{'list': []}"
row "{'dict': {}}" "{'dict': []}"
row "{'id': None, 'kind': 'x'}" "{'kind': 'x'}"
row "{'id': None}" "[]"
row "[1, None, 3]" "{1: 1, 3: 3}"
row "{1: 'x', 2: 'y'}" "['x', 'y']"
row "3.0" "3"
row "b'x'" "ResponseError"
verdict
