#!/usr/bin/env bash
# `apachectl graceful` of Apache 2.4.71, which Debian's logrotate does each day: the old
# process stays for as long as a WebSocket in it is open, and takes one of ServerLimit's
# places. After as many reloads as there are (16 by default, 4 here), with one socket left
# of each, no process serves: pages get no answer until a socket closes.
#
# Guessed: sockets stay, and a reloaded Apache answers pages, of 100 threads four being taken.
#
# Seen:
#   3 sockets, 3 reloads      all open, a page: 200
#   4 sockets, 4 reloads      all open, a page: no answer within five seconds
#   one of them closed        a page: 200
. "$(dirname "$0")/lib.sh"

debian apache2-bin 2.4.71
need apache2
pypi websockets==17.4
cd "$folder"
cat >server.py <<'EOF'
import asyncio
import http
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


def page(connection, request):
    if 'Upgrade' not in request.headers:
        return connection.respond(http.HTTPStatus.OK, 'page')


async def main():
    async with serve(echo, '127.0.0.1', int(sys.argv[1]), process_request=page) as server:
        await server.serve_forever()


asyncio.run(main())
EOF
cat >client.py <<'EOF'
import asyncio
import subprocess
import sys
import urllib.request

import websockets

address, configuration = '127.0.0.1:' + sys.argv[1], sys.argv[2]


def page(timeout):
    try:
        return urllib.request.urlopen('http://%s/' % address, timeout=timeout).status
    except OSError:
        return 'no answer'


def reload(number):
    subprocess.run(['apache2', '-f', configuration, '-k', 'graceful'], check=True)
    while True:
        with open('error.log') as log:
            if log.read().count('resuming normal operations') > number:
                return


async def main():
    sockets = []

    async def show(when, timeout):
        for socket in sockets:
            await socket.send('x')
            await asyncio.wait_for(socket.recv(), 20)
        print('%s, all open, a page: %s' % (when, await asyncio.to_thread(page, timeout)), flush=True)

    for number in range(1, 5):
        sockets.append(await websockets.connect('ws://%s/' % address, ping_interval=None, open_timeout=30))
        await asyncio.wait_for(asyncio.to_thread(reload, number), 30)
        # Until the old process takes no connections any more.
        await asyncio.sleep(2)
        if number > 2:
            await show('%d reloads' % number, 20 if number == 3 else 5)
    await sockets.pop().close()
    await show('one closed', 40)


asyncio.run(main())
EOF
server=$(port)
start server.log "$python" server.py "$server"
reachable "$server"
front=$(port)
cat >apache.conf <<EOF
ServerRoot /usr/lib/apache2
ServerName localhost
PidFile $folder/apache.pid
ErrorLog $folder/error.log
Listen 127.0.0.1:$front
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
StartServers 1
ServerLimit 4
ThreadsPerChild 25
MaxRequestWorkers 100
MinSpareThreads 1
MaxSpareThreads 50
ProxyPass / http://127.0.0.1:$server/ upgrade=websocket timeout=3600
EOF
start apache.log apache2 -f "$folder/apache.conf" -D FOREGROUND
reachable "$front"
"$python" client.py "$front" "$folder/apache.conf" >seen 2>client.log || cat client.log >&2
compare "3 sockets, 3 reloads" "3 reloads, all open, a page: 200" "3 reloads, all open, a page: 200" "$(sed -n 1p seen)"
compare "4 sockets, 4 reloads" "4 reloads, all open, a page: 200" "4 reloads, all open, a page: no answer" \
    "$(sed -n 2p seen)"
compare "a socket closed" "one closed, all open, a page: 200" "one closed, all open, a page: 200" "$(sed -n 3p seen)"
verdict
