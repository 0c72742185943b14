#!/usr/bin/env bash
# psycopg 3.1.20 (Django 4.2 takes it, Python 3.7 has nothing later): notifies() never yields a
# notification that arrived while the same connection was doing another query; it
# is dropped, unless a handler was added. 3.2.10 yields it. So a listener that
# also asks the database misses events under 3.1 and none under 3.2.
#
# Guessed: notifies() yields all that came since LISTEN.
#
# Seen ('during' while SELECT pg_sleep(1) runs, 'after' later):
#   3.1.20: after
#   3.2.10: during after
. "$(dirname "$0")/lib.sh"

need psql
postgresql
pypi "psycopg[binary]==3.1.20"
cat >"$folder/listen.py" <<'EOF'
import sys
import threading
import time

import psycopg

dsn = 'host=127.0.0.1 user=postgres port=' + sys.argv[1]
listener = psycopg.connect(dsn, autocommit=True)
listener.execute('LISTEN c')
sender = psycopg.connect(dsn, autocommit=True)


def send(delay, payload):
    time.sleep(delay)
    sender.execute("NOTIFY c, '%s'" % payload)


thread = threading.Thread(target=send, args=(0.3, 'during'))
thread.start()
listener.execute('SELECT pg_sleep(1)')
thread.join()
threading.Thread(target=send, args=(0.3, 'after')).start()
seen = []
for notification in listener.notifies():
    seen.append(notification.payload)
    if seen[-1] == 'after':
        break
print(*seen)
EOF
compare "psycopg 3.1.20" "during after" "after" "$("$python" "$folder/listen.py" "$postgres")"
pypi "psycopg[binary]==3.2.10"
compare "psycopg 3.2.10" "during after" "during after" "$("$python" "$folder/listen.py" "$postgres")"
verdict
