#!/usr/bin/env bash
# `await send()` of an ASGI application never waits in daphne 4.2.3: while a client reads
# nothing, all that the application sends is kept in the server's memory, the 64 MB of
# this run or the 2 GB of an export, for each such client. So streaming in pieces saves
# no memory, and a consumer can't tell a slow browser. In uvicorn 0.54.0, Hypercorn
# 0.18.0 and granian 2.8.9 send() waits after what fits into the system's buffers.
#
# Guessed: send() waits until there is room, in all of them.
#
# Seen, a client that reads nothing, 64 MB in pieces of 64 kB, HTTP and WebSocket:
#   uvicorn, hypercorn, granian: waits, waits
#   daphne: all sent, all sent
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 hypercorn==0.18.0 granian==2.8.9 daphne==4.2.3 websockets==17.4
cd "$folder"
asgi_lines <<'EOF'
piece = bytes(64 * 1024)
if scope['type'] == 'websocket':
    await receive()
    await send({'type': 'websocket.accept'})
    message = {'type': 'websocket.send', 'bytes': piece}
else:
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    message = {'type': 'http.response.body', 'body': piece, 'more_body': True}
with open(scope['path'].strip('/'), 'w', buffering=1) as log:
    for number in range(1024):
        await send(message)
        log.write('%d\n' % number)
        # For servers whose send() never lets the loop run.
        await asyncio.sleep(0)
while True:
    await asyncio.sleep(1)
EOF
cat >client.py <<'EOF'
"""Send a request, read nothing, and print how far the application comes."""
import socket
import sys
import time

WEBSOCKET = ('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
             'Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n')
port, name = sys.argv[1:]
connection = socket.create_connection(('127.0.0.1', int(port)))
connection.sendall(('GET /%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n' % (
    name, WEBSOCKET if name == 'websocket' else '')).encode())
sent, since = -1, time.monotonic()
# It waits when it hasn't sent anything for four seconds.
while time.monotonic() - since < 4:
    time.sleep(0.1)
    try:
        with open(name) as log:
            now = len(log.readlines())
    except FileNotFoundError:
        continue
    if now == 1024:
        print('all sent')
        break
    if now != sent:
        sent, since = now, time.monotonic()
else:
    print('waits')
EOF
# try SERVER
try() {
    serve "$1"
    rm -f http websocket
    echo "$("$python" client.py "$server" http), $("$python" client.py "$server" websocket)"
    kill -KILL -- "-$pid"
}
compare uvicorn "waits, waits" "waits, waits" "$(try uvicorn)"
compare granian "waits, waits" "waits, waits" "$(try granian)"
compare hypercorn "waits, waits" "waits, waits" "$(try hypercorn)"
compare daphne "waits, waits" "all sent, all sent" "$(try daphne)"
verdict
