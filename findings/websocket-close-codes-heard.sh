#!/usr/bin/env bash
# What the application hears of a WebSocket's end, `code` of `websocket.disconnect`: under
# Hypercorn 0.18.0 it is 1006 however the client closes, also with a code of its own. Of a
# connection that is cut, uvicorn 0.54.0 and granian 2.8.9 say 1005, "closed without a
# code", as of one that said goodbye; daphne 4.2.3 and gunicorn 27.0.1 ("asgi") 1006. What
# closes without a code is None for daphne.
#
# Guessed: 4001 is 4001, and what is cut is 1006 (RFC 6455, section 7.1.5), everywhere.
#
# Seen:
#   client        closes with 4001    without a code    is cut off
#   uvicorn       4001                1005              1005
#   granian       4001                1005              1005
#   daphne        4001                None              1006
#   gunicorn      4001                1005              1006
#   Hypercorn     1006                1006              1006
. "$(dirname "$0")/lib.sh"

five_servers websockets==17.4
asgi_lines <<'EOF'
await receive()
await send({'type': 'websocket.accept'})
message = await receive()
with open(os.environ['HEARD'] + scope['path'], 'w') as file:
    file.write('%s' % message.get('code'))
EOF
cat >client.py <<'EOF'
import asyncio
import sys

import websockets


async def main():
    address = 'ws://127.0.0.1:%s' % sys.argv[1]
    socket = await websockets.connect(address + '/1', ping_interval=None)
    await socket.close(4001)
    # A close frame without a code, with the mask 0.
    socket = await websockets.connect(address + '/2', ping_interval=None)
    socket.transport.write(b'\x88\x80\0\0\0\0')
    await asyncio.wait_for(socket.wait_closed(), 30)
    socket = await websockets.connect(address + '/3', ping_interval=None)
    socket.transport.close()


asyncio.run(main())
EOF
# heard SERVER
heard() {
    local number
    mkdir "$1.heard"
    HEARD=$folder/$1.heard serve "$1"
    "$python" client.py "$server" || true
    for number in 1 2 3; do
        eventually 20 test -s "$1.heard/$number" || echo nothing >"$1.heard/$number"
    done
    echo "$(cat "$1.heard/1") $(cat "$1.heard/2") $(cat "$1.heard/3")"
}
guessed="4001 1005 1006"
compare uvicorn "$guessed" "4001 1005 1005" "$(heard uvicorn)"
compare granian "$guessed" "4001 1005 1005" "$(heard granian)"
compare daphne "$guessed" "4001 None 1006" "$(heard daphne)"
compare gunicorn "$guessed" "4001 1005 1006" "$(heard gunicorn)"
compare Hypercorn "$guessed" "1006 1006 1006" "$(heard hypercorn)"
verdict
