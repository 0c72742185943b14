#!/usr/bin/env bash
# redis-py 3.5.3 and 4.3.6 (the last for Python 2.7 and 3.6) take an aware datetime
# for local time, whatever its zone says: expireat(now in UTC + 1 hour) in New
# York keeps the key for six hours in winter, further west longer; east of
# Greenwich the key is gone at once. 4.6.0 and 8.1.0 are right.
# A server in UTC never shows it; a laptop does.
#
# Guessed: an aware datetime means the same moment everywhere.
#
# Seen (five hours west of Greenwich, expireat of one hour from now, in hours):
#   3.5.3: expireat 6
#   4.3.6: expireat 6, set exat 6
#   8.1.0: expireat 1, set exat 1
. "$(dirname "$0")/lib.sh"

debian_redis
# A zone without summer time, so that the result is the same all year.
export TZ=EST5
cat >"$folder/expire.py" <<'EOF'
import datetime
import sys

import redis

client = redis.Redis(port=int(sys.argv[1]))
moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
client.set('a', 1)
client.expireat('a', moment)
seen = ['expireat %d' % round(client.ttl('a') / 3600.0)]
if not redis.__version__.startswith('3.'):
    client.set('b', 1, exat=moment)
    seen.append('set exat %d' % round(client.ttl('b') / 3600.0))
print(', '.join(seen))
EOF
try() {
    pypi "redis==$1"
    "$python" "$folder/expire.py" "$redis"
}
compare "redis-py 3.5.3" "expireat 1" "expireat 6" "$(try 3.5.3)"
compare "redis-py 4.3.6" "expireat 1, set exat 1" "expireat 6, set exat 6" "$(try 4.3.6)"
compare "redis-py 8.1.0" "expireat 1, set exat 1" "expireat 1, set exat 1" "$(try 8.1.0)"
verdict
