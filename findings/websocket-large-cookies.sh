#!/usr/bin/env bash
# A visitor with nine kilobytes of cookies (signed sessions, tokens of a single sign-on):
# under uvicorn 0.54.0 pages work, WebSockets don't. It takes 8192 bytes in each header
# of a handshake, 64 kB and more in one of a page. Its default logs that 431 was sent, but
# the client hears nothing until it gives up, and a proxy answers 504; the old `--ws
# websockets` answers 400. `--ws wsproto`, daphne 4.2.3 (to 16 kB), granian 2.8.9 and
# Hypercorn 0.18.0 open the socket; gunicorn 27.0.1 ("asgi") refuses page and socket.
#
# Guessed: whose pages work, their WebSockets work.
#
# Seen with 7 and 9 kB of cookies, pages and sockets:
#   uvicorn                      200 200, 101 nothing
#   uvicorn --ws websockets      200 200, 101 400
#   uvicorn --ws wsproto         200 200, 101 101
#   daphne, granian, Hypercorn   200 200, 101 101
#   gunicorn                     200 431, 101 431
. "$(dirname "$0")/lib.sh"

five_servers websockets==17.4 wsproto==1.3.2
asgi_application <<'END'
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'4')]})
await send({'type': 'http.response.body', 'body': b'page'})
END
cat >client.py <<'END'
import socket
import sys

UPGRADE = ('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
           'Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n')
seen = []
for upgrade in '', UPGRADE:
    answers = []
    for count in 7, 9:
        with socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=10) as connection:
            cookies = '; '.join('c%d=%s' % (number, 'x' * 1000) for number in range(count))
            connection.sendall(('GET / HTTP/1.1\r\nHost: localhost\r\n%sCookie: %s\r\n\r\n' % (upgrade, cookies)).encode())
            try:
                answers.append(connection.recv(1000)[9:12].decode() or 'closed')
            except TimeoutError:
                answers.append('nothing')
    seen.append(' '.join(answers))
print(', '.join(seen))
END
# asked SERVER OPTION...
asked() {
    serve "$@"
    "$python" client.py "$server"
}
guessed="200 200, 101 101"
compare uvicorn "$guessed" "200 200, 101 nothing" "$(asked uvicorn)"
compare "uvicorn --ws websockets" "$guessed" "200 200, 101 400" "$(asked uvicorn --ws websockets)"
compare "uvicorn --ws wsproto" "$guessed" "200 200, 101 101" "$(asked uvicorn --ws wsproto)"
compare daphne "$guessed" "200 200, 101 101" "$(asked daphne)"
compare granian "$guessed" "200 200, 101 101" "$(asked granian)"
compare Hypercorn "$guessed" "200 200, 101 101" "$(asked hypercorn)"
compare gunicorn "$guessed" "200 431, 101 431" "$(asked gunicorn)"
verdict
