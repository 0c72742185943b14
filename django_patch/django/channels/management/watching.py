"""
Monitoring options of a worker: health and metrics.
"""
from __future__ import absolute_import, unicode_literals

import functools
import logging
import os
import re
from contextlib import contextmanager

from django.core.management import CommandError

from ..conf import conf
from ..durations import checked_seconds
from ..exceptions import AnotherProject, LayerUnavailable
from ..fingerprints import FACT, fingerprints
from ..layers.presence import DISCONNECT_CHANNEL, DISCONNECT_FACT, WORKER, this_host
from ..layers.promises import warn
from ..monitoring.activity import Activity
from ..monitoring.history import Recorder
from ..monitoring.vitals import HealthFile, Vitals, behind, try_file
from ..presence import Presence, package_version
from ..processes.holding import Holding
from .listening import cannot_listen
from .projects import ProjectRefused, to_claim

logger = logging.getLogger('django.channels')

#: Channels that a process says it reads.
MAX_CHANNELS = 50
#: Channels whose numbers it tells all others, the busiest: about 300 bytes
#: each, every five seconds.
MAX_NUMBERS = 20

#: The highest number of a TCP port.
LAST_PORT = 65535


def add_arguments(parser):
    """Add the options to a command's `parser`."""
    parser.add_argument(
        '--health-file', dest='health_file', metavar='PATH',
        help='Write a JSON file every 5 seconds: what the worker is doing, and for how many seconds the oldest '
             'message in its channels has waited. A file older than a minute means that the worker is stuck, or '
             'busy for longer than --max-busy.',
    )
    parser.add_argument(
        '--management', dest='management', metavar='HOST:PORT',
        help='Answer /health, /ready, /metrics (Prometheus) and /metrics/all (those of all workers of the layer) '
             'by HTTP on this address. Keep it out of reach of clients. With --processes each has a port of its own: '
             'PORT, PORT + 1 and so on.',
    )
    parser.add_argument(
        '--max-busy', dest='max_busy', type=float, metavar='SECONDS',
        help='Report a worker as unhealthy that has handled one message for longer; default: no limit.',
    )


def parse_address(text):
    """Return (host, port) of "HOST:PORT", "[::1]:PORT" or "PORT"; raise CommandError if it is none of these."""
    host, colon, port = text.rpartition(':')
    if not re.match(r'[0-9]{1,5}\Z', port) or int(port) > LAST_PORT:
        raise CommandError('--management must be HOST:PORT, as in 127.0.0.1:9100, not %s.' % text)
    return host.strip('[]') or '127.0.0.1', int(port)


def check(options):
    """Raise CommandError for `options` that can't be."""
    _check_busy(options)
    if options.get('management'):
        host, port = parse_address(options['management'])
        if port + (options['processes'] or 1) - 1 > LAST_PORT:
            raise CommandError('--management has no port for each of %d processes above %d.' %
                               (options['processes'], port))
    if options.get('health_file'):
        # Where several processes can't write theirs, they would be started
        # again and again.
        each = [of_process(options, index) for index in range(options['processes'] or 0)] or [options]
        for path in [of_one['health_file'] for of_one in each]:
            try:
                try_file(path)
            except EnvironmentError as error:
                raise CommandError('--health-file %s can\'t be written: %s' % (path, error))


def _check_busy(options):
    if options.get('max_busy') is not None:
        try:
            checked_seconds('--max-busy', options['max_busy'])
        except (TypeError, ValueError) as error:
            raise CommandError(str(error))


def of_process(options, index):
    """Return the command's `options` for the process number `index` of several."""
    # What all would say of the layer's servers, one says.
    options = dict(options, warns_of_servers=index == 0)
    if options.get('health_file'):
        options = dict(options, health_file='%s.%d' % (options['health_file'], index))
    if options.get('management'):
        host, port = parse_address(options['management'])
        options = dict(options, management='[%s]:%d' % (host, port and port + index), is_patient=True)
    return options


@contextmanager
def watched(worker, options):
    """Offer the health and metrics of `worker` while the block runs, as the command's `options` say."""
    layer, alias = worker.channel_layer, options['layer']
    _check_busy(options)
    activity = Activity(worker.in_progress)
    worker.watch(activity)
    layer.watch_waiting(activity.waited)
    vitals = Vitals(
        activity.running, functools.partial(behind, layer, worker.channels), options.get('max_busy'),
        lambda: worker.termed,
    )
    name = '%s:%d' % (this_host(), os.getpid())
    opened, planning = [], _planning(worker)
    try:
        if options.get('management'):
            opened.append(_endpoint(options, vitals, layer, alias, activity, name))
        if options.get('health_file'):
            opened.append(HealthFile(options['health_file'], vitals))
        if layer.supports_inspection:
            opened.append(Recorder(layer))
        presence = Presence(
            layer, WORKER, package_version(), functools.partial(_facts, worker, activity),
            project=to_claim(options), on_refused=worker.stop,
        )
        opened += [presence, Holding(layer, presence.process.name)] + planning
        _begin(opened)
    except AnotherProject as error:
        raise ProjectRefused(str(error))
    except EnvironmentError as error:
        raise CommandError('--health-file %s can\'t be written: %s' % (options.get('health_file'), error))
    if options.get('warns_of_servers', True):
        _warn_of_servers(layer)
    try:
        yield
    finally:
        layer.watch_waiting(None)
        for part in reversed(opened):
            part.__exit__(None, None, None)
    if presence.refusal is not None:
        raise ProjectRefused(str(presence.refusal))


def _endpoint(options, vitals, layer, alias, activity, name):
    # What a worker without it need not load.
    from .answering import make_endpoint
    host, port = parse_address(options['management'])
    try:
        return make_endpoint((host, port), vitals, layer, alias, activity, name, options.get('is_patient', False))
    except EnvironmentError as error:
        raise cannot_listen(error, host, port, '--management')


def _begin(parts):
    """Enter all of `parts`, or none."""
    begun = []
    try:
        for part in parts:
            part.__enter__()
            begun.append(part)
    except (AnotherProject, EnvironmentError):
        for part in reversed(begun):
            part.__exit__(None, None, None)
        raise


def _warn_of_servers(layer):
    if not layer.supports_acknowledgement:
        return
    try:
        warn(layer.promises(), bool(layer.router.acknowledged_channels()), layer.confirmation)
    except LayerUnavailable as error:
        # Receiving fails as well, and says so.
        logger.debug('What the servers promise could not be asked: %s', error)


def _planning(worker):
    if not conf.schedules:
        return []
    # What a project without schedules need not load.
    from ..schedules.planning import Planning
    try:
        return [Planning(worker.channel_layer, worker.channels)]
    except (TypeError, ValueError, ImportError) as error:
        raise CommandError('CHANNEL_SCHEDULES can\'t be used: %s' % error)


def _facts(worker, activity):
    number, running = activity.running()
    return {
        'threads': worker.threads, 'tasks': len(worker.in_progress.tasks), 'running': number, 'doing': running,
        'stopping': worker.termed, 'channels': worker.channels[:MAX_CHANNELS],
        'numbers': activity.numbers(MAX_NUMBERS), FACT: fingerprints(),
        DISCONNECT_FACT: DISCONNECT_CHANNEL in worker.channels,
    }
