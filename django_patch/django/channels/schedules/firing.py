"""
Consumers of what comes at its time: runs of schedules, and delayed messages.
"""
from __future__ import absolute_import, unicode_literals

import json
import logging

from ..channel import DELAYED, Channel
from ..layers.acknowledgement import receipt_of
from ..retries import Acknowledged, Retry
from ..routing import Route
from .table import SCHEDULES, schedule_of

logger = logging.getLogger('django.channels')

#: Seconds that a run is remembered beyond the next.
REMEMBERED = 86400


def plan(send_job, schedule, moment):
    """
    Have the next run of `schedule` after `moment` kept; return when it is.

    `send_job` takes a message and what a layer's send_job() does. The run is
    kept once, however often that is asked for.
    """
    due = schedule.next_after(moment)
    send_job(
        {'name': schedule.name, 'version': schedule.version, 'due': int(due * 1000)}, at=due,
        unique='%s %s %d' % (schedule.name, schedule.version, int(due * 1000)),
    )
    return due


def last_run(layer, name):
    """Return {'due': ..., 'sent': ...}, in seconds since 1970, of a schedule's last run; None if there is none."""
    text = layer.load_result(_record(name))
    return None if text is None else json.loads(text)


def _record(name):
    return 'schedule ' + name


def run_schedule(message):
    """Send what a schedule is for, and plan its next run: they go out together when this message is done."""
    layer, due = message.channel_layer, message['due'] / 1000.0
    schedule = schedule_of(message['name'])
    # One that has moved to another layer would go on here, too, for ever.
    if schedule is None or schedule.version != message['version'] or schedule.layer != layer.alias:
        logger.info('A run of the schedule %s is left out: it has changed, or is gone.', message['name'])
        return
    # By the clock that runs are due by: with that of this machine, all runs
    # would be due at once by which it is behind.
    started = layer.time()
    # The job has its time without what is less than a millisecond, and another
    # shard's clock may be behind the one that it was due by.
    later = plan(Channel(SCHEDULES, channel_layer=layer).send, schedule, max(due + 0.001, started))
    last, receipt = last_run(layer, schedule.name), receipt_of(message.content)
    if last is not None and last['due'] >= due and receipt is not None and receipt.attempt == 1:
        # A process whose clock is behind has planned once more what is done.
        return
    if schedule.grace is not None and started > due + schedule.grace:
        logger.warning('A run of the schedule %s is left out: it is %d s late.', schedule.name, started - due)
    else:
        schedule.send(layer)
    layer.save_result(
        _record(schedule.name), json.dumps({'due': due, 'sent': started}), later - started + REMEMBERED)


def send_delayed(message):
    """Send what was to be sent later."""
    Channel(message['channel'], channel_layer=message.channel_layer).send(message['content'])


#: For include() in a project's routing.
channel_routing = [
    Route(SCHEDULES, run_schedule, acknowledged=Acknowledged(retry=Retry(last=60.0))),
    Route(DELAYED, send_delayed, acknowledged=Acknowledged(retry=Retry(last=60.0))),
]
