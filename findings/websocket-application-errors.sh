#!/usr/bin/env bash
# An ASGI application raises after it has accepted a WebSocket: the close code that
# the client sees depends on the server. granian 2.8.9 sends a close frame without
# a code (1005, a clean end: clients that reconnect only after errors don't), uvicorn
# 0.54.0 cuts TCP (1006), Hypercorn 0.18.0 and daphne 4.2.3 send 1011. If the
# application just returns, daphne leaves the socket open, and nobody answers on it.
#
# Guessed: 1011 in all of them (RFC 6455, 7.4.1: "unexpected condition").
#
# Seen, raise and return:
#   uvicorn: 1006, 1006
#   hypercorn: 1011, 1011
#   granian: 1005, 1005
#   daphne: 1011, open
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 hypercorn==0.18.0 granian==2.8.9 daphne==4.2.3 websockets==17.4
cat >"$folder/app.py" <<'EOF'
async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            message = await receive()
            await send({'type': message['type'] + '.complete'})
            if message['type'] == 'lifespan.shutdown':
                return
    await receive()
    await send({'type': 'websocket.accept'})
    message = await receive()
    if message['text'] == 'raise':
        raise ValueError('a bug')
EOF
cat >"$folder/client.py" <<'EOF'
import asyncio
import sys

from websockets.asyncio.client import connect


async def main():
    seen = []
    for text in 'raise', 'return':
        async with connect('ws://127.0.0.1:%s/' % sys.argv[1], ping_interval=None, close_timeout=1) as socket:
            await socket.send(text)
            try:
                await asyncio.wait_for(socket.wait_closed(), 3)
                seen.append(str(socket.close_code))
            except asyncio.TimeoutError:
                seen.append('open')
    print(', '.join(seen))


asyncio.run(main())
EOF
cd "$folder"
# try COMMAND...: with PORT for the port.
try() {
    local number
    number=$(port)
    start "$1.log" "$bin/$1" "${@:2}" "${bind[@]//PORT/$number}" app:application
    reachable "$number"
    "$python" client.py "$number"
}
bind=(--port PORT)
compare uvicorn "1011, 1011" "1006, 1006" "$(try uvicorn)"
bind=(-b 127.0.0.1:PORT)
compare hypercorn "1011, 1011" "1011, 1011" "$(try hypercorn)"
bind=(--port PORT)
compare granian "1011, 1011" "1005, 1005" "$(try granian --interface asgi)"
bind=(-b 127.0.0.1 -p PORT)
compare daphne "1011, 1011" "1011, open" "$(try daphne)"
verdict
