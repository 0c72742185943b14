#!/usr/bin/env bash
# A client offers a subprotocol, and the server accepts the WebSocket without choosing
# one, as a consumer does that doesn't think of it. Chromium 156 and npm's ws 8.23.0 and
# undici 6.29.1 drop the connection after the 101 (1006; the server sees a client that
# went away), as does Python's websocket-client 1.9.2; websockets 17.4 and aiohttp 3.14.5
# go on. So the tests in Python pass, and no browser gets in.
#
# Guessed: open without a subprotocol in all (RFC 6455, 4.2.2: the server may choose
# none).
#
# Seen:
#   websockets, aiohttp: open
#   chromium, ws, undici, websocket-client: refused
. "$(dirname "$0")/lib.sh"

need chromium
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
pypi websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2
npm_packages ws@8.23.0 undici@6.29.1
cat >"$folder/server.py" <<'EOF'
import asyncio
import http
import sys

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

# The page is complete once the picture has failed to load.
PAGE = b"""<p id=seen>nothing</p><script>
const show = text => { document.getElementById('seen').textContent = text; };
const socket = new WebSocket('ws://' + location.host + '/socket', 'chat');
socket.onopen = () => show('open');
socket.onerror = () => show('refused');
</script><img src=/later>"""


async def no_socket(connection, request):
    if request.path == '/socket':
        return None
    if request.path == '/later':
        await asyncio.sleep(3)
    headers = Headers({'Content-Type': 'text/html', 'Content-Length': str(len(PAGE)), 'Connection': 'close'})
    return Response(200, http.HTTPStatus.OK.phrase, headers, PAGE)


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(echo, '127.0.0.1', int(sys.argv[1]), select_subprotocol=lambda connection, offered: None,
                     process_request=no_socket) as server:
        await server.serve_forever()


asyncio.run(main())
EOF
cat >"$folder/client.py" <<'EOF'
import asyncio
import sys

import aiohttp
import websocket
from websockets.asyncio.client import connect

how, url = sys.argv[1:]


async def by_websockets():
    async with connect(url, subprotocols=['chat']) as socket:
        await socket.send('open')
        return await socket.recv()


async def by_aiohttp():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=['chat']) as socket:
            await socket.send_str('open')
            return await socket.receive_str()


if how == 'websockets':
    print(asyncio.run(by_websockets()))
elif how == 'aiohttp':
    print(asyncio.run(by_aiohttp()))
else:
    try:
        socket = websocket.create_connection(url, subprotocols=['chat'])
    except websocket.WebSocketException:
        print('refused')
    else:
        socket.send('open')
        print(socket.recv())
EOF
cat >"$folder/node/client.mjs" <<'EOF'
import { WebSocket as Undici } from 'undici';
import Ws from 'ws';
const [how, url] = process.argv.slice(2);
const socket = new (how === 'ws' ? Ws : Undici)(url, ['chat']);
socket.onopen = () => { console.log('open'); process.exit(); };
socket.onerror = () => { console.log('refused'); process.exit(); };
EOF
number=$(port)
start server.log "$python" "$folder/server.py" "$number"
reachable "$number"
url=ws://127.0.0.1:$number/socket
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --dump-dom "http://127.0.0.1:$number/" 2>/dev/null | sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
}
for client in websockets aiohttp; do
    compare $client open open "$("$python" "$folder/client.py" $client "$url")"
done
compare websocket-client open refused "$("$python" "$folder/client.py" websocket-client "$url")"
for client in ws undici; do
    compare $client open refused "$(node "$folder/node/client.mjs" $client "$url")"
done
compare chromium open refused "$(in_chromium)"
verdict
