#!/usr/bin/env bash
# httpx 0.28.1 over HTTP/2: when a server says GOAWAY, which means "no new requests here",
# the requests in progress on that connection fail at once, though the server names them
# as ones that it goes on with, and does. So a reload of nginx 1.22.1 makes them fail (POSTs,
# too, that the server does all the same). And as nginx says it on each thousandth request
# (keepalive_requests), that one fails in normal operation, one by one. curl reads the answer.
#
# Guessed: requests in progress are answered, and none fails in normal operation.
#
# Seen (three requests of a second during a reload, the next one; failed ones of 2,100 one by one):
#   httpx    RemoteProtocolError 3, next: 200; the backend has answered 3
#   httpx    failed: 1000th, 2000th
#   curl     200
. "$(dirname "$0")/lib.sh"

debian nginx 1.22.1
need nginx curl
pypi httpx==0.28.1 httpcore==1.0.9 h2==4.4.1
cd "$folder"
cat >backend.py <<'END'
import http.server
import pathlib
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rpartition('/')[2]
        pathlib.Path('begun-' + name).touch()
        while not pathlib.Path('go').exists():
            time.sleep(0.05)
        pathlib.Path('answered-' + name).touch()
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, form, *args):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
END
cat >client.py <<'END'
import asyncio
import collections
import os
import pathlib
import signal
import sys

import httpx

url = 'http://127.0.0.1:' + sys.argv[2]


async def status(client, path):
    try:
        return str((await client.get(url + path)).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__


def found(what):
    return list(pathlib.Path().glob(what + '-?'))


async def until(condition):
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.05)


async def reload(client):
    slow = [asyncio.create_task(status(client, '/slow/%d' % number)) for number in range(3)]
    await until(lambda: len(found('begun')) == 3)
    os.kill(int(pathlib.Path('nginx.pid').read_text()), signal.SIGHUP)
    await asyncio.wait(slow, timeout=10)
    pathlib.Path('go').touch()
    counted = collections.Counter([await task for task in slow])
    following = await status(client, '/')
    await until(lambda: len(found('answered')) == 3)
    counts = ', '.join('%s %d' % pair for pair in counted.items())
    print('%s, next: %s; the backend has answered %d' % (counts, following, len(found('answered'))))


async def many(client):
    statuses = [await status(client, '/') for number in range(2100)]
    print('failed: ' + ', '.join('%dth' % (at + 1) for at in range(2100) if statuses[at] != '200'))


async def main():
    async with httpx.AsyncClient(http1=False, http2=True, timeout=30) as client:
        await globals()[sys.argv[1]](client)


asyncio.run(main())
END
backend=$(port)
start backend.log python3 backend.py "$backend"
reachable "$backend"
server=$(port)
cat >nginx.conf <<END
$(nginx_head)
    access_log off;
    server {
        listen 127.0.0.1:$server http2;
        location / { return 200 page; }
        location /slow/ { proxy_pass http://127.0.0.1:$backend; }
    }
}
END
start nginx.out nginx -c "$folder/nginx.conf" -e "$folder/nginx.log"
reachable "$server"
with_curl() {
    rm go
    curl -s --http2-prior-knowledge -o answer -w '%{http_code}' "http://127.0.0.1:$server/slow/3" >status &
    local curl=$!
    eventually 20 test -e begun-3
    kill -HUP "$(cat nginx.pid)"
    sleep 1
    touch go
    wait "$curl" || true
    cat status
}
compare "httpx, three requests during a reload" "200 3, next: 200; the backend has answered 3" \
    "RemoteProtocolError 3, next: 200; the backend has answered 3" "$("$python" client.py reload "$server")"
compare "curl, one request during a reload" 200 200 "$(with_curl)"
compare "httpx, 2,100 requests one by one" "failed: " "failed: 1000th, 2000th" "$("$python" client.py many "$server")"
verdict
