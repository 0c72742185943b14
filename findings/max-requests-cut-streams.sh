#!/usr/bin/env bash
# What a limit of requests for a worker process does to those it still serves. Hypercorn
# 0.18.0 (--max-requests) cuts a stream in progress off after three seconds, and closes
# sockets with 1011, an error of the server. uvicorn 0.54.0 (--limit-max-requests) without
# --workers simply ends: no connection is accepted any more, while the old stream goes on.
# gunicorn 27.0.1 with uvicorn-worker 0.4.0 lets the stream end, and closes sockets, too.
#
# Guessed: the process is replaced, and ends when its streams and sockets have.
#
# Seen (limit 5; a socket and a stream of 7 seconds are open; then 12 pages):
#   hypercorn   stream cut off,  socket closed with 1011, all pages answered
#   uvicorn     stream complete, socket closed with 1012, pages refused
#   gunicorn    stream complete, socket closed with 1012, all pages answered
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 httptools==0.9.0 websockets==17.4 hypercorn==0.18.0 gunicorn==27.0.1 uvicorn-worker==0.4.0
cd "$folder"
asgi_application <<'END'
await send({'type': 'http.response.start', 'status': 200, 'headers': []})
if scope['path'] == '/stream':
    for second in range(7):
        await send({'type': 'http.response.body', 'body': b'more\n', 'more_body': True})
        await asyncio.sleep(1)
await send({'type': 'http.response.body', 'body': b'end\n'})
END
cat >visit.py <<'END'
import asyncio
import sys

import websockets

PORT = int(sys.argv[1])


async def get(path):
    reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
    writer.write(b'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' % path)
    data = await reader.read()
    writer.close()
    return data.endswith(b'end\n\r\n0\r\n\r\n')


async def main():
    websocket = await websockets.connect('ws://127.0.0.1:%d/' % PORT, ping_interval=None)
    stream = asyncio.create_task(get(b'/stream'))
    await asyncio.sleep(0.3)
    refused = 0
    for _ in range(12):
        try:
            await get(b'/')
        except ConnectionError:
            refused += 1
        await asyncio.sleep(0.1)
    complete = await stream
    await asyncio.wait_for(websocket.wait_closed(), 20)
    print('stream %s, socket %s, pages %s' % ('complete' if complete else 'cut off', websocket.close_code,
                                               'refused' if refused else 'answered'))


asyncio.run(main())
END
# seen SERVER OPTION...
seen() {
    serve "$@"
    "$python" visit.py "$server" 2>&1
    kill -KILL -- "-$pid" 2>/dev/null || true
}
guess="stream complete, socket open, pages answered"
compare hypercorn "$guess" "stream cut off, socket 1011, pages answered" \
    "$(seen hypercorn --max-requests 5)"
compare uvicorn "$guess" "stream complete, socket 1012, pages refused" \
    "$(seen uvicorn --limit-max-requests 5)"
compare gunicorn "$guess" "stream complete, socket 1012, pages answered" \
    "$(seen gunicorn -k uvicorn_worker.UvicornWorker --max-requests 5)"
verdict
