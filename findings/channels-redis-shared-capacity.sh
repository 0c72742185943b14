#!/usr/bin/env bash
# channels_redis 4.3.0: `capacity`, 100 messages, isn't that of a channel for the sockets of
# one process: they share it, as all their messages wait in one list. While the process is
# busy for a moment, one message for each of 150 sockets is too much: send() raises
# ChannelFull for the hundred and first, whose channel is empty; group_send() to a group of
# that one socket drops it silently. One group_send() to a group of all 150 counts as one.
#
# Guessed: each channel holds a hundred messages (README: "Default channel capacity").
#
# Seen (150 channels of one process, a message for each before any is received):
#   send                               ChannelFull after 100
#   group_send, a group for each       100 of 150 arrive
#   group_send, one group of all       150 of 150 arrive
. "$(dirname "$0")/lib.sh"

debian_redis
pypi channels==4.3.2 channels_redis==4.3.0 redis==7.1.0
cd "$folder"
cat >fill.py <<'END'
import asyncio
import sys

from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer

SOCKETS = 150


async def arrived(layer, channels):
    received = await asyncio.gather(*(asyncio.wait_for(layer.receive(channel), 5) for channel in channels),
                                    return_exceptions=True)
    return '%d of %d arrive' % (sum(isinstance(message, dict) for message in received), SOCKETS)


async def main(how, port):
    # Another process sends.
    busy, sender = (RedisChannelLayer(hosts=['redis://127.0.0.1:' + port]) for _ in range(2))
    channels = [await busy.new_channel() for _ in range(SOCKETS)]
    if how == 'send':
        for count, channel in enumerate(channels):
            try:
                await sender.send(channel, {'type': 'news'})
            except ChannelFull:
                return 'ChannelFull after %d' % count
        return await arrived(busy, channels)
    groups = ['all'] * SOCKETS if how == 'one' else ['user-%d' % number for number in range(SOCKETS)]
    for group, channel in zip(groups, channels):
        await busy.group_add(group, channel)
    for group in sorted(set(groups)):
        await sender.group_send(group, {'type': 'news'})
    return await arrived(busy, channels)


print(asyncio.run(main(*sys.argv[1:])))
END
compare "send" "150 of 150 arrive" "ChannelFull after 100" "$("$python" fill.py send "$redis")"
redis-cli -p "$redis" flushall >flushed
compare "group_send, a group for each" "150 of 150 arrive" "100 of 150 arrive" "$("$python" fill.py each "$redis")"
redis-cli -p "$redis" flushall >flushed
compare "group_send, one group" "150 of 150 arrive" "150 of 150 arrive" "$("$python" fill.py one "$redis")"
verdict
