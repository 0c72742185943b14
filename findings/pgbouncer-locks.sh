#!/usr/bin/env bash
# PgBouncer 1.18 (pool_mode = transaction), django-pglock 1.8.0: an advisory lock belongs to
# the connection between PgBouncer and PostgreSQL, which the next client gets, too. So two
# processes that have connected through it both hold a lock of which one has to be refused,
# as for a report that is to be made once; and a lock whose process was killed stays
# taken, for an hour (server_lifetime) if nothing else ends that connection. LISTEN is
# answered, and what is notified arrives nowhere. Nothing of this is an error.
#
# Guessed: LISTEN and session locks are refused, or work while the client is connected.
#
# Seen:                                             PostgreSQL    through PgBouncer
#   a second process asks for the lock              refused       gets it
#   a third, once the others were killed            gets it       refused
#   a notification to the one that listens          arrives       nothing
. "$(dirname "$0")/lib.sh"

need psql
debian pgbouncer 1.18.0
postgresql
pypi Django==5.2.19 django-pglock==1.8.0 django-pgactivity==1.8.0 'psycopg[binary]==3.3.9'
cd "$folder"
bouncer=$(port)
cat >bouncer.ini <<END
[databases]
postgres = host=127.0.0.1 port=$postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $bouncer
unix_socket_dir =
auth_type = any
pool_mode = transaction
END
as_user=()
[ "$(id -u)" = 0 ] && as_user=(runuser -u postgres --)
start bouncer.log "${as_user[@]}" "$(command -v pgbouncer || echo /usr/sbin/pgbouncer)" bouncer.ini
eventually 20 psql -h 127.0.0.1 -p "$bouncer" -U postgres -qAt -c 'SELECT 1' postgres
cat >once.py <<'END'
"""Say whether this process gets the lock, and keep it until it is killed."""
import sys
import time

import django
import psycopg
from django.conf import settings
from django.db import connection

database_port, what = sys.argv[1:3]
settings.configure(INSTALLED_APPS=['pgactivity', 'pglock'], DATABASES={'default': {
    'ENGINE': 'django.db.backends.postgresql', 'NAME': 'postgres', 'USER': 'postgres', 'HOST': '127.0.0.1',
    'PORT': database_port, 'DISABLE_SERVER_SIDE_CURSORS': True,
}})
django.setup()
import pglock

if what == 'listens':
    listener, sender = [psycopg.connect(
        'host=127.0.0.1 port=%s user=postgres dbname=postgres' % database_port, autocommit=True) for _ in range(2)]
    listener.execute('LISTEN news')
    sender.execute('NOTIFY news')
    print('arrives' if list(listener.notifies(timeout=3, stop_after=1)) else 'nothing')
elif what == 'holds':
    with pglock.advisory('report', timeout=0) as acquired:
        print('gets it' if acquired else 'refused', flush=True)
        time.sleep(100)
else:
    # While others are at work, so that it has a connection of its own to PostgreSQL.
    others = psycopg.connect('host=127.0.0.1 port=%s user=postgres dbname=postgres' % database_port)
    others.execute('SELECT 1')
    with pglock.advisory('report', timeout=0) as acquired:
        print('gets it' if acquired else 'refused', flush=True)
END
# holder NAME PORT: a process that has the lock, or was refused; its last words.
holder() {
    start "$1" "$python" once.py "$2" holds
    echo "$pid" >"$1.pid"
    eventually 20 grep -q . "$1"
}
both() {
    holder "$1.first" "$2"
    holder "$1.second" "$2"
    kill -KILL "$(cat "$1.first.pid")" "$(cat "$1.second.pid")"
    eventually 20 test ! -e "/proc/$(cat "$1.second.pid")"
    if [ "$1" = direct ]; then
        eventually 20 test "$(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" = 0
    fi
}
both direct "$postgres"
compare "PostgreSQL: a second process asks for the lock" "refused" "refused" "$(cat direct.second)"
compare "PostgreSQL: a third, once the others were killed" "gets it" "gets it" "$("$python" once.py "$postgres" tries)"
compare "PostgreSQL: a notification" "arrives" "arrives" "$("$python" once.py "$postgres" listens)"
both bounced "$bouncer"
compare "PgBouncer: a second process asks for the lock" "refused" "gets it" "$(cat bounced.second)"
compare "PgBouncer: a third, once the others were killed" "gets it" "refused" "$("$python" once.py "$bouncer" tries)"
compare "PgBouncer: a notification" "arrives" "nothing" "$("$python" once.py "$bouncer" listens)"
verdict
