#!/usr/bin/env bash
# A consumer of Channels 4.3.2 that still handles a message when its client has gone: under
# daphne 4.2.3 it is cancelled after --application-close-timeout (10 s by default), and its
# disconnect() is never called, so groups, presence and locks that it would give back stay.
# Under uvicorn 0.54.0 receive() comes to its end, and disconnect() is called after that.
#
# Guessed: disconnect() is called in any case, at once or once receive() has ended.
#
# Seen (receive() takes twelve seconds, daphne's timeout is one):
#   daphne     receive CancelledError
#   uvicorn    receive done, disconnect
. "$(dirname "$0")/lib.sh"

pypi channels==4.3.2 daphne==4.2.3 uvicorn==0.54.0 Django==5.2.19 websockets==17.4
cd "$folder"
export PYTHONPATH=$folder HOME=$folder DJANGO_SETTINGS_MODULE=settings
echo "SECRET_KEY = 'secret'" >settings.py
cat >app.py <<'EOF'
import asyncio
import os

import django
from channels.generic.websocket import AsyncWebsocketConsumer

django.setup()


def heard(line):
    with open(os.environ['HEARD'], 'a') as file:
        file.write(line + '\n')


class Consumer(AsyncWebsocketConsumer):

    async def receive(self, text_data=None, bytes_data=None):
        await self.send('begun')
        try:
            await asyncio.sleep(12)
        except BaseException as error:
            heard('receive ' + type(error).__name__)
            raise
        heard('receive done')

    async def disconnect(self, code):
        heard('disconnect')


application = Consumer.as_asgi()
EOF
cat >client.py <<'EOF'
import asyncio
import sys

import websockets


async def main():
    async with websockets.connect('ws://127.0.0.1:%s/' % sys.argv[1]) as socket:
        await socket.send('x')
        await socket.recv()


asyncio.run(main())
EOF
for name in daphne uvicorn; do
    to=$(port)
    case $name in
        daphne) options="-p $to --application-close-timeout 1" ;;
        uvicorn) options="--port $to --lifespan off" ;;
    esac
    # shellcheck disable=SC2086
    HEARD=$folder/$name.heard start "$name.log" "$bin/$name" $options app:application
    reachable "$to"
    "$python" client.py "$to"
done
# seen NAME: once receive() has ended, and disconnect() has had time to follow.
seen() {
    eventually 60 grep -qs receive "$1.heard" || true
    eventually 10 grep -qs disconnect "$1.heard" || true
    paste -sd , "$1.heard" | sed 's/,/, /g'
}
guessed="receive done, disconnect"
compare daphne "$guessed" "receive CancelledError" "$(seen daphne)"
compare uvicorn "$guessed" "receive done, disconnect" "$(seen uvicorn)"
verdict
