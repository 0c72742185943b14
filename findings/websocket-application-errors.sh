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
cd "$folder"
asgi_lines <<'EOF'
await receive()
await send({'type': 'websocket.accept'})
message = await receive()
if message['text'] == 'raise':
    raise ValueError('a bug')
EOF
cat >client.py <<'EOF'
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
# try SERVER OPTION...
try() {
    serve "$@"
    "$python" client.py "$server"
}
compare uvicorn "1011, 1011" "1006, 1006" "$(try uvicorn)"
compare hypercorn "1011, 1011" "1011, 1011" "$(try hypercorn)"
compare granian "1011, 1011" "1005, 1005" "$(try granian)"
compare daphne "1011, 1011" "1011, open" "$(try daphne)"
verdict
