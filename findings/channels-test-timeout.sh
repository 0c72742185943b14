#!/usr/bin/env bash
# Channels 4.3.2, WebsocketCommunicator: receive_from() that ends with TimeoutError has ended
# the consumer, too. A test that expects no message by it, or that tries again with
# more time, gets CancelledError from then on, which is no Exception; what the consumer
# was just about to do isn't done. receive_nothing() leaves it as it is.
#
# Guessed: after a timeout nothing has changed, and one can wait again.
#
# Seen (asgiref 3.13.0; a consumer that echoes, and one that answers a second later):
#   receive_nothing(), then an echo            echo
#   receive_from() in vain, then an echo       CancelledError
#   receive_from() for 0.2 s, then for 20 s    CancelledError
. "$(dirname "$0")/lib.sh"

pypi channels==4.3.2 Django==5.2.19 asgiref==3.13.0 daphne==4.2.3
cd "$folder"
cat >seen.py <<'END'
import asyncio
import sys

import django
from django.conf import settings

settings.configure()
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.testing import WebsocketCommunicator  # noqa: E402


class Echo(AsyncWebsocketConsumer):
    delay = 0

    async def receive(self, text_data=None, bytes_data=None):
        await asyncio.sleep(self.delay)
        await self.send(text_data=text_data)


class Slow(Echo):
    delay = 1


async def in_vain(socket):
    try:
        print(await socket.receive_from(timeout=0.2))
    except asyncio.TimeoutError:
        pass


async def nothing(socket):
    assert await socket.receive_nothing()
    await socket.send_to(text_data='echo')


async def timeout(socket):
    await in_vain(socket)
    await socket.send_to(text_data='echo')


async def again(socket):
    await socket.send_to(text_data='echo')
    await in_vain(socket)


async def main(how):
    socket = WebsocketCommunicator((Slow if how == 'again' else Echo).as_asgi(), '/')
    connected, protocol = await socket.connect(timeout=20)
    assert connected
    try:
        await globals()[how](socket)
        print(await socket.receive_from(timeout=20))
    except BaseException as error:
        print(type(error).__name__)


asyncio.run(main(sys.argv[1]))
END
compare "receive_nothing(), then an echo" echo echo "$("$python" seen.py nothing)"
compare "receive_from() in vain, then an echo" echo CancelledError "$("$python" seen.py timeout)"
compare "receive_from() for 0.2 s, then for 20 s" echo CancelledError "$("$python" seen.py again)"
verdict
