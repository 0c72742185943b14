#!/usr/bin/env bash
# redis-py 3.5.3 drops a password, and a user name, that are given beside the address:
# from_url('redis://host/1', password=...) connects without one, since the address has
# none, so a site that keeps its password out of the address gets "Authentication
# required". Since 4.0 it is used (seen with 4.3.6). In all versions a database in the
# address wins over db=, and db= counts only where the address has no path.
#
# Guessed: what is given explicitly fills what the address leaves out.
#
# Seen, PING with password=... and the right password; the database with db=2:
#   3.5.3: AuthenticationError; redis://.../1: 1, redis://.../: 2
#   4.3.6: PONG; redis://.../1: 1, redis://.../: 2
. "$(dirname "$0")/lib.sh"

debian redis-server 7.0.15
need redis-server
cat >"$folder/ask.py" <<'EOF'
import sys

import redis

address = 'redis://127.0.0.1:' + sys.argv[1]
try:
    seen = 'PONG' if redis.Redis.from_url(address + '/1', password='secret').ping() else 'nothing'
except redis.AuthenticationError:
    seen = 'AuthenticationError'
databases = [redis.Redis.from_url(address + path, db=2).connection_pool.connection_kwargs['db'] for path in ('/1', '/')]
print(seen, *databases)
EOF
redis=$(port)
start redis.log redis-server --port "$redis" --save '' --dir "$folder" --requirepass secret
reachable "$redis"
pypi redis==3.5.3
compare "redis-py 3.5.3" "PONG 1 2" "AuthenticationError 1 2" "$("$python" "$folder/ask.py" "$redis")"
pypi redis==4.3.6
compare "redis-py 4.3.6" "PONG 1 2" "PONG 1 2" "$("$python" "$folder/ask.py" "$redis")"
verdict
