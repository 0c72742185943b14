"""The settings of Channels 1.1.8: asgi_redis, its capacity raised."""
from __future__ import unicode_literals

import os

from bench_common import *  # NOQA: settings
from bench_common import REDIS

INSTALLED_APPS = ['channels']
CHANNEL_LAYERS = {'default': {
    'BACKEND': 'asgi_redis.RedisChannelLayer',
    # Its default for the prefix is no text on Python 2.7, and it wants text.
    'CONFIG': {'hosts': [REDIS], 'capacity': int(os.environ.get('BENCH_CAPACITY', 1000000)), 'prefix': 'asgi:'},
    'ROUTING': 'family_routing.channel_routing',
}}
