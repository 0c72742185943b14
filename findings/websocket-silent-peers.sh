#!/usr/bin/env bash
# A peer that answers no ping, as one whose computer sleeps: Hypercorn 0.18.0 sends pings
# with websocket_ping_interval, but never looks for answers, and granian 2.8.9 sends none:
# the application hears nothing of the end. uvicorn (all its protocols) and daphne close.
# As a client websocket-client 1.9.2 sends pings with ping_interval, and waits for no
# answer unless there is ping_timeout, too; websockets and aiohttp (heartbeat) close.
#
# Guessed: who sends pings closes what answers none, servers and clients.
#
# Seen within 12 s (pings each second; a timeout of a second where there is one):
#   uvicorn 0.54.0, websockets and wsproto    1 ping, closed
#   daphne 4.2.3                              1 ping, closed
#   Hypercorn                                 pings, open
#   granian                                   no ping, open
#   websockets 17.4, aiohttp 3.14.5           closed
#   websocket-client                          open
#   websocket-client, ping_timeout            closed
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 wsproto==1.3.2 websockets==17.4 aiohttp==3.14.5 \
    websocket-client==1.9.2
cd "$folder"
asgi_application </dev/null
cat >silent.py <<'END'
import asyncio
import base64
import hashlib
import sys

KEY = base64.b64encode(b'sixteen bytes...')
ANSWER = base64.b64encode(hashlib.sha1(KEY + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())


async def as_client(port):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(b'GET / HTTP/1.1\r\nHost: site\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                 b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ' + KEY + b'\r\n\r\n')
    await reader.readuntil(b'\r\n\r\n')
    pings, how = 0, 'open'

    async def read():
        nonlocal pings, how
        while True:
            try:
                head = await reader.readexactly(2)
                await reader.readexactly(head[1] & 127)
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            if head[0] & 15 == 8:
                break
            pings += head[0] & 15 == 9
        how = 'closed'

    try:
        await asyncio.wait_for(read(), float(sys.argv[3]))
    except asyncio.TimeoutError:
        pass
    print('%s, %s' % ('pings' if pings > 1 else '1 ping' if pings else 'no ping', how))


async def as_server(port):
    async def handle(reader, writer):
        head = await reader.readuntil(b'\r\n\r\n')
        lines = head.split(b'\r\n')
        key = next(line.split(b': ')[1] for line in lines if line.lower().startswith(b'sec-websocket-key'))
        answer = hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest()
        writer.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                     b'Sec-WebSocket-Accept: ' + base64.b64encode(answer) + b'\r\n\r\n')
        while await reader.read(1000):
            pass
        writer.close()

    async with await asyncio.start_server(handle, '127.0.0.1', port) as server:
        await server.serve_forever()


asyncio.run(globals()[sys.argv[1]](int(sys.argv[2])))
END
sed -i '/^ANSWER/d' silent.py
cat >clients.py <<'END'
import asyncio
import sys
import threading

address = 'ws://127.0.0.1:%s/' % sys.argv[2]


async def with_websockets():
    import websockets
    async with websockets.connect(address, ping_interval=1, ping_timeout=1, close_timeout=1) as socket:
        await socket.wait_closed()


async def with_aiohttp():
    import aiohttp
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(address, heartbeat=1) as socket:
            await socket.receive()


async def with_websocket_client(**options):
    import websocket
    app = websocket.WebSocketApp(address)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def run():
        app.run_forever(ping_interval=2, **options)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=run, daemon=True).start()
    await ended.wait()


async def with_timeout():
    await with_websocket_client(ping_timeout=1)


async def main():
    try:
        await asyncio.wait_for(globals()['with_' + sys.argv[1]](), float(sys.argv[3]))
        print('closed')
    except asyncio.TimeoutError:
        print('open')


asyncio.run(main())
END
# Side by side, since they take long: what NAME.seen has is there in the end.
# server NAME SECONDS SERVER OPTION...
server() {
    { serve "${@:3}" && "$python" silent.py as_client "$server" "$2"; } >"$1.seen" &
}
# client NAME SECONDS
client() {
    "$python" clients.py "$1" "$silent" "$2" >"$1.seen" 2>"$1.log" &
}
silent=$(port)
start silent.log "$python" silent.py as_server "$silent"
reachable "$silent"
# Those that close are given more time than those that don't.
uvicorn=(uvicorn --ws-ping-interval 1 --ws-ping-timeout 1)
server uvicorn-websockets 60 "${uvicorn[@]}" --ws websockets
server uvicorn-wsproto 60 "${uvicorn[@]}" --ws wsproto
server daphne 60 daphne --ping-interval 1 --ping-timeout 2
server hypercorn 12 hypercorn --websocket-ping-interval 1
server granian 12 granian
client websockets 60
client aiohttp 60
client websocket_client 12
client timeout 60
wait
guessed="1 ping, closed"
compare "uvicorn, websockets" "$guessed" "1 ping, closed" "$(cat uvicorn-websockets.seen)"
compare "uvicorn, wsproto" "$guessed" "1 ping, closed" "$(cat uvicorn-wsproto.seen)"
compare daphne "$guessed" "1 ping, closed" "$(cat daphne.seen)"
compare Hypercorn "$guessed" "pings, open" "$(cat hypercorn.seen)"
compare granian "$guessed" "no ping, open" "$(cat granian.seen)"
compare websockets closed closed "$(cat websockets.seen)"
compare aiohttp closed closed "$(cat aiohttp.seen)"
compare websocket-client closed open "$(cat websocket_client.seen)"
compare "websocket-client, ping_timeout" closed closed "$(cat timeout.seen)"
verdict
