#!/usr/bin/env bash
# Two sites that share a Redis and have a database number each (…/5 and …/6) get
# each other's group messages with the pub/sub layer of channels_redis 4.3.0:
# Redis' pub/sub knows no databases, and the names of channels contain the prefix
# alone. The queue-based layer of the same package keeps them apart.
#
# Guessed: the number in the address separates them, as it does for keys.
#
# Seen, a group send through the layer of database 5, read in database 6:
#   pub/sub: arrived
#   queues: nothing
. "$(dirname "$0")/lib.sh"

debian_redis
pypi channels_redis==4.3.0 channels==4.3.2 redis==8.1.0 msgpack==1.2.4
cat >"$folder/layers.py" <<'EOF'
import asyncio
import sys

from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer


async def main(port, kind):
    ours, theirs = (kind(hosts=['redis://127.0.0.1:%s/%d' % (port, number)]) for number in (5, 6))
    channel = await theirs.new_channel()
    await theirs.group_add('chat', channel)
    await ours.group_send('chat', {'type': 'chat.message'})
    try:
        await asyncio.wait_for(theirs.receive(channel), 3)
        print('arrived')
    except asyncio.TimeoutError:
        print('nothing')


asyncio.run(main(sys.argv[1], {'pubsub': RedisPubSubChannelLayer, 'queues': RedisChannelLayer}[sys.argv[2]]))
EOF
compare "pub/sub layer" nothing arrived "$("$python" "$folder/layers.py" "$redis" pubsub)"
compare "layer of queues" nothing nothing "$("$python" "$folder/layers.py" "$redis" queues)"
verdict
