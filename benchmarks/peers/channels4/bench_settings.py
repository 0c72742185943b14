"""The settings of Channels 4.3: channels_redis, its capacity raised."""
import os

from bench_common import *  # NOQA: settings
from bench_common import REDIS

INSTALLED_APPS = ['channels']
CHANNEL_LAYERS = {'default': {
    'BACKEND': 'channels_redis.pubsub.RedisPubSubChannelLayer' if os.environ.get('BENCH_LAYER') == 'pubsub'
    else 'channels_redis.core.RedisChannelLayer',
    'CONFIG': {'hosts': [REDIS], 'capacity': int(os.environ.get('BENCH_CAPACITY', 1000000))},
}}
