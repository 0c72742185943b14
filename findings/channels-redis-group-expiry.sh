#!/usr/bin/env bash
# A socket that has been open for a day gets nothing of its groups any more, in
# channels_redis 4.3.0: a member is dropped group_expiry (86,400 seconds) after it was
# added, however often the group is used. It stays open, and nothing is logged. (daphne
# closes sockets of that age; uvicorn, Hypercorn and granian don't.) In the pub/sub layer a
# member stays.
#
# Guessed: a member for as long as the socket is open, or the group is used.
#
# Seen, group_expiry=3, a message at once, one after 2 seconds and one after 6:
#   RedisChannelLayer: arrives arrives lost
#   RedisPubSubChannelLayer: arrives arrives arrives
. "$(dirname "$0")/lib.sh"

debian_redis
pypi channels==4.3.2 channels_redis==4.3.0 redis==7.1.0 Django==5.2.19
cd "$folder"
cat >members.py <<'END'
import asyncio
import sys
from importlib import import_module

module, _, name = sys.argv[2].rpartition('.')
Layer = getattr(import_module(module), name)


async def main():
    layer = Layer(hosts=['redis://127.0.0.1:' + sys.argv[1]], group_expiry=3)
    channel = await layer.new_channel()
    await layer.group_add('all', channel)
    seen = []
    for pause in 0, 2, 4:
        await asyncio.sleep(pause)
        await layer.group_send('all', {'type': 'news'})
        try:
            await asyncio.wait_for(layer.receive(channel), 3)
            seen.append('arrives')
        except asyncio.TimeoutError:
            seen.append('lost')
    print(*seen)


asyncio.run(main())
END
all="arrives arrives arrives"
compare RedisChannelLayer "$all" "arrives arrives lost" "$("$python" members.py "$redis" channels_redis.core.RedisChannelLayer)"
compare RedisPubSubChannelLayer "$all" "$all" "$("$python" members.py "$redis" channels_redis.pubsub.RedisPubSubChannelLayer)"
verdict
