#!/usr/bin/env bash
# A message to a group of Channels 4.3.2 whose "type" a consumer has no method for raises
# in that consumer, which ends its socket. So the first message of a new type, while old
# processes still run, cuts off all of their sockets in that group.
#
# Guessed: logged, and ignored.
#
# Seen, another member of the group after such a message:
#   daphne: closed with 1011
#   uvicorn: closed with 1006
. "$(dirname "$0")/lib.sh"

pypi channels==4.3.2 Django==5.2.19 uvicorn==0.54.0 daphne==4.2.3 websockets==17.4
cd "$folder"
cat >app.py <<'END'
import asyncio

import django
from django.conf import settings

settings.configure(SECRET_KEY='for this run', INSTALLED_APPS=['channels'], CHANNEL_LAYERS={
    'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}})
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402


class Consumer(AsyncWebsocketConsumer):
    groups = ['all']

    async def receive(self, text_data):
        await self.channel_layer.group_send('all', {'type': text_data})

    async def chat_line(self, event):
        await self.send('line')


application = Consumer.as_asgi()
END
cat >client.py <<'END'
import asyncio
import sys

import websockets


async def main():
    address = 'ws://127.0.0.1:%s/' % sys.argv[1]
    async with websockets.connect(address) as one, websockets.connect(address) as other:
        await one.send('chat.line')
        assert await other.recv() == 'line'
        await one.send('chat.edited')
        try:
            await asyncio.wait_for(other.wait_closed(), 5)
            print('closed with', other.close_code)
        except asyncio.TimeoutError:
            print('open')


asyncio.run(main())
END
# try PROGRAM OPTION...: with PORT for the port.
try() {
    local number
    number=$(port)
    start "$1.log" "$bin/$1" "${@:2}" "$number" app:application
    reachable "$number"
    "$python" client.py "$number"
}
compare daphne open "closed with 1011" "$(try daphne -b 127.0.0.1 -p)"
compare uvicorn open "closed with 1006" "$(try uvicorn --port)"
verdict
