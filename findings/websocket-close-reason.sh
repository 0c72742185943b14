#!/usr/bin/env bash
# An ASGI application closes a WebSocket with code 4001 and a reason of more than 123
# bytes, as a translated sentence soon is: uvicorn 0.54.0 (with websockets, the default)
# and granian 2.8.9 cut the connection, so the client sees 1006 and nothing of the code.
# uvicorn with wsproto and Hypercorn 0.18.0 send the code and 123 bytes of it; daphne
# 4.2.3 sends the code, and never a reason, short ones included.
#
# Guessed: the server shortens what doesn't fit into a frame, and the code arrives.
#
# Seen, code and bytes of the reason that arrive of 20, of 123, of 124:
#   uvicorn: 4001 20, 4001 123, 1006 0
#   uvicorn --ws wsproto: 4001 20, 4001 123, 4001 123
#   hypercorn: 4001 20, 4001 123, 4001 123
#   granian: 4001 20, 4001 123, 1006 0
#   daphne: 4001 0, 4001 0, 4001 0
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 wsproto==1.2.0 hypercorn==0.18.0 granian==2.8.9 daphne==4.2.3 websockets==17.4
cd "$folder"
asgi_lines <<'EOF'
await receive()
await send({'type': 'websocket.accept'})
message = await receive()
await send({'type': 'websocket.close', 'code': 4001, 'reason': message['text']})
EOF
cat >client.py <<'EOF'
import asyncio
import sys

from websockets.asyncio.client import connect


async def main():
    seen = []
    for length in 20, 123, 124:
        async with connect('ws://127.0.0.1:%s/' % sys.argv[1], ping_interval=None) as socket:
            await socket.send('x' * length)
            await asyncio.wait_for(socket.wait_closed(), 10)
            seen.append('%d %d' % (socket.close_code, len(socket.close_reason)))
    print(', '.join(seen))


asyncio.run(main())
EOF
# try SERVER OPTION...
try() {
    serve "$@"
    "$python" client.py "$server"
}
all="4001 20, 4001 123, 4001 123"
cut="4001 20, 4001 123, 1006 0"
compare uvicorn "$all" "$cut" "$(try uvicorn)"
compare "uvicorn --ws wsproto" "$all" "$all" "$(try uvicorn --ws wsproto)"
compare granian "$all" "$cut" "$(try granian)"
compare hypercorn "$all" "$all" "$(try hypercorn)"
compare daphne "$all" "4001 0, 4001 0, 4001 0" "$(try daphne)"
verdict
