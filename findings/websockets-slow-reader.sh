#!/usr/bin/env bash
# A client of websockets 17.4 that handles messages slower than they come is cut off
# by its own keepalive (1011, "keepalive ping timeout") although server, network
# and event loop are well: once the queue of received messages is full, the
# connection isn't read any more, and the pong waits behind what nobody read. What
# had arrived but wasn't handled is lost. With the defaults (20 s and 20 s) that
# takes a backlog of 40 s, here 1 s and 1 s.
#
# Guessed: a slow reader slows the server down, and the connection stays.
#
# Seen, 60 small messages, 0.2 s each, all sent at once:
#   ConnectionClosedError 1011, not all read
#   without pings: all read
. "$(dirname "$0")/lib.sh"

pypi websockets==17.4
cat >"$folder/slow.py" <<'EOF'
import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def burst(socket):
    for number in range(60):
        await socket.send(str(number))
    await socket.wait_closed()


async def main(interval):
    async with serve(burst, '127.0.0.1', 0, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        read = 0
        try:
            async with connect('ws://127.0.0.1:%d' % port, ping_interval=interval, ping_timeout=1) as socket:
                while read < 60:
                    await socket.recv()
                    read += 1
                    await asyncio.sleep(0.2)
            ended = ''
        except ConnectionClosed as error:
            ended = '%s %d, ' % (type(error).__name__, error.sent.code)
        print(ended + ('all read' if read == 60 else 'not all read'))


asyncio.run(main(1 if sys.argv[1] == 'pings' else None))
EOF
compare "ping_interval=1, ping_timeout=1" "all read" "ConnectionClosedError 1011, not all read" \
    "$("$python" "$folder/slow.py" pings)"
compare "ping_interval=None" "all read" "all read" "$("$python" "$folder/slow.py" none)"
verdict
