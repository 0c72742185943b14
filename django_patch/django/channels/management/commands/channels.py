"""
manage.py channels: what waits in a channel layer, and what to do about it.
"""
from __future__ import absolute_import, unicode_literals

import errno
import fnmatch
import json
import os
import sys
import time

from django.core.management import CommandError

from ...compat import six
from ...compat.clock import monotonic
from ...compat.command_output import flush
from ...durations import MAX_SECONDS
from ...exceptions import LayerUnavailable
from ...layers import channel_layers
from ...monitoring.snapshot import Snapshot, breaches
from ...monitoring.wording import counted, sentences
from .. import job_actions, layer_actions
from ..ctrl_c import InterruptibleCommand
from ..layers import add_layer_argument, get_shared_layer
from ..printing import printable
from ..redrawing import redrawn, size_of
from ..tables import fitted, render, wrapped

#: Seconds between the two looks that give `status` its rates.
RATE_INTERVAL = 0.5
#: Seconds that looking for channels may take, and once more for groups.
BUDGET = 0.4

ACTIONS = (
    ('status', 'show what waits in each channel, its counters, the groups, the servers and the workers'),
    ('watch', 'show the same, again and again, until Ctrl-C'),
    ('check', 'exit with status 1 if a channel is above a limit or workers are missing, for monitoring'),
    ('peek', 'show the oldest messages of a channel, and leave them there'),
    ('purge', 'remove all messages of a channel'),
    ('drain', 'wait until a channel is empty, for a deployment'),
) + job_actions.ACTIONS + layer_actions.ACTIONS


#: Those that are about no single channel.
OF_ALL = ('status', 'watch', 'check') + tuple(name for name, text in layer_actions.ACTIONS)


#: Those that first see whether all servers are there.
CHANGING = ('purge', 'cancel', 'replay', 'delete', 'schedules')


#: What the layer has to be able to, for an action that needs more than the
#: acknowledged channels that others see to.
ABILITIES = dict.fromkeys(('status', 'watch', 'check', 'peek', 'purge'), 'supports_inspection')
ABILITIES['drain'] = 'supports_statistics'

#: Action -> its method, where that has another name: Django's own check()
#: makes the system checks, before any action.
METHODS = {'check': 'check_limits'}


class Command(job_actions.JobActionsMixin, layer_actions.LayerActionsMixin, InterruptibleCommand):
    help = (
        'Inspects a channel layer without stopping anything. ' +
        '; '.join('%s: %s' % action for action in ACTIONS) + '. Examples: "manage.py channels status --json", '
        '"manage.py channels check --max-age 30 --max-pending 1000", "manage.py channels peek jobs.mail --limit 3".'
    )
    leave_locale_alone = True

    def add_arguments(self, parser):
        add = parser.add_argument
        add('action', choices=[name for name, text in ACTIONS], help='What to do.')
        add('channel', nargs='?', help='The channel; %s take none.' % ', '.join(OF_ALL))
        add_layer_argument(parser)
        add('--json', dest='json', action='store_true',
            help='Write JSON, for programs (status, peek, jobs, dead, schedules).')
        add('--all', dest='everything', action='store_true',
            help='Show all channels and groups, however many, and look until all are found (status, watch, check).')
        add('--interval', dest='interval', type=float, default=2.0, metavar='SECONDS',
            help='Seconds between two looks at the layer (watch, drain); default: %(default)s.')
        add('--limit', dest='limit', type=int, default=10, metavar='N',
            help='How many messages to show (peek, jobs, dead); default: %(default)s.')
        add('--match', dest='match', action='append', metavar='GLOB',
            help='Check only the channels whose names match, such as "jobs.*"; repeatable.')
        add('--max-age', dest='max_age', type=float, metavar='SECONDS',
            help='Fail if a message has waited longer (check).')
        add('--max-pending', dest='max_pending', type=int, metavar='N',
            help='Fail if more messages wait in one channel (check).')
        add('--max-full', dest='max_full', type=int, metavar='N',
            help='Fail if full channels have refused more messages since the counters began (check).')
        add('--min-workers', dest='min_workers', type=int, metavar='N',
            help='Fail if fewer worker processes are alive (check).')
        add('--timeout', dest='timeout', type=float, default=60.0, metavar='SECONDS',
            help='How long to wait before failing (drain); default: %(default)s.')
        add('--no-input', '--noinput', dest='interactive', action='store_false', default=True,
            help='Do not ask for confirmation (purge).')
        job_actions.add_arguments(parser)

    def handle(self, *args, **options):
        self.options = options
        self.layer = self.get_layer(options['layer'])
        self.check_options()
        if options['action'] not in OF_ALL and not options['channel']:
            raise CommandError('%s needs the name of a channel: manage.py channels %s CHANNEL' % (
                options['action'], options['action']))
        try:
            if options['action'] in CHANGING:
                self.layer.check_servers()
            getattr(self, METHODS.get(options['action'], options['action']))()
            # Who reads it may have left before the last of it.
            flush(self.stdout)
        except LayerUnavailable as error:
            raise CommandError('The channel layer %s can\'t be reached: %s' % (self.layer, error))
        except NotImplementedError as error:
            raise CommandError('The channel layer %s can\'t do that: %s' % (self.layer, error))
        except ValueError as error:
            # The name of a channel that can't be one.
            raise CommandError(str(error))
        except EnvironmentError as error:
            if error.errno != errno.EPIPE:
                raise
            # Who reads it has seen enough, such as head.
            self.discard_output()

    def check_options(self):
        """Raise CommandError for options that can't be."""
        options = self.options
        for name in ('interval', 'timeout', 'max_age'):
            # NaN is above nothing: drain would never end, nor check fail.
            if options[name] is not None and not abs(options[name]) <= MAX_SECONDS:
                raise CommandError('--%s must be a finite number. It may be %d at most.' %
                                   (name.replace('_', '-'), MAX_SECONDS))
        for name in ('max_age', 'max_pending', 'max_full', 'min_workers'):
            # One that nothing is below would always fail, or never.
            if options[name] is not None and options[name] < 0:
                raise CommandError('--%s must be 0 or more.' % name.replace('_', '-'))
        if options['interval'] <= 0:
            raise CommandError('--interval must be more than 0.')
        if options['limit'] < 1:
            raise CommandError('--limit must be 1 or more.')
        if options['action'] in OF_ALL and options['channel']:
            raise CommandError('%s takes no channel; with check, --match names some.' % options['action'])

    def get_layer(self, alias):
        """Return the layer of that alias; raise CommandError if it can't be looked into, saying why."""
        if not channel_layers.configs:
            raise CommandError('CHANNEL_LAYERS is empty, so there is nothing to look at.')
        layer = get_shared_layer(
            alias, 'inspect_channels(), inspect_groups(), peek() and purge() of channel_layers[%r] in the process '
            'that has it' % str(alias)
        )
        if not getattr(layer, ABILITIES.get(self.options['action'], ''), True):
            raise CommandError('The channel layer %s can\'t say what it holds.' % layer)
        return layer

    # Actions

    def status(self):
        snapshot = self.look()
        if self.options['json']:
            self.write_json(snapshot.as_dict(self.layer))
        else:
            self.write(render(snapshot, self.layer, self.options['everything']))

    def look(self):
        earlier = Snapshot(self.layer, monotonic(), with_groups=False, budget=self.budget())
        time.sleep(max(0.0, RATE_INTERVAL - (monotonic() - earlier.time)))
        snapshot = Snapshot(self.layer, monotonic(), budget=self.budget())
        snapshot.add_rates(earlier)
        return snapshot

    def budget(self):
        """Return for how many seconds to look for channels, and once more for groups; None: as many as it takes."""
        return None if self.options['everything'] else BUDGET

    def watch(self):
        try:
            earlier = Snapshot(self.layer, monotonic(), with_groups=False, budget=self.budget())
            while True:
                time.sleep(self.options['interval'])
                size = size_of(sys.stdout) if self.stdout.isatty() else None
                everything = self.options['everything']
                try:
                    snapshot = Snapshot(self.layer, monotonic(), budget=self.budget())
                except LayerUnavailable as error:
                    # It was there: it is seen here when it comes back.
                    text = "The channel layer %s can't be reached: %s" % (self.layer, error)
                    lines = wrapped(text, size[1] if size else None)
                else:
                    snapshot.add_rates(earlier)
                    earlier = snapshot
                    lines = render(snapshot, self.layer, everything) if size is None else fitted(
                        snapshot, self.layer, everything, *size)
                if size is None:
                    self.write(lines + [''])
                else:
                    # In one piece, which doesn't flicker.
                    lines = printable('\n'.join(lines), self.stdout).split('\n')
                    self.stdout.write(redrawn(lines, *size), ending='')
                flush(self.stdout)
        except KeyboardInterrupt:
            self.stdout.write('')

    def check_limits(self):
        limits = {name: self.options[name] for name in ('max_age', 'max_pending', 'max_full', 'min_workers')}
        if all(limit is None for limit in limits.values()):
            raise CommandError('check needs a limit: --max-age, --max-pending, --max-full or --min-workers.')
        if limits['min_workers'] is not None and not self.layer.supports_presence:
            raise CommandError(
                'The channel layer %s lists no workers, so --min-workers can\'t be checked.' % self.layer)
        globs = self.options['match']
        found = breaches(
            Snapshot(self.layer, monotonic(), with_groups=False, budget=self.budget()),
            matches=None if not globs else lambda name: any(fnmatch.fnmatchcase(name, glob) for glob in globs),
            **limits
        )
        if found:
            raise CommandError('\n'.join(found))
        self.stdout.write('OK: no channel is above its limits.')

    def peek(self):
        absent = {}
        look = self.layer.looking(absent)
        entries = look.peek(self.options['channel'], self.options['limit']) or self.ready_jobs(look)
        if self.options['json']:
            self.write_json([
                {'channels': list(channels), 'age': age, 'message': job_actions.jsonable(message)}
                for age, channels, message in entries
            ])
            self.fail_for(absent)
            return
        for age, channels, message in entries:
            text = job_actions.text_of(message)
            old = '' if age is None else ', %.1f s old' % age
            self.write([', '.join(channels) + old, text, ''])
        if not entries:
            self.stdout.write('No message waits in %s.' % self.options['channel'])
        self.fail_for(absent)

    def purge(self):
        channel = self.options['channel']
        if self.options['interactive']:
            waiting = self.look_at(channel)['messages_pending']
            self.stdout.write('Remove %s that %s in %s? What is removed can\'t be had back. [y/N]' % (
                counted(waiting, 'message'), 'waits' if waiting == 1 else 'wait', channel))
            try:
                answer = six.moves.input()
            except EOFError:
                raise CommandError('Nothing was removed: there is no terminal to ask at. Use --no-input.')
            if answer.strip().lower() not in ('y', 'yes'):
                raise CommandError('Nothing was removed.')
        self.stdout.write('Removed %s from %s.' % (counted(self.layer.purge(channel), 'message'), channel))

    def drain(self):
        channel, deadline = self.options['channel'], monotonic() + self.options['timeout']
        while True:
            numbers = self.look_at(channel)
            waiting, held, later = [numbers.get(key, 0) for key in ('messages_pending', 'held', 'later')]
            if not waiting + held:
                rest = ' %s due later.' % counted(later, 'message') if later else ''
                self.stdout.write('%s is empty.%s' % (channel, rest))
                return
            text = '%s in %s' % (counted(waiting, 'message'), channel)
            if held:
                text += ', and %d in progress' % held
            if monotonic() >= deadline:
                raise CommandError('After %g s still %s. Does a worker read it?' % (self.options['timeout'], text))
            self.stdout.write('Waiting: %s.' % text)
            time.sleep(min(self.options['interval'], max(0.0, deadline - monotonic())))

    def look_at(self, channel):
        """Return the numbers of `channel`; raise CommandError if servers are away that may have more of it."""
        absent = {}
        numbers = self.layer.looking(absent).channel_statistics(channel)
        self.fail_for(absent)
        return numbers

    # Output

    def fail_for(self, absent):
        """Raise CommandError if what was shown is without what servers hold that are `absent`, {server: why}."""
        if absent:
            raise CommandError('\n'.join('%s. What it holds is missing.' % text for text in sentences(absent)))

    def write(self, lines):
        self.stdout.write(printable('\n'.join(lines), self.stdout))

    def discard_output(self):
        # Or Python complains of what it can't write at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

    def write_json(self, value):
        self.stdout.write(json.dumps(value, indent=2, sort_keys=True))
