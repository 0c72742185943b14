#!/usr/bin/env bash
# A server that closes a socket in trouble (1011, or TCP cut off) looks like the
# regular end of a stream to two of three Python clients. aiohttp 3.14.5: `async
# for message in socket` just ends, after a cut, too. websocket-client 1.9.2: recv()
# gives '' as if that had been a message, and raises the next time only. websockets
# 17.4 raises ConnectionClosedError.
#
# Guessed: all three raise, except for 1000 and 1001.
#
# Seen (server sends "1", then closes with 1011, or aborts the connection):
#   aiohttp: 1011: 1, end of loop; abort: 1, end of loop
#   websocket-client: 1011: 1, '', WebSocketConnectionClosedException
#   websockets: 1011: 1, ConnectionClosedError; abort: 1, ConnectionClosedError
. "$(dirname "$0")/lib.sh"

pypi websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2
cat >"$folder/clients.py" <<'EOF'
import asyncio
import sys

import aiohttp
import websocket
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve


async def end(socket):
    await socket.send('1')
    if socket.request.path == '/abort':
        await asyncio.sleep(0.3)
        socket.transport.abort()
    else:
        await socket.close(1011, 'trouble')


async def with_aiohttp(url, seen):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        async for message in socket:
            seen.append(message.data)


async def with_websockets(url, seen):
    async with connect(url) as socket:
        async for message in socket:
            seen.append(message)


async def with_websocket_client(url, seen):
    def read():
        socket = websocket.create_connection(url)
        while True:
            seen.append(socket.recv() or "''")
    await asyncio.to_thread(read)


async def main(client, path):
    seen = []
    async with serve(end, '127.0.0.1', 0) as server:
        port = server.sockets[0].getsockname()[1]
        try:
            await client('ws://127.0.0.1:%d/%s' % (port, path), seen)
            seen.append('end of loop')
        except Exception as error:
            seen.append(type(error).__name__)
    print(', '.join(seen))


asyncio.run(main(globals()['with_' + sys.argv[1]], sys.argv[2]))
EOF
try() {
    "$python" "$folder/clients.py" "$1" "$2"
}
raised="1, an exception"
compare "aiohttp, 1011" "$raised" "1, end of loop" "$(try aiohttp 1011)"
compare "aiohttp, cut" "$raised" "1, end of loop" "$(try aiohttp abort)"
compare "websocket-client, 1011" "$raised" "1, '', WebSocketConnectionClosedException" "$(try websocket_client 1011)"
compare "websockets, 1011" "$raised" "1, ConnectionClosedError" "$(try websockets 1011)"
compare "websockets, cut" "$raised" "1, ConnectionClosedError" "$(try websockets abort)"
verdict
