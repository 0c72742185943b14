#!/usr/bin/env bash
# A server in the foreground of a terminal (ssh -t, tmux, a window) that is closed, which
# SIGHUP tells: Granian 2.8.9, gunicorn 27.0.1, Hypercorn 0.18.0, uvicorn 0.54.0 with
# --workers, huey 3.5.4, Caddy 2.6.2, HAProxy 2.6.12, nginx 1.22.1 and Redis 7.0.15 take it
# for "load everything again", or ignore it, and go on without a terminal, on the same
# port. uvicorn alone, daphne 4.2.3, waitress 3.0.2 and Celery 5.7.0 end.
#
# Guessed: what runs in the foreground ends with its terminal, whoever it is.
#
# Seen, six seconds after that:
#   goes on: caddy granian gunicorn haproxy huey hypercorn nginx redis uvicorn-workers
#   ended: celery daphne uvicorn waitress
. "$(dirname "$0")/lib.sh"

debian caddy 2.6.2
debian haproxy 2.6.12
debian nginx 1.22.1
debian redis-server 7.0.15
need caddy haproxy nginx redis-server
pypi uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 gunicorn==27.0.1 waitress==3.0.2 celery==5.7.0 \
    huey==3.5.4
cd "$folder"
export PYTHONPATH=$folder HOME=$folder
asgi_application <<'END'
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'2')]})
await send({'type': 'http.response.body', 'body': b'ok'})
END
cat >>app.py <<'EOF'


def wsgi(environ, start_response):
    start_response('200 OK', [('Content-Length', '2')])
    return [b'ok']
EOF
cat >tasks.py <<'EOF'
from celery import Celery

app = Celery('tasks', broker='filesystem://')
app.conf.broker_transport_options = {'data_folder_in': '.', 'data_folder_out': '.', 'control_folder': 'control'}
EOF
cat >jobs.py <<'EOF'
from huey import SqliteHuey

huey = SqliteHuey(filename='jobs')
EOF
cat >haproxy.conf <<'EOF'
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
listen one
    bind 127.0.0.1:%
    http-request return status 200
EOF
{
    nginx_head
    echo 'access_log off; server { listen 127.0.0.1:%; } }'
} >nginx.conf
# In a new terminal of its own, whose foreground it is: wait until it works, close the
# terminal, and look again.
cat >terminal.py <<'EOF'
import os
import pty
import re
import select
import signal
import socket
import sys
import time

ready, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if not child:
    os.execvp(command[0], command)
said = b''


def works():
    # A port on which it listens, or what it says.
    if not ready.isdigit():
        return re.search(ready.encode(), said)
    try:
        socket.create_connection(('127.0.0.1', int(ready)), 5).close()
    except OSError:
        return False
    return True


def read(seconds):
    global said
    end = time.monotonic() + seconds
    while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        try:
            said += os.read(terminal, 65536)
        except OSError:
            break


for _ in range(300):
    read(.1)
    if works():
        break
else:
    sys.exit('%s does not work: %s' % (command, said[-2000:].decode()))
# Until it handles signals.
read(1)
os.close(terminal)
end = time.monotonic() + 6
while time.monotonic() < end and os.waitpid(child, os.WNOHANG) == (0, 0):
    time.sleep(.1)
try:
    os.kill(child, 0)
except ProcessLookupError:
    print('ended')
else:
    print('goes on' if not ready.isdigit() or works() else 'no port any more')
    os.kill(child, signal.SIGTERM)
    end = time.monotonic() + 5
    while time.monotonic() < end and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(.1)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
EOF
# try NAME READY COMMAND...: "%" stands for the port, as which READY is, or what it says.
names=
try() {
    local name=$1 ready=$2 to
    shift 2
    to=$(port)
    sed -i "s/127.0.0.1:%/127.0.0.1:$to/" "$name.conf" 2>/dev/null || true
    start "$name.log" "$python" -u terminal.py "${ready/\%/$to}" "${@//%/$to}"
    names+=" $name"
}
try gunicorn % "$bin/gunicorn" -b 127.0.0.1:% app:wsgi
try uvicorn % "$bin/uvicorn" --port % app:application
try uvicorn-workers % "$bin/uvicorn" --workers 2 --port % app:application
try hypercorn % "$bin/hypercorn" -b 127.0.0.1:% app:application
try daphne % "$bin/daphne" -p % app:application
try granian % "$bin/granian" --interface asgi --port % app:application
try waitress % "$bin/waitress-serve" --listen 127.0.0.1:% app:wsgi
try celery " ready" "$bin/celery" -A tasks worker -c 1 -l INFO
try huey 'consumer started' "$bin/huey_consumer" jobs.huey
try caddy % caddy respond --listen 127.0.0.1:%
try haproxy % haproxy -W -f haproxy.conf
try nginx % nginx -p "$folder" -c nginx.conf
try redis % redis-server --port % --save ''
for name in $names; do
    eventually 90 grep -qs . "$name.log" || true
    echo "$name $(cat "$name.log")" >>seen
done
who() {
    sed -n "s/ $1\$//p" seen | sort | tr '\n' ' ' | sed 's/ $//'
}
all="caddy celery daphne granian gunicorn haproxy huey hypercorn nginx redis uvicorn uvicorn-workers waitress"
compare "goes on" "" "caddy granian gunicorn haproxy huey hypercorn nginx redis uvicorn-workers" "$(who "goes on")"
compare ended "$all" "celery daphne uvicorn waitress" "$(who ended)"
verdict
