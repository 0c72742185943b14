#!/usr/bin/env bash
# A WebSocket's handshake that is answered with a redirect, to the path with a slash, to
# https or to a log-in: websockets 17.4 and aiohttp 3.14.5 go there, Chromium 156 and ws
# 8.23.0 never do (to the page it is 1006), and websocket-client 1.9.2 fails at a relative
# address, as Django's are. So a test in Python doesn't show it.
#
# Guessed: all follow it, as fetch() does.
#
# Seen, /chat that redirects to /chat/:
#   Chromium: fails
#   ws: fails
#   websocket-client: fails
#   websockets: open
#   aiohttp: open
. "$(dirname "$0")/lib.sh"

need chromium
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
pypi websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2
npm_packages ws@8.23.0
cd "$folder"
cat >server.py <<'END'
import asyncio
import sys

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

PAGE = b"""<p id=seen></p><script>
const socket = new WebSocket('ws://' + location.host + '/chat'), seen = document.getElementById('seen');
socket.onopen = () => { seen.textContent = 'open'; };
socket.onclose = event => { seen.textContent = seen.textContent || 'fails'; };
</script><img src=/later>"""


async def before(connection, request):
    if request.path == '/chat':
        return Response(302, 'Found', Headers({'Location': '/chat/', 'Content-Length': '0', 'Connection': 'close'}), b'')
    if request.path == '/chat/':
        return None
    if request.path == '/later':
        await asyncio.sleep(3)
    headers = Headers({'Content-Type': 'text/html', 'Content-Length': str(len(PAGE)), 'Connection': 'close'})
    return Response(200, 'OK', headers, PAGE)


async def main():
    async with serve(lambda socket: socket.wait_closed(), '127.0.0.1', int(sys.argv[1]),
                     process_request=before) as server:
        await server.serve_forever()


asyncio.run(main())
END
cat >client.py <<'END'
import asyncio
import sys

import aiohttp
import websocket
import websockets

name, address = sys.argv[1], 'ws://127.0.0.1:%s/chat' % sys.argv[2]


async def with_websockets():
    async with websockets.connect(address):
        pass


async def with_aiohttp():
    async with aiohttp.ClientSession() as session, session.ws_connect(address):
        pass

try:
    if name == 'websocket-client':
        websocket.create_connection(address).close()
    else:
        asyncio.run(globals()['with_' + name]())
    print('open')
except Exception:
    print('fails')
END
cat >client.js <<'END'
const socket = new (require('ws'))(`ws://127.0.0.1:${process.argv[2]}/chat`);
socket.on('open', () => { console.log('open'); process.exit(); });
socket.on('error', () => console.log('fails'));
END
number=$(port)
start server.log "$python" server.py "$number"
reachable "$number"
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --dump-dom "http://127.0.0.1:$number/" 2>/dev/null | sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
}
compare Chromium open fails "$(in_chromium)"
compare websockets open open "$("$python" client.py websockets "$number")"
compare aiohttp open open "$("$python" client.py aiohttp "$number")"
compare websocket-client open fails "$("$python" client.py websocket-client "$number")"
compare ws open fails "$(NODE_PATH=$folder/node/node_modules node client.js "$number")"
verdict
