"""Our settings: the layer at its defaults."""
from __future__ import unicode_literals

import json
import os

from bench_common import *  # NOQA: settings
from bench_common import REDIS

# None at all where start-up without the app is measured.
INSTALLED_APPS = [app for app in [os.environ['BENCH_APP']] if app]

if os.environ.get('BENCH_LAYER') == 'redis':
    CHANNEL_LAYERS = {'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {'hosts': [REDIS]},
        'ROUTING': 'family_routing.channel_routing',
    }}
    if 'BENCH_CAPACITY' in os.environ:
        CHANNEL_LAYERS['default']['CONFIG']['capacity'] = int(os.environ['BENCH_CAPACITY'])
elif os.environ.get('BENCH_LAYER') == 'jobs':
    # The peers' queues have no capacity: plain ones get that of acknowledged
    # ones.
    CHANNEL_LAYERS = {'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {
            'hosts': [REDIS], 'capacity': 100000, 'acknowledged': {'bench.job': {}, 'bench.later': {}},
        },
        'ROUTING': 'bench_jobs_routing.channel_routing',
    }}
elif os.environ.get('BENCH_LAYER') == 'numbered':
    CHANNEL_LAYERS = {'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': dict(json.loads(os.environ['BENCH_CONFIG']), acknowledged={'bench.numbered': {}}),
        'ROUTING': 'bench_numbered_routing.channel_routing',
    }}
elif os.environ.get('BENCH_LAYER') == 'memory':
    CHANNEL_LAYERS = {'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
        'ROUTING': 'family_routing.channel_routing',
    }}
