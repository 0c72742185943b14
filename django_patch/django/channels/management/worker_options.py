"""
The options of the workers, of the commands that run some.
"""
from __future__ import absolute_import

import os

from django.core.management import CommandError

from ..durations import MAX_SECONDS
from ..limits import Limits
from .layers import add_layer_argument

#: Seconds between the soft and the hard time limit, where only one is given.
BETWEEN_LIMITS = 10.0
#: Messages that a process may have in progress: each has a record in memory
#: that survives the process.
MOST_IN_FLIGHT = 1000000


def add_arguments(parser):
    """Add the options of workers to a command's `parser`."""
    add_layer_argument(parser)
    parser.add_argument(
        '--processes', dest='processes', type=int, default=None, metavar='N',
        help='Run N worker processes, and replace those that die. Without this option, this process is the only '
             'worker.',
    )
    parser.add_argument(
        '--threads', dest='threads', type=int, default=1,
        help='How many messages are handled at the same time in a process; default: %(default)s.',
    )
    parser.add_argument(
        '--prefetch', dest='prefetch', type=int, default=16, metavar='N',
        help='How many waiting messages a thread may take from the layer at once; default: %(default)s. It takes '
             'as many as it handles within 4 ms, or up to 4 within 25 ms while more wait than are handled, and '
             'requeues those behind a consumer that takes longer than 10 ms. With 1, a worker that is killed loses '
             'no more than one message for each thread.',
    )
    parser.add_argument(
        '--concurrency', dest='concurrency', type=int, default=2000, metavar='N',
        help='How many async consumers, views and streams may run at the same time, beside the threads; default: '
             '%(default)s.',
    )
    parser.add_argument(
        '--shutdown-timeout', dest='shutdown_timeout', type=float, default=10.0, metavar='SECONDS',
        help='How long async consumers, views and streams may take to end when the worker stops, before they are '
             'cancelled, and streams of other views before they are broken off; default: %(default)s.',
    )
    _add_limits(parser)
    parser.add_argument(
        '--reload', dest='reload', action='store_true', default=False,
        help='Restart whenever a file of the code changes; for development.',
    )
    parser.add_argument(
        '--only-channels', dest='only_channels', action='append', metavar='GLOB',
        help='Receive only from the channels whose names match, such as "http.*"; repeatable.',
    )
    parser.add_argument(
        '--exclude-channels', dest='exclude_channels', action='append', metavar='GLOB',
        help='Leave the channels whose names match to other workers; repeatable.',
    )


def _add_limits(parser):
    parser.add_argument(
        '--max-messages', dest='max_messages', type=int, default=None, metavar='N',
        help='End a process after it has handled N messages; with --processes, another takes its place.',
    )
    parser.add_argument(
        '--max-memory', dest='max_memory', type=int, default=None, metavar='MB',
        help='End a process whose resident memory is larger, once it has finished the messages in progress; with '
             '--processes, another takes its place.',
    )
    parser.add_argument(
        '--time-limit', dest='time_limit', type=float, default=None, metavar='SECONDS',
        help='Raise TimeLimitExceeded in a consumer or view that takes longer. A waiting client gets an error.',
    )
    parser.add_argument(
        '--hard-time-limit', dest='hard_time_limit', type=float, default=None, metavar='SECONDS',
        help='Kill a process whose consumer takes longer, whatever it does; default: 10 more than --time-limit.',
    )


def check(options):
    """Raise CommandError for `options` that can't be."""
    for option in ('threads', 'prefetch', 'concurrency', 'processes', 'max_messages', 'max_memory'):
        if options[option] is not None and options[option] < 1:
            raise CommandError('--%s must be 1 or more.' % option.replace('_', '-'))
    if options['threads'] * options['prefetch'] + options['concurrency'] > MOST_IN_FLIGHT:
        raise CommandError('--threads times --prefetch, plus --concurrency, may be %d at most.' % MOST_IN_FLIGHT)
    for option in ('shutdown_timeout', 'time_limit', 'hard_time_limit'):
        # NaN is neither above nor below anything: such a limit never ends.
        if options[option] is not None and not abs(options[option]) <= MAX_SECONDS:
            raise CommandError('--%s must be a finite number of seconds. It may be %d at most.' %
                               (option.replace('_', '-'), MAX_SECONDS))
    if options['shutdown_timeout'] < 0:
        raise CommandError('--shutdown-timeout must be 0 or more.')
    for option in ('time_limit', 'hard_time_limit'):
        if options[option] is not None and options[option] <= 0:
            raise CommandError('--%s must be more than 0.' % option.replace('_', '-'))
    if None not in (options['time_limit'], options['hard_time_limit']) and (
            options['hard_time_limit'] <= options['time_limit']):
        raise CommandError('--hard-time-limit must be more than --time-limit.')
    if options['reload'] and options['processes'] is not None:
        raise CommandError('--reload and --processes do not go together: SIGHUP reloads several processes.')
    if options['processes'] is not None and not hasattr(os, 'fork'):
        raise CommandError('--processes needs a system that can fork.')


def limits(options):
    """Return the Limits that `options` ask for."""
    soft, hard = options['time_limit'], options['hard_time_limit']
    if hard is None and soft is not None:
        hard = soft + BETWEEN_LIMITS
    return Limits(options['max_messages'], options['max_memory'], soft, hard)
