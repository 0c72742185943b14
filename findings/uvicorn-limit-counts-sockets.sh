#!/usr/bin/env bash
# uvicorn 0.54.0 --limit-concurrency 5: open WebSockets count, and idle connections that a
# proxy or a browser keeps, so five of either turn every page into 503, though nothing is
# in progress. But WebSockets themselves are never refused: a twentieth is accepted. So
# the limit that should protect the process stops the pages, and not what fills it.
#
# Guessed: what is in progress counts, and a socket over the limit gets 503, too.
#
# Seen (limit 5):
#   20 WebSockets: 20 open; a page then: 503
#   4 idle connections (keep-alive); a page on a fifth: 503
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 httptools==0.9.0 websockets==17.4
cd "$folder"
asgi_application <<'END'
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'0')]})
await send({'type': 'http.response.body'})
END
cat >visit.py <<'END'
import asyncio
import sys

import websockets

PORT = int(sys.argv[2])


async def page():
    reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
    writer.write(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    status = (await reader.readuntil(b'\r\n\r\n'))[9:12].decode()
    return status, writer


async def sockets():
    opened = []
    for _ in range(20):
        try:
            opened.append(await websockets.connect('ws://127.0.0.1:%d/' % PORT))
        except websockets.InvalidStatus:
            break
    status, _ = await page()
    print('%d open, %s' % (len(opened), status))


async def idle():
    writers = []
    for _ in range(4):
        status, writer = await page()
        writers.append(writer)
        before = status
    await asyncio.sleep(0.5)
    status, _ = await page()
    print('%s before, %s' % (before, status))


asyncio.run({'sockets': sockets, 'idle': idle}[sys.argv[1]]())
END
seen() {
    serve uvicorn --limit-concurrency 5 --timeout-keep-alive 60
    "$python" visit.py "$1" "$server"
    kill -KILL -- "-$pid"
}
compare "sockets; a page" "4 open, 200" "20 open, 503" "$(seen sockets)"
compare "idle connections; a page" "200 before, 200" "200 before, 503" "$(seen idle)"
verdict
