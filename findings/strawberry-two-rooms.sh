#!/usr/bin/env bash
# strawberry-graphql 0.341.2 over Channels: listen_to_channel(type, groups=[room]) hands out what
# came to the socket with that type, whatever group it was sent to. So a client with two
# subscriptions on one socket, as browsers have them, gets each message of one room in
# the other room, too. With a socket each, or a type each, it doesn't.
#
# Guessed: a subscription gets what is sent to its groups.
#
# Seen, subscriptions that get a message to room "b":
#   both on one socket                 a b
#   a socket each                      b
#   both on one socket, a type each    b
. "$(dirname "$0")/lib.sh"

pypi strawberry-graphql==0.341.2 channels==4.3.2 Django==5.2.19 daphne==4.2.3
cd "$folder"
cat >rooms.py <<'END'
import asyncio
import sys
import typing

import django
from django.conf import settings

settings.configure(
    SECRET_KEY='secret', INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth'],
    CHANNEL_LAYERS={'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}},
)
django.setup()

import strawberry  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.testing import WebsocketCommunicator  # noqa: E402
from strawberry.channels import GraphQLWSConsumer  # noqa: E402

own_types = sys.argv[1] == 'types'


def kind(room):
    return 'chat.%s' % room if own_types else 'chat.message'


@strawberry.type
class Query:
    nothing: str = ''


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def room(self, info: strawberry.Info, name: str) -> typing.AsyncGenerator[str, None]:
        async with info.context['ws'].listen_to_channel(kind(name), groups=[name]) as messages:
            yield 'ready'
            async for message in messages:
                yield message['text']


application = GraphQLWSConsumer.as_asgi(schema=strawberry.Schema(Query, subscription=Subscription))


async def connected():
    socket = WebsocketCommunicator(application, '/', subprotocols=['graphql-transport-ws'])
    assert await socket.connect(30) == (True, 'graphql-transport-ws')
    await socket.send_json_to({'type': 'connection_init'})
    assert (await socket.receive_json_from(30))['type'] == 'connection_ack'
    return socket


async def subscribe(socket, room):
    query = 'subscription { room(name: "%s") }' % room
    await socket.send_json_to({'type': 'subscribe', 'id': room, 'payload': {'query': query}})
    assert text(await socket.receive_json_from(30)) == (room, 'ready')


def text(message):
    return message['id'], message['payload']['data']['room']


async def main():
    first = await connected()
    second = await connected() if sys.argv[1] == 'sockets' else first
    await subscribe(first, 'a')
    await subscribe(second, 'b')
    for room, said in (('b', 'hello'), ('a', 'end'), ('b', 'end')):
        await get_channel_layer().group_send(room, {'type': kind(room), 'text': said})
    heard = set()
    for socket in {first, second}:
        rooms = 'ab' if first is second else 'a' if socket is first else 'b'
        ended = set()
        while len(ended) < len(rooms):
            room, said = text(await socket.receive_json_from(30))
            if said == 'end':
                ended.add(room)
            else:
                heard.add(room)
    print(*sorted(heard))


asyncio.run(main())
END
heard() {
    "$python" -W ignore rooms.py "$1" 2>&1
}
compare "both on one socket" "b" "a b" "$(heard one)"
compare "a socket each" "b" "b" "$(heard sockets)"
compare "both on one socket, a type each" "b" "b" "$(heard types)"
verdict
