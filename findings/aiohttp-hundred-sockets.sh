#!/usr/bin/env bash
# A ClientSession of aiohttp 3.14.5 opens a hundred WebSockets. The next ws_connect() waits
# without an error until one of them closes, and so does each request of that session to
# any host: an open socket keeps its place among the 100 connections of the pool. A load
# test says that the server takes no more than a hundred; a gateway that holds a socket
# per client stops calling other services. TCPConnector(limit=0) has no such limit.
#
# Guessed: the pool is for requests; a connection that was upgraded has left it.
#
# Seen, of 150 sockets, each given five seconds; then a GET of another server:
#   ClientSession(): 100, the GET times out
#   limit=0: 150, 200
. "$(dirname "$0")/lib.sh"

pypi aiohttp==3.14.5 websockets==17.4
cat >"$folder/sockets.py" <<'EOF'
import asyncio
import http.server
import sys
import threading

import aiohttp
from websockets.asyncio.server import serve


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def opened(session, url):
    sockets = []
    try:
        for _ in range(150):
            sockets.append(await asyncio.wait_for(session.ws_connect(url), 5))
    except asyncio.TimeoutError:
        pass
    return sockets


async def page(session, url):
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as response:
            return response.status
    except asyncio.TimeoutError:
        return 'times out'


async def main():
    other = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    options = {'connector': aiohttp.TCPConnector(limit=0)} if sys.argv[1] == 'unlimited' else {}
    async with serve(echo, '127.0.0.1', 0) as server, aiohttp.ClientSession(**options) as session:
        sockets = await opened(session, 'ws://127.0.0.1:%d/' % server.sockets[0].getsockname()[1])
        print('%d, %s' % (len(sockets), await page(session, 'http://127.0.0.1:%d/' % other.server_port)))


asyncio.run(main())
EOF
compare "ClientSession()" "150, 200" "100, times out" "$("$python" "$folder/sockets.py" default 2>"$folder/errors.log")"
compare "TCPConnector(limit=0)" "150, 200" "150, 200" "$("$python" "$folder/sockets.py" unlimited 2>"$folder/errors.log")"
verdict
