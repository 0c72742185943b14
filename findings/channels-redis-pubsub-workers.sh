#!/usr/bin/env bash
# Under channels_redis 4.3.0's RedisPubSubChannelLayer two workers that read one channel
# (`runworker thumbnails` twice) both get each message, so each job is done twice; and
# what is sent while no worker runs is gone, without an error. With RedisChannelLayer
# each message is got by one of them, and waits for it.
#
# Guessed: the layers differ in how groups are sent to; a channel's message has one
# receiver, and waits a minute for it.
#
# Seen (message 0 sent before there is a worker, 1 to 10 while there are two):
#   RedisChannelLayer: 0 received, 1 to 10 each received once
#   RedisPubSubChannelLayer: 0 lost, 1 to 10 each received twice
. "$(dirname "$0")/lib.sh"

debian_redis
pypi channels==4.3.2 channels_redis==4.3.0 Django==5.2.19 redis==7.1.0
cd "$folder"
cat >site_settings.py <<'EOF'
import os

SECRET_KEY = 'for this run'
INSTALLED_APPS = ['channels']
ASGI_APPLICATION = 'routing.application'
CHANNEL_LAYERS = {'default': {
    'BACKEND': 'channels_redis.' + os.environ['LAYER'],
    'CONFIG': {'hosts': ['redis://127.0.0.1:%s' % os.environ['REDIS']]},
}}
EOF
cat >routing.py <<'EOF'
import django

django.setup()

from channels.consumer import SyncConsumer  # noqa: E402
from channels.routing import ChannelNameRouter, ProtocolTypeRouter  # noqa: E402


class Thumbnails(SyncConsumer):
    def make(self, message):
        with open('made', 'a') as log:
            log.write('%s\n' % message['number'])


application = ProtocolTypeRouter({'channel': ChannelNameRouter({'thumbnails': Thumbnails.as_asgi()})})
EOF
cat >send.py <<'EOF'
import sys

import django

django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402

send = async_to_sync(get_channel_layer().send)
for number in sys.argv[1:]:
    send('thumbnails', {'type': 'make', 'number': number})
EOF
export REDIS=$redis DJANGO_SETTINGS_MODULE=site_settings PYTHONPATH=$folder
# As many workers have subscribed to the channel; in the other layer its messages wait.
listening() {
    [ "$LAYER" = core.RedisChannelLayer ] || redis-cli -p "$redis" PUBSUB NUMSUB thumbnails | grep -qx "$1"
}
try() {
    export LAYER=$1
    rm -f made
    touch made
    "$python" send.py 0
    for number in 1 2; do
        start "$1-$number.log" "$python" -m django runworker thumbnails
        eventually 30 listening "$number" || missing "a worker that starts"
    done
    "$python" send.py 1 2 3 4 5 6 7 8 9 10
    sleep 5
    echo "0: $(grep -cx 0 made || true), 1 to 10: $(grep -cvx 0 made || true)"
}
compare "received, RedisChannelLayer" "0: 1, 1 to 10: 10" "0: 1, 1 to 10: 10" "$(try core.RedisChannelLayer)"
compare "received, RedisPubSubChannelLayer" "0: 1, 1 to 10: 10" "0: 0, 1 to 10: 20" \
    "$(try pubsub.RedisPubSubChannelLayer)"
verdict
