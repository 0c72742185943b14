#!/usr/bin/env bash
# Apache 2.4.71 as a proxy (mpm_event, ProxyPass upgrade=websocket): each open WebSocket
# holds a thread, also when nothing passes for hours. Once there are as many of them as
# MaxRequestWorkers allows, 150 in Debian's configuration, Apache still accepts connections,
# but no page answers until a socket is closed. "event" frees threads of idle HTTP
# connections alone. nginx and HAProxy need no thread.
#
# Guessed: mpm_event waits for idle sockets in its one listener, as for idle HTTP connections.
#
# Seen (MaxRequestWorkers 5):
#   4 sockets open: page 200
#   5 sockets open: page without an answer for 3 s
#   one closed:     page 200
. "$(dirname "$0")/lib.sh"

debian apache2-bin 2.4.71
need apache2
pypi uvicorn==0.54.0 websockets==17.4
cd "$folder"
cat >app.py <<'END'
async def application(scope, receive, send):
    if scope['type'] == 'websocket':
        await receive()
        await send({'type': 'websocket.accept'})
        while (await receive())['type'] != 'websocket.disconnect':
            pass
    elif scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'4')]})
        await send({'type': 'http.response.body', 'body': b'page'})
END
server=$(port)
start server.log "$bin/uvicorn" app:application --lifespan off --port "$server"
reachable "$server"
front=$(port)
modules=/usr/lib/apache2/modules
mkdir run
# Its children are of another user if root starts it.
chmod 711 "$folder"
cat >apache.conf <<END
ServerName localhost
ServerRoot $folder
DefaultRuntimeDir $folder/run
PidFile $folder/run/pid
ErrorLog $folder/apache.log
Listen 127.0.0.1:$front
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
User daemon
Group daemon
StartServers 1
ServerLimit 1
ThreadLimit 5
ThreadsPerChild 5
MaxRequestWorkers 5
ProxyPass / http://127.0.0.1:$server/ upgrade=websocket timeout=3600
END
start apache.out apache2 -f "$folder/apache.conf" -D FOREGROUND
reachable "$front"
cat >visit.py <<'END'
"""Open sockets one by one, and ask for a page after some."""
import asyncio
import sys

import websockets

PORT = int(sys.argv[1])


async def page():
    reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
    writer.write(b'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    try:
        return (await asyncio.wait_for(reader.read(), 3)).split()[1].decode()
    except asyncio.TimeoutError:
        return 'nothing'
    finally:
        writer.close()


async def main():
    sockets = [await websockets.connect('ws://127.0.0.1:%d/' % PORT) for _ in range(4)]
    print('4 sockets: %s' % await page())
    sockets.append(await websockets.connect('ws://127.0.0.1:%d/' % PORT))
    print('5 sockets: %s' % await page())
    await sockets.pop().close()
    await asyncio.sleep(0.5)
    print('one closed: %s' % await page())


asyncio.run(main())
END
compare "pages beside open sockets" "4 sockets: 200 5 sockets: 200 one closed: 200" \
    "4 sockets: 200 5 sockets: nothing one closed: 200" "$("$python" visit.py "$front" | xargs)"
verdict
