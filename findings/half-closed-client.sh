#!/usr/bin/env bash
# A client that closes its sending half after a complete request (nc, old HTTP/1.0 tools,
# some health checks) and waits for a page that takes half a second: uvicorn 0.54.0,
# daphne 4.2.3 and granian 2.8.9 close without a word, and so does nginx 1.22.1 as a
# proxy, which logs 499. gunicorn 27.0.1, Hypercorn 0.18.0, waitress 3.0.2 and HAProxy
# 2.6.12 answer. TCP allows the half close (RFC 9293, section 3.6).
#
# Guessed: all answer; the request is complete and the client is there.
#
# Seen:
#   answered: gunicorn haproxy hypercorn waitress
#   closed without a word: daphne granian nginx uvicorn
. "$(dirname "$0")/lib.sh"

debian nginx 1.22.1
debian haproxy 2.6.12
need nginx haproxy
pypi uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 gunicorn==27.0.1 waitress==3.0.2
cd "$folder"
cat >app.py <<'EOF'
import asyncio
import time


async def asgi(scope, receive, send):
    if scope['type'] == 'http':
        await asyncio.sleep(.5)
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'2')]})
        await send({'type': 'http.response.body', 'body': b'ok'})


def wsgi(environ, start_response):
    time.sleep(.5)
    start_response('200 OK', [('Content-Length', '2')])
    return [b'ok']
EOF
cat >client.py <<'EOF'
import socket
import sys

with socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=10) as client:
    client.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    client.shutdown(socket.SHUT_WR)
    answer = client.makefile('rb').read()
print('answered' if answer.endswith(b'ok') else 'closed' if not answer else answer)
EOF
# try NAME COMMAND...: "%" in it stands for the port.
try() {
    local name=$1 to
    shift
    to=$(port)
    start "$name.log" "${@//%/$to}"
    reachable "$to"
    echo "$name $("$python" client.py "$to")" >>seen
    last=$to
}
try uvicorn "$bin/uvicorn" app:asgi --port %
try daphne "$bin/daphne" -p % app:asgi
try granian "$bin/granian" --interface asgi --port % app:asgi
try hypercorn "$bin/hypercorn" -b 127.0.0.1:% app:asgi
try waitress "$bin/waitress-serve" --listen 127.0.0.1:% app:wsgi
try gunicorn "$bin/gunicorn" -b 127.0.0.1:% app:wsgi
backend=$last
mkdir temporary
{
    echo "daemon off; pid $folder/pid; error_log $folder/error; events {} http { access_log $folder/access;"
    for kind in client_body proxy fastcgi uwsgi scgi; do
        echo "${kind}_temp_path $folder/temporary;"
    done
    front=$(port)
    echo "server { listen 127.0.0.1:$front; location / { proxy_pass http://127.0.0.1:$backend; } } }"
    echo "$front" >nginx.port
} >nginx.conf
start nginx.log nginx -c "$folder/nginx.conf" -p "$folder"
reachable "$(cat nginx.port)"
echo "nginx $("$python" client.py "$(cat nginx.port)")" >>seen
front=$(port)
cat >haproxy.cfg <<EOF
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
listen front
    bind 127.0.0.1:$front
    server one 127.0.0.1:$backend
EOF
start haproxy.log haproxy -f haproxy.cfg
reachable "$front"
echo "haproxy $("$python" client.py "$front")" >>seen
who() {
    awk -v how="$1" '$2 == how { print $1 }' seen | sort | tr '\n' ' ' | sed 's/ $//'
}
all="daphne granian gunicorn haproxy hypercorn nginx uvicorn waitress"
compare "answered" "$all" "gunicorn haproxy hypercorn waitress" "$(who answered)"
compare "closed without a word" "" "daphne granian nginx uvicorn" "$(who closed)"
compare "nginx logged" "200" "499" "$(awk '{ print $9 }' access | sort -u | tail -n 1)"
verdict
