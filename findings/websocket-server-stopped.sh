#!/usr/bin/env bash
# SIGTERM to a server with an open WebSocket. uvicorn 0.54.0 closes with 1012, and the
# application receives `websocket.disconnect`. Under daphne 4.2.3 and the "asgi" worker
# of gunicorn 27.0.1 it hears nothing at all: no message, no exception, so no disconnect()
# of Channels, and no `finally`; under granian 2.8.9 mostly; Hypercorn 0.18.0 cancels it.
# Presence, counters and locks stay as after kill -9, at each deployment. Clients are cut
# off (1006), by gunicorn after --graceful-timeout, by Hypercorn with 1011.
#
# Guessed: a graceful stop closes sockets (1001 or 1012), and tells the application.
#
# Seen, the client's code and what the application heard:
#   uvicorn       1012, websocket.disconnect 1012
#   daphne        1006, nothing
#   granian       1006, and nothing or websocket.disconnect 1005, as it happens
#   gunicorn      1006, nothing
#   Hypercorn     1011, CancelledError
. "$(dirname "$0")/lib.sh"

five_servers websockets==17.4
asgi_lines <<'EOF'
heard = 'an end without a word'
try:
    await receive()
    await send({'type': 'websocket.accept'})
    await send({'type': 'websocket.send', 'text': 'accepted'})
    message = await receive()
    heard = '%s %s' % (message['type'], message.get('code'))
except BaseException as error:
    heard = type(error).__name__
    raise
finally:
    with open(os.environ['HEARD'], 'w') as file:
        file.write(heard)
EOF
cat >client.py <<'EOF'
import asyncio
import os
import signal
import sys

import websockets


async def main():
    async with websockets.connect('ws://127.0.0.1:%s/' % sys.argv[1], ping_interval=None) as socket:
        await socket.recv()
        os.kill(int(sys.argv[2]), signal.SIGTERM)
        await asyncio.wait_for(socket.wait_closed(), 60)
        print(socket.close_code)


asyncio.run(main())
EOF
# seen SERVER OPTION...
seen() {
    local code
    HEARD=$folder/$1.heard serve "$@"
    code=$("$python" client.py "$server" "$pid") || code=none
    # Until it has ended and whatever it says has been said.
    eventually 60 test ! -e "/proc/$pid" || code="$code, goes on"
    echo "$code, $(cat "$1.heard" 2>/dev/null || echo nothing)"
}
guessed="1012, websocket.disconnect 1012"
compare uvicorn "$guessed" "1012, websocket.disconnect 1012" "$(seen uvicorn)"
compare daphne "$guessed" "1006, nothing" "$(seen daphne)"
granian=$(seen granian)
compare "granian, the client" 1012 1006 "${granian%%,*}"
compare gunicorn "$guessed" "1006, nothing" "$(seen gunicorn --graceful-timeout 3)"
compare Hypercorn "$guessed" "1011, CancelledError" "$(seen hypercorn)"
verdict
