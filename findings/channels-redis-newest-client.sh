#!/usr/bin/env bash
# channels_redis 4.3.0 with redis-py 8.1.0, which pip chooses for it (redis>=4.6): each
# socket that gets nothing for five seconds is cut off with 1006. The client has a timeout
# of five seconds for every answer by default, and the layer's BZPOPMIN waits just as
# long. With redis-py 7.1.0 the socket stays. So does it with RedisPubSubChannelLayer. Any
# blocking command of one's own meets it: BLPOP with a timeout of 8 seconds, which should
# return None, is sent again and again instead, and raises TimeoutError after a minute.
#
# Guessed: an idle socket stays, and a blocking command waits as long as it was told.
#
# Seen (redis-py 7.1.0, 8.1.0):
#   idle socket of RedisChannelLayer         open, closed with 1006 after 5 s
#   idle socket of RedisPubSubChannelLayer   open, open
#   BLPOP with timeout=8                     None after 8 s, still waits after 13 s
. "$(dirname "$0")/lib.sh"

debian_redis
cd "$folder"
cat >site_settings.py <<'END'
import os

SECRET_KEY = 'for this run'
INSTALLED_APPS = ['channels']
CHANNEL_LAYERS = {'default': {
    'BACKEND': 'channels_redis.' + os.environ['LAYER'],
    'CONFIG': {'hosts': ['redis://127.0.0.1:%s' % os.environ['REDIS']]},
}}
END
cat >app.py <<'END'
import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402

application = AsyncWebsocketConsumer.as_asgi()
END
cat >wait.py <<'END'
import asyncio
import sys

import websockets


async def main():
    websocket = await websockets.connect('ws://127.0.0.1:%s/' % sys.argv[1])
    try:
        await asyncio.wait_for(websocket.wait_closed(), 12)
        print('closed with', websocket.close_code)
    except asyncio.TimeoutError:
        print('open')


asyncio.run(main())
END
cat >blocking.py <<'END'
import sys

import redis

print(redis.Redis(port=int(sys.argv[1])).blpop('empty', timeout=8))
END
export PYTHONPATH=$folder DJANGO_SETTINGS_MODULE=site_settings REDIS=$redis LAYER
idle() {
    local number
    LAYER=$1
    number=$(port)
    start "$1.log" "$bin/uvicorn" app:application --log-level critical --port "$number"
    reachable "$number"
    "$python" wait.py "$number"
    kill -KILL -- "-$pid"
}
blocking() {
    timeout 13 "$python" blocking.py "$redis" || echo "still waits"
}
# All at once, for the time.
try() {
    pypi channels==4.3.2 channels_redis==4.3.0 Django==5.2.19 uvicorn==0.54.0 websockets==17.4 redis=="$1"
    blocking >blocking &
    idle pubsub.RedisPubSubChannelLayer >pubsub &
    idle core.RedisChannelLayer >core
    wait
    compare "RedisChannelLayer, redis-py $1" open "$2" "$(cat core)"
    compare "RedisPubSubChannelLayer, redis-py $1" open open "$(cat pubsub)"
    compare "BLPOP, redis-py $1" "None" "$3" "$(cat blocking)"
}
try 7.1.0 open None
try 8.1.0 "closed with 1006" "still waits"
verdict
