"""Jobs that are never lost: what SUT_ROUTING=jobs routes."""
from __future__ import unicode_literals

import io
import os
import time

from django.channels import Channel, route
from django.channels.retries import Acknowledged, Retry


def job(message):
    """Take a moment, fail the first time if told so, and note the number."""
    time.sleep(float(os.environ.get('SUT_JOB_SECONDS', 0.02)))
    if message['n'] % 10 == 7 and not os.path.exists(message['file'] + '.failed-%d' % message['n']):
        io.open(message['file'] + '.failed-%d' % message['n'], 'w').close()
        raise ValueError('Job %d fails once.' % message['n'])
    Channel('numbers').send({'n': message['n'], 'file': message['file']})


def note(message):
    """Append the number that came of a job to the file."""
    with io.open(message['file'], 'a') as file:
        file.write('%d\n' % message['n'])


acknowledged = Acknowledged(retry=Retry(first=0.1))

channel_routing = [
    route('jobs', job, acknowledged=acknowledged),
    route('numbers', note, acknowledged=acknowledged),
]
