#!/usr/bin/env bash
# How large a message clients take from a server. websockets 17.4 closes with 1009 above 1
# MiB, aiohttp 3.14.5 above 4 MiB, tornado 6.6.1 above 10 MiB, ws 8.23.0 (Node) above 100
# MiB: limits of the client, not of the server, which only sees a close. Browsers and
# websocket-client 1.9.2 have none. aiohttp's and tornado's clients raise nothing: the one
# has a message of the type ERROR, the other returns None, as after a normal close.
#
# Guessed: whatever the server sends; limits are for servers.
#
# Seen (messages of 2, 5 and 20 million bytes):
#   websockets         ConnectionClosedError, at all three
#   aiohttp            2000000, then ERROR
#   tornado            2000000, 5000000, None
#   websocket-client   all three
#   ws                 all three
. "$(dirname "$0")/lib.sh"

pypi websockets==17.4 aiohttp==3.14.5 tornado==6.6.1 websocket-client==1.9.2
npm_packages ws@8.23.0
cd "$folder"
cat >server.py <<'END'
import asyncio
import sys

import websockets


async def send(websocket):
    try:
        await websocket.send('x' * int(websocket.request.path[1:]))
        await websocket.wait_closed()
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(send, '127.0.0.1', int(sys.argv[1]), compression=None):
        await asyncio.Future()


asyncio.run(main())
END
cat >client.py <<'END'
import asyncio
import sys


async def by_websockets(url):
    import websockets
    async with websockets.connect(url) as client:
        return len(await client.recv())


async def by_aiohttp(url):
    import aiohttp
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as client:
        message = await client.receive()
        return len(message.data) if message.type == aiohttp.WSMsgType.TEXT else message.type.name


async def by_tornado(url):
    from tornado.websocket import websocket_connect
    client = await websocket_connect(url)
    message = await client.read_message()
    return None if message is None else len(message)


async def by_websocket_client(url):
    import websocket
    client = websocket.create_connection(url)
    return len(client.recv())


seen = []
for size in (2000000, 5000000, 20000000):
    try:
        seen.append(asyncio.run(globals()['by_' + sys.argv[1]]('ws://127.0.0.1:%s/%d' % (sys.argv[2], size))))
    except Exception as error:
        seen.append(type(error).__name__)
print(*seen)
END
cat >node/client.js <<'END'
const WebSocket = require('ws');

function length(size) {
  return new Promise((resolve) => {
    const client = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/${size}`);
    client.on('message', (data) => { client.close(); resolve(data.length); });
    client.on('error', (error) => resolve(error.message));
  });
}

(async () => {
  const seen = [];
  for (const size of [2000000, 5000000, 20000000]) { seen.push(await length(size)); }
  console.log(...seen);
})();
END
server=$(port)
start server.log "$python" server.py "$server"
reachable "$server"
all="2000000 5000000 20000000"
compare websockets "$all" "ConnectionClosedError ConnectionClosedError ConnectionClosedError" \
    "$("$python" client.py websockets "$server")"
compare aiohttp "$all" "2000000 ERROR ERROR" "$("$python" client.py aiohttp "$server")"
compare tornado "$all" "2000000 5000000 None" "$("$python" client.py tornado "$server" 2>tornado.log)"
compare websocket-client "$all" "$all" "$("$python" client.py websocket_client "$server")"
compare ws "$all" "$all" "$(node node/client.js "$server")"
verdict
