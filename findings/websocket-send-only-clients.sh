#!/usr/bin/env bash
# A client that sends five messages a second, and never waits for one, as what reports
# measurements does: aiohttp 3.14.5 and websocket-client 1.9.2 answer pings only while
# somebody waits for a message, so that uvicorn 0.54.0 takes them for dead, and closes (by
# default after 40 s). daphne 4.2.3 hears that they are alive. websockets 17.4 (both of
# its clients), tornado 6.6.1, httpx-ws 0.9.0 and ws 8.23.0 answer pings by themselves.
#
# Guessed: every client does, and nobody cuts off who sends all the time.
#
# Seen within ten seconds (a ping each second, a timeout of one or two):
#   cut off by uvicorn: aiohttp websocket-client
#   cut off by daphne: none
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 daphne==4.2.3 websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2 tornado==6.6.1 \
    httpx-ws==0.9.0
npm_packages ws@8.23.0
cd "$folder"
asgi_application </dev/null
cat >client.py <<'EOF'
import asyncio
import sys
import time

name, address = sys.argv[1], 'ws://127.0.0.1:%s/' % sys.argv[2]


async def send_all(send):
    for _ in range(50):
        await send('23.5')
        await asyncio.sleep(.2)


async def with_aiohttp():
    import aiohttp
    async with aiohttp.ClientSession() as session:
        await send_all((await session.ws_connect(address)).send_str)


async def with_websockets():
    import websockets
    await send_all((await websockets.connect(address)).send)


async def with_tornado():
    from tornado.websocket import websocket_connect
    await send_all((await websocket_connect(address)).write_message)


async def with_httpx_ws():
    from httpx_ws import aconnect_ws
    async with aconnect_ws(address, keepalive_ping_interval_seconds=None) as socket:
        await send_all(socket.send_text)


def with_websockets_sync():
    from websockets.sync.client import connect
    return connect(address, legacy=True)


def with_websocket_client():
    import websocket
    return websocket.create_connection(address)


try:
    made = globals()['with_' + name.replace('-', '_')]()
    if asyncio.iscoroutine(made):
        asyncio.run(made)
    else:
        for _ in range(50):
            made.send('23.5')
            time.sleep(.2)
except Exception as error:
    print(repr(error), file=sys.stderr)
    print('cut', flush=True)
else:
    print('open', flush=True)
# Closing it would take long with some.
sys.stdout.flush()
EOF
cat >node/client.js <<'EOF'
const WebSocket = require('ws');
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/`);
const end = (how) => { console.log(how); process.exit(); };
let sent = 0;
socket.on('open', () => setInterval(() => { if (sent++ === 50) end('open'); socket.send('23.5'); }, 200));
socket.on('close', () => end('cut'));
EOF
serve uvicorn --ws-ping-interval 1 --ws-ping-timeout 1
first=$server
serve daphne --ping-interval 1 --ping-timeout 2
second=$server
names="aiohttp websockets tornado httpx-ws websockets-sync websocket-client"
for name in $names; do
    start "$name.first" "$python" client.py "$name" "$first"
    start "$name.second" "$python" client.py "$name" "$second"
done
start ws.first node node/client.js "$first"
start ws.second node node/client.js "$second"
# Each of them ends within ten seconds, and says how.
cut() {
    local name
    for name in $names ws; do
        eventually 90 grep -qsE '^(open|cut)$' "$name.$1" || true
        grep -qsE '^open$' "$name.$1" || echo "$name"
    done | sort | tr '\n' ' ' | sed 's/ $//'
}
compare "cut off by uvicorn" "" "aiohttp websocket-client" "$(cut first)"
compare "cut off by daphne" "" "" "$(cut second)"
verdict
