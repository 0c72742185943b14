"""Tests of manage.py channels, on a real Redis."""
from __future__ import absolute_import, unicode_literals

import copy
import json
import os
import sys
import threading
import time

from django.channels import channel_layers, route
from django.channels.channel import DELAYED, Channel
from django.channels.compat import six
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.acknowledgement import BURY, RETRY, receipt_of, story_of
from django.channels.layers.presence import SERVER, WORKER, this_process
from django.channels.management import tables
from django.channels.management.commands import channels as command
from django.channels.management.printing import printable
from django.channels.monitoring import families, job_rows
from django.channels.monitoring.overview import collect
from django.channels.monitoring.snapshot import Snapshot
from django.channels.names import disconnect_channel
from django.channels.retries import Acknowledged
from django.channels.worker import Worker
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.test import override_settings

from .redis_case import RedisTestCase


class CommandTestCase(RedisTestCase):
    prefix = 'status:'

    def setUp(self):
        super(CommandTestCase, self).setUp()
        overridden = override_settings(CHANNEL_LAYERS={
            'default': {
                'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
                'CONFIG': {'hosts': [self.server.url], 'prefix': self.prefix},
            },
            'local': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []},
        })
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.addCleanup(channel_layers.reset)
        channel_layers.reset()
        self.addCleanup(lambda: channel_layers['default'].close())

    def run_command(self, *arguments, **options):
        output = six.StringIO()
        call_command('channels', *arguments, stdout=output, **options)
        return output.getvalue()


class ChannelsCommandTests(CommandTestCase):

    def test_a_server_that_tells_nothing_of_itself_hides_nothing_else(self):
        self.redis.execute_command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all', '-info', '-config')
        layers = copy.deepcopy(settings.CHANNEL_LAYERS)
        layers['default']['CONFIG']['hosts'] = ['redis://app:secret@127.0.0.1:%d/0' % self.server.port]
        self.layer.send('jobs.mail', {})
        with override_settings(CHANNEL_LAYERS=layers):
            channel_layers.reset()
            layer = channel_layers['default']
            self.addCleanup(layer.close)
            [row] = [line.split() for line in self.run_command('status').splitlines() if '127.0.0.1' in line]
            self.assertEqual(row[3:6], ['?', '?', '?'])
            samples = {family.name: family.samples for family in families.everything(layer, 'default')}
            self.assertEqual(samples['channels_store_memory_bytes'], [])
            self.assertEqual(len(samples['channels_store_latency_seconds']), 1)
            [server] = collect(layer, 'default')['servers']
            self.assertEqual((server['megabytes'], server['limit']), (None, None))
            with self.assertRaisesMessage(CommandError, 'NOPERM'):
                self.run_command('durability')

    def test_a_reader_that_has_seen_enough_ends_it_without_an_error(self):
        # The second writes all of it at its end.
        for action in ('watch', 'status'):
            reading, writing = os.pipe()
            os.close(reading)
            before, sys.stdout = sys.stdout, os.fdopen(writing, 'w')
            try:
                # It writes at once to a terminal, and watch() does anywhere.
                call_command('channels', action, interval=0.01)
                # What Python has left to say at its end goes nowhere.
                sys.stdout.write('x')
                sys.stdout.close()
            finally:
                sys.stdout = before

    def test_whoever_waits_may_end_it(self):
        class Impatient(object):
            @staticmethod
            def sleep(seconds):
                raise KeyboardInterrupt

        self.layer.send('jobs.mail', {})
        before, command.time = command.time, Impatient
        self.addCleanup(setattr, command, 'time', before)
        with self.assertRaises(KeyboardInterrupt):
            self.run_command('drain', 'jobs.mail')

    def test_without_schedules_there_is_json_as_well(self):
        self.assertEqual(json.loads(self.run_command('schedules', json=True)), [])
        self.assertEqual(self.run_command('schedules').strip(), 'CHANNEL_SCHEDULES is empty.')

    def test_what_a_terminal_would_obey_or_cannot_show_is_escaped(self):
        class Narrow(object):
            encoding = 'ascii'

        text = 'caf\xe9\n\t\x1b]0;title\x07 \x7f\x9b1m \r\x00'
        self.assertEqual(printable(text, six.StringIO()), 'caf\xe9\n\t\\x1b]0;title\\x07 \\x7f\\x9b1m \\x0d\\x00')
        self.assertEqual(printable('caf\xe9', Narrow), 'caf\\xe9')
        self.assertEqual(printable('caf\xe9', OutputWrapper(Narrow)), 'caf\\xe9')

    def test_status_shows_what_waits_the_groups_and_the_server(self):
        for number in range(3):
            self.layer.send('jobs.mail', {'n': number})
        self.layer.send('websocket.send.abc!x', {'text': 'x'})
        for number in range(4):
            self.layer.group_add('room-1', 'websocket.send.abc!%d' % number)
        lines = self.run_command('status').splitlines()
        self.assertEqual(lines[0], 'Channel layer default (RedisChannelLayer)')
        [row] = [line.split() for line in lines if line.startswith('jobs.mail')]
        self.assertEqual((row[1], row[5]), ('3', '3'))
        self.assertTrue(any(line.startswith('websocket.send!') for line in lines), lines)
        self.assertIn(['room-1', '4'], [line.split() for line in lines])
        self.assertIn('noeviction', '\n'.join(lines))

    def test_status_as_json_has_the_same_for_programs(self):
        self.layer.send('jobs.mail', {})
        status = json.loads(self.run_command('status', json=True))
        self.assertEqual(status['channels']['jobs.mail']['messages_pending'], 1)
        self.assertEqual(status['channels']['jobs.mail']['in_rate'], 0)
        self.assertEqual(status['layer'], 'default (RedisChannelLayer)')
        [server] = status['servers']
        self.assertGreater(server['memory'], 0)
        self.assertTrue(server['version'].split()[1][0].isdigit(), server)

    def announce(self, kind, facts, **fields):
        process = this_process(kind, '1.2.0')._replace(**fields)
        self.layer.announce(process, facts)
        return process

    def test_status_shows_who_is_alive_and_what_each_does(self):
        self.announce(WORKER, {'threads': 4, 'tasks': 12, 'running': 2, 'doing': [
            {'channel': 'jobs.mail', 'consumer': 'mail.send', 'thread': 'worker-1', 'seconds': 90.5}, 'not a task',
        ]}, host='alpha', pid=17, started=int(time.time()) - 7300)
        dead = self.announce(WORKER, {'threads': 1}, host='beta', pid=18)
        self.redis.execute_command('ZINCRBY', 'status:{0}:processes', -130000, dead.name)
        self.announce(SERVER, {'sockets': 250, 'requests': 3, 'stopping': True}, host='alpha', pid=9)
        self.announce('scheduler', {}, host='alpha', pid=10)
        text = self.run_command('status')
        rows = {line.split()[0]: line for line in text.splitlines() if line.startswith(('alpha', 'beta'))}
        self.assertEqual(rows['alpha:17'].split()[1:8], ['alive', '1.2.0', '2', 'h', '4', '12', '2'])
        self.assertIn('mail.send on jobs.mail for 9', rows['alpha:17'])
        self.assertIn('dead for 2 min', rows['beta:18'])
        self.assertEqual([rows['alpha:9'].split()[index] for index in (1, -2, -1)], ['stopping', '250', '3'])
        self.assertEqual(rows['alpha:10'].split()[-1], 'scheduler')
        status = json.loads(self.run_command('status', json=True))
        self.assertEqual([entry['alive'] for entry in status['processes'] if entry['kind'] == 'worker'],
                         [True, False])

    def test_check_fails_if_workers_are_missing(self):
        self.announce(WORKER, {})
        self.announce(SERVER, {})
        self.assertIn('OK', self.run_command('check', min_workers=1))
        with self.assertRaisesMessage(CommandError, 'Workers alive: 1 (limit 2)'):
            self.run_command('check', min_workers=2)
        self.layer.flush()
        self.assertIn('No worker says that it is alive.', self.run_command('status'))

    def test_without_time_for_all_keys_normal_channels_are_exact_and_the_rest_is_said_to_be_missing(self):
        for number in range(3):
            self.layer.send('jobs.mail', {'n': number})
        self.layer.send('websocket.send.abc!x', {'text': 'x'})
        self.layer.group_add('room-1', 'websocket.send.abc!x')
        self.addCleanup(setattr, command, 'BUDGET', command.BUDGET)
        command.BUDGET = 0
        self.calls()
        lines = self.run_command('status').splitlines()
        self.assertNotIn('scan', self.calls())
        self.assertEqual([line.split()[1] for line in lines if line.startswith('jobs.mail')], ['3'])
        self.assertIn('(There was no time to find all channels with ! and ?: --all)', lines)
        self.assertIn('(0 of at most 1 groups were looked at: --all)', lines)
        self.assertIs(json.loads(self.run_command('status', json=True))['complete'], False)
        with self.assertRaisesMessage(CommandError, 'jobs.mail: 3 messages wait (limit 2)'):
            self.run_command('check', max_pending=2)
        found = json.loads(self.run_command('status', json=True, everything=True))
        self.assertIs(found['complete'], True)
        self.assertEqual(found['channels']['websocket.send!']['messages_pending'], 1)
        self.assertEqual(found['groups'], {'room-1': 1})

    def test_a_terminal_runs_the_system_checks_first(self):
        # call_command() leaves them out; BaseCommand.check() makes them.
        self.assertIn('Channel', self.run_command('status', skip_checks=False))
        with self.assertRaisesMessage(CommandError, 'check needs a limit'):
            self.run_command('check', skip_checks=False)

    def test_an_empty_layer_says_so(self):
        self.assertIn('No message has been sent yet.', self.run_command('status'))

    def test_check_fails_above_a_limit_and_names_the_channel(self):
        for number in range(3):
            self.layer.send('jobs.mail', {'n': number})
        self.assertIn('OK', self.run_command('check', max_pending=3, max_age=1000))
        with self.assertRaisesMessage(CommandError, 'jobs.mail: 3 messages wait (limit 2)'):
            self.run_command('check', max_pending=2)
        with self.assertRaisesMessage(CommandError, 'jobs.mail: the oldest message has waited'):
            self.run_command('check', max_age=0)
        self.assertIn('OK', self.run_command('check', max_pending=2, match=['http.*']))
        # The client of a stream left that no worker holds.
        self.layer.send(disconnect_channel('http.response.abc!def'), {'closed': True})
        self.assertIn('http.disconnect?', self.run_command('status'))
        self.assertIn('OK', self.run_command('check', max_pending=0, match=['http.*']))
        with self.assertRaisesMessage(CommandError, 'check needs a limit'):
            self.run_command('check')

    def test_peek_shows_messages_and_leaves_them(self):
        self.layer.send('jobs.mail', {'to': 'a', 'body': b'\x00\xff'})
        self.layer.send('jobs.mail', {'to': 'b'})
        shown = self.run_command('peek', 'jobs.mail', limit=1)
        self.assertIn('"to": "a"', shown)
        self.assertNotIn('"to": "b"', shown)
        entries = json.loads(self.run_command('peek', 'jobs.mail', json=True))
        self.assertEqual([entry['message']['to'] for entry in entries], ['a', 'b'])
        self.assertEqual(len(self.received('jobs.mail')), 2)
        self.assertIn('No message waits in jobs.mail.', self.run_command('peek', 'jobs.mail'))

    def test_purge_asks_and_removes(self):
        self.layer.send('jobs.mail', {})
        self.answer('n')
        with self.assertRaisesMessage(CommandError, 'Nothing was removed.'):
            self.run_command('purge', 'jobs.mail')
        self.assertEqual(self.layer.channel_statistics('jobs.mail')['messages_pending'], 1)
        self.answer('y')
        self.assertIn('Removed 1 message from jobs.mail.', self.run_command('purge', 'jobs.mail'))
        self.layer.send('jobs.mail', {})
        self.assertIn('Removed 1 message from', self.run_command('purge', 'jobs.mail', interactive=False))

    def test_purge_without_a_terminal_says_what_to_do(self):
        self.layer.send('jobs.mail', {})
        original = command.six.moves.input
        self.addCleanup(setattr, command.six.moves, 'input', original)

        def end(*prompt):
            raise EOFError('EOF when reading a line')
        command.six.moves.input = end
        with self.assertRaisesMessage(CommandError, '--no-input'):
            self.run_command('purge', 'jobs.mail')
        self.assertEqual(self.layer.channel_statistics('jobs.mail')['messages_pending'], 1)

    def answer(self, text):
        original = command.six.moves.input
        command.six.moves.input = lambda *prompt: text
        self.addCleanup(setattr, command.six.moves, 'input', original)

    def test_drain_returns_once_a_channel_is_empty(self):
        self.layer.send('jobs.mail', {})
        with self.assertRaisesMessage(CommandError, 'After 0.2 s still 1 message in jobs.mail.'):
            self.run_command('drain', 'jobs.mail', timeout=0.2, interval=0.05)
        reader = threading.Thread(target=self.layer.receive, args=(['jobs.mail'], True))
        reader.start()
        self.assertIn('jobs.mail is empty.', self.run_command('drain', 'jobs.mail', interval=0.05, timeout=30))
        reader.join()

    def test_each_mistake_says_what_to_do(self):
        for arguments, options, text in (
            (('peek',), {}, 'peek needs the name of a channel'),
            (('peek', 'a b'), {}, 'a b'),
            (('status',), {'layer': 'local'}, 'lives inside one process'),
            (('status',), {'layer': 'other'}, "There is no channel layer 'other'"),
            (('status',), {'interval': 0}, '--interval must be more than 0.'),
            (('drain', 'jobs'), {'interval': float('nan')}, '--interval must be a finite number.'),
            (('drain', 'jobs'), {'timeout': float('nan')}, '--timeout must be a finite number.'),
            (('drain', 'jobs'), {'interval': 1e10}, 'It may be 9000000000 at most.'),
            (('check',), {'max_age': float('nan')}, '--max-age must be a finite number.'),
            (('peek', 'jobs'), {'limit': 0}, '--limit must be 1 or more.'),
            (('check',), {'max_age': -1}, '--max-age must be 0 or more.'),
            (('check',), {'max_pending': -1}, '--max-pending must be 0 or more.'),
            (('check',), {'max_full': -1}, '--max-full must be 0 or more.'),
            (('check',), {'min_workers': -1}, '--min-workers must be 0 or more.'),
            (('status', 'jobs'), {}, 'status takes no channel'),
        ):
            with self.assertRaisesMessage(CommandError, text):
                self.run_command(*arguments, **options)
        with override_settings(CHANNEL_LAYERS={}):
            with self.assertRaisesMessage(CommandError, 'CHANNEL_LAYERS is empty'):
                self.run_command('status')

    def test_a_server_that_is_away_is_one_line(self):
        with override_settings(CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
            'CONFIG': {'hosts': ['redis://127.0.0.1:1/0']},
        }}):
            channel_layers.reset()
            with self.assertRaisesMessage(CommandError, "can't be reached"):
                self.run_command('status')

    def test_many_channels_groups_and_keys_are_counted_in_steps(self):
        pipeline = self.redis.pipeline(transaction=False)
        for number in range(5000):
            pipeline.set('status:{0}:b:%d' % number, '')
        pipeline.execute()
        for number in range(700):
            self.layer.send('jobs.%d' % number, {})
            self.layer.group_add('room-%d' % number, 'p!%d' % number)
        self.calls()
        self.assertEqual(len(self.layer.inspect_channels()), 700)
        self.assertNotIn('keys', self.calls())
        groups = self.layer.inspect_groups()
        self.assertEqual((len(groups), groups.is_complete, groups.total), (700, True, 700))
        # What others keep in the same server costs nothing.
        self.assertNotIn('scan', self.calls())
        self.assertIn('more channels: --all', self.run_command('status'))
        self.assertIn('jobs.699 ', self.run_command('status', everything=True))


class SnapshotTests(RedisTestCase):
    prefix = 'snapshot:'

    def test_rates_are_what_came_and_went_in_between(self):
        for number in range(10):
            self.layer.send('jobs', {'n': number})
        earlier = Snapshot(self.layer, 100.0)
        for number in range(6):
            self.layer.send('jobs', {'n': number})
        for _ in range(4):
            self.layer.receive(['jobs'])
        later = Snapshot(self.layer, 102.0)
        later.add_rates(earlier)
        self.assertEqual((later.channels['jobs']['in_rate'], later.channels['jobs']['out_rate']), (3, 2))

    def test_counters_that_began_anew_have_no_rate(self):
        self.layer.send('jobs', {})
        earlier = Snapshot(self.layer, 100.0)
        self.redis.delete('snapshot:{0}:statistics')
        later = Snapshot(self.layer, 102.0)
        later.add_rates(earlier)
        self.assertNotIn('in_rate', later.channels['jobs'])

    def test_a_small_terminal_shows_the_numbers_of_all_tables(self):
        for number in range(60):
            self.layer.send('jobs.%s.%02d' % ('long' * 20, number), {})
            self.layer.group_add('room%02d' % number, 'a!b')
        snapshot = Snapshot(self.layer, 0)
        lines = tables.fitted(snapshot, self.layer, False, 24, 100)
        self.assertLess(len(lines), 24)
        self.assertLessEqual(max(len(line) for line in lines), 100)
        channel = [line for line in lines if line.startswith('jobs.')][0].split()
        self.assertEqual((len(channel), channel[0][-3:], channel[1]), (11, '.00', '1'))
        self.assertTrue(any(line.startswith('room00') for line in lines))
        self.assertTrue(any(line.startswith('(and 5') for line in lines), lines)
        self.assertGreater(len(tables.fitted(snapshot, self.layer, True, 24, 100)), 120)
        # A file or a pipe has no size.
        self.assertEqual(tables.fitted(snapshot, self.layer, False, 0, 0), tables.render(snapshot, self.layer))

    def test_a_narrow_terminal_cuts_no_number(self):
        self.layer.send('jobs.mail', {})
        self.layer.announce(this_process(WORKER, '1.2.0')._replace(host='alpha', pid=17), {'threads': 4, 'doing': [
            {'channel': 'jobs.mail', 'consumer': 'app.consumer', 'seconds': 2},
        ]})
        snapshot = Snapshot(self.layer, 0)
        # So that none of it depends on when it is shown.
        snapshot.processes[0].update(started=time.time() + 3600, age=0)
        snapshot.channels['jobs.mail'].update(messages_count=1234567, messages_pending=7654321)
        snapshot.channels['long' * 12] = dict(snapshot.channels['jobs.mail'], messages_pending=1)

        def cells(lines, beginning):
            [line] = [line for line in lines if line.startswith(beginning)]
            return line.split()

        whole = tables.render(snapshot, self.layer)
        channel, worker = cells(whole, 'jobs.mail'), cells(whole, 'alpha:17')
        self.assertEqual(worker[8], 'app.consumer')
        for columns in range(40, 160):
            lines = [line[:columns] for line in tables.fitted(snapshot, self.layer, False, 0, columns)]
            shown = cells(lines, 'jobs.mail')
            self.assertEqual(shown, channel[:max(2, len(shown))])
            self.assertEqual(cells(lines, 'channel ')[-1] == '>', len(shown) < len(channel))
            # A name has all the room of the columns that are left out.
            [row] = [line for line in lines if line.startswith('long')]
            if '...' in row:
                self.assertEqual(len(row) + (2 if len(row.split()) < len(channel) else 0), columns)
            # Of texts, such as the last one here, what fits is better than nothing.
            shown = cells(lines, 'alpha:17')[:8]
            self.assertEqual(shown, worker[:max(3, len(shown))])


class JobActionTests(CommandTestCase):
    """The actions on acknowledged channels."""

    def setUp(self):
        super(JobActionTests, self).setUp()
        self.layer = self.make_layer(acknowledged=['jobs.*'])
        self.layer.hold_as('nobody')

    def bury(self, number, unique=None, **story):
        if unique is None:
            self.layer.send('jobs.mail', {'n': number})
        else:
            self.layer.send_job('jobs.mail', {'n': number}, unique=unique)
        receipt = receipt_of(self.layer.receive(['jobs.mail'])[1])
        self.layer.postpone(receipt, BURY, story=story_of(**story))
        return receipt.id

    def test_jobs_are_shown_and_cancelled(self):
        self.layer.send('jobs.mail', {'n': 1})
        id = self.layer.send_job('jobs.mail', {'n': 2}, delay=60, priority=5)
        shown = self.run_command('jobs', 'jobs.mail')
        self.assertIn('no id: priority 0, 0 attempts', shown)
        self.assertIn('%s: priority 5, 0 attempts, due 2' % id, shown)
        self.assertEqual(json.loads(self.run_command('jobs', 'jobs.mail', json=True))[1]['message'], {'n': 2})
        self.assertEqual(self.run_command('cancel', 'jobs.mail', ids=[id]).strip(),
                         'Cancelled 1 of 1 job on jobs.mail.')
        self.assertNotIn(id, self.run_command('jobs', 'jobs.mail'))

    def test_drain_waits_for_what_a_reader_has_in_progress(self):
        began, may_end = threading.Event(), threading.Event()
        self.addCleanup(may_end.set)

        def consumer(message):
            began.set()
            may_end.wait(30)

        layer = ChannelLayerWrapper(self.layer, 'default', [
            route('jobs.mail', consumer, acknowledged=Acknowledged()),
        ])
        worker = Worker(layer, signal_handlers=False)
        self.layer.send('jobs.mail', {})
        reader = threading.Thread(target=worker.run_once)
        reader.start()
        self.assertTrue(began.wait(30))
        with self.assertRaisesMessage(
                CommandError, 'After 0 s still 0 messages in jobs.mail, and 1 in progress. Does a worker read it?'):
            self.run_command('drain', 'jobs.mail', timeout=0.0)
        may_end.set()
        self.assertEqual(self.run_command('drain', 'jobs.mail', interval=0.05, timeout=30).splitlines()[-1],
                         'jobs.mail is empty.')
        reader.join()
        self.layer.send_job('jobs.mail', {}, delay=60)
        self.assertEqual(self.run_command('drain', 'jobs.mail', timeout=0.0).strip(),
                         'jobs.mail is empty. 1 message due later.')

    def test_peek_shows_what_is_due(self):
        self.layer.send('jobs.mail', {'n': 1})
        self.layer.send_job('jobs.mail', {'n': 2}, priority=5)
        self.layer.send_job('jobs.mail', {'n': 3}, delay=60)
        shown = json.loads(self.run_command('peek', 'jobs.mail', json=True))
        self.assertEqual([(entry['channels'], entry['message']) for entry in shown], [
            (['jobs.mail'], {'n': 2}), (['jobs.mail'], {'n': 1}),
        ])
        self.assertTrue(all(0 <= entry['age'] < 60 for entry in shown), shown)
        self.assertEqual(self.run_command('peek', 'jobs.mail').count(' s old\n'), 2)
        self.run_command('purge', 'jobs.mail', interactive=False)
        self.assertEqual(self.run_command('peek', 'jobs.mail').strip(), 'No message waits in jobs.mail.')

    def test_a_delayed_message_of_any_channel_is_cancelled(self):
        id = Channel('not.acknowledged', channel_layer=self.layer).send({}, delay=60)
        self.assertEqual(self.run_command('cancel', 'not.acknowledged', ids=[id, 'another']).strip(),
                         'Cancelled 1 of 2 jobs on not.acknowledged.')
        self.assertEqual(self.layer.jobs(DELAYED), [])

    def test_a_job_that_waits_for_a_retry_is_shown_with_its_last_error(self):
        self.layer.send('jobs.mail', {'n': 1})
        receipt = receipt_of(self.layer.receive(['jobs.mail'])[1])
        story = {'error': 'ValueError: no', 'traceback': 'line 7'}
        self.layer.postpone(receipt, RETRY, 60, story=story_of(**story))
        shown = self.run_command('jobs', 'jobs.mail')
        self.assertIn('%s: priority 0, 1 attempt, due 2' % receipt.id, shown)
        self.assertIn('The last attempt failed: ValueError: no\n', shown)
        self.assertIn('line 7\n', shown)
        self.assertEqual(json.loads(self.run_command('jobs', 'jobs.mail', json=True))[0]['story'], story)

    def test_dead_letters_are_shown_replayed_and_deleted(self):
        ids = [self.bury(number, error='ValueError: %d' % number, traceback='line 7') for number in range(3)]
        shown = self.run_command('dead', 'jobs.mail')
        for number, id in enumerate(ids):
            self.assertIn(id, shown)
            self.assertIn('after 1 attempt: ValueError: %d' % number, shown)
        self.assertIn('line 7', shown)
        self.assertEqual(json.loads(self.run_command('dead', 'jobs.mail', json=True))[2]['message'], {'n': 2})
        self.assertEqual(self.run_command('replay', 'jobs.mail', ids=[ids[1]]).strip(),
                         'Replayed 1 dead letter of jobs.mail.')
        self.assertIn('Deleted 1', self.run_command('delete', 'jobs.mail', ids=[ids[0]]))
        self.assertIn('Replayed 1', self.run_command('replay', 'jobs.mail', every=True))
        self.assertEqual([message['n'] for channel, message in self.received('jobs.mail')], [1, 2])
        self.assertIn('has no dead letters', self.run_command('dead', 'jobs.mail'))

    def test_a_dead_letter_that_stays_keeps_no_other_from_being_replayed(self):
        for number in range(4):
            self.bury(number, unique='once' if number < 3 else None)
        self.layer.send_job('jobs.mail', {}, unique='once')
        id = self.layer.dead_letters('jobs.mail')[0].id
        with self.assertRaisesMessage(CommandError, 'or a job is there that has their id or unique key.'):
            self.run_command('replay', 'jobs.mail', ids=[id])
        before, job_rows.PAGE = job_rows.PAGE, 2
        self.addCleanup(setattr, job_rows, 'PAGE', before)
        self.assertIn('Replayed 1 dead letter', self.run_command('replay', 'jobs.mail', every=True))
        self.assertEqual([letter.message['n'] for letter in self.layer.dead_letters('jobs.mail')], [0, 1, 2])

    def test_what_a_stranger_sent_does_nothing_to_the_terminal(self):
        evil = '\x1b]0;mine\x07\x1b[2J'
        self.bury(1, error='ValueError: ' + evil, traceback='line 7 ' + evil)
        self.layer.send('jobs.mail', {'n': evil})
        receipt = receipt_of(self.layer.receive(['jobs.mail'])[1])
        self.layer.postpone(receipt, RETRY, 60, story=story_of(error=evil, traceback=evil))
        for action, count in (('dead', 2), ('jobs', 2)):
            shown = self.run_command(action, 'jobs.mail')
            self.assertNotIn('\x1b', shown)
            self.assertEqual(shown.count('\\x1b]0;mine\\x07\\x1b[2J'), count)

    def test_a_server_that_is_full_is_looked_into_and_emptied(self):
        letters = [self.bury(number) for number in range(2)]
        self.layer.send('jobs.plain', {})
        job = self.layer.send_job('jobs.mail', {}, delay=60)
        self.layer.send('jobs.mail', {})
        self.redis.config_set('maxmemory', 1)
        self.addCleanup(self.redis.config_set, 'maxmemory', 0)
        for action, channel, options, text in (
            ('status', None, {}, 'noeviction'),
            ('check', None, {'max_pending': 9}, 'OK'),
            ('peek', 'jobs.plain', {}, '{}'),
            ('jobs', 'jobs.mail', {}, job),
            ('dead', 'jobs.mail', {}, letters[1]),
            ('delete', 'jobs.mail', {'ids': letters[:1]}, 'Deleted 1 dead letter'),
            ('delete', 'jobs.mail', {'every': True}, 'Deleted 1 dead letter'),
            ('cancel', 'jobs.mail', {'ids': [job]}, 'Cancelled 1 of 1 job'),
            ('purge', 'jobs.mail', {'interactive': False}, 'Removed 1 message'),
            ('purge', 'jobs.plain', {'interactive': False}, 'Removed 1 message'),
            ('drain', 'jobs.mail', {}, 'is empty'),
        ):
            # Each is a process of its own, which has to connect.
            channel_layers['default'].close()
            channel_layers.reset()
            self.assertIn(text, self.run_command(*filter(None, (action, channel)), **options), action)
        self.assertEqual(collect(channel_layers['default'], 'default').get('error'), None)

    def test_two_who_replay_all_at_once_leave_none(self):
        for number in range(7):
            self.bury(number)
        before, job_rows.PAGE = job_rows.PAGE, 3
        self.addCleanup(setattr, job_rows, 'PAGE', before)
        rest = []

        def replay(channel, ids):
            # The other one was quicker with these.
            rest.append(self.layer.replay(channel, ids[:2]))
            return self.layer.replay(channel, ids)

        done = job_rows.with_every_dead_letter(self.layer, 'jobs.mail', replay)
        self.assertEqual((done + sum(rest), self.layer.dead_letters('jobs.mail')), (7, []))

    def test_status_counts_what_waits_there(self):
        for number in range(3):
            self.layer.send('jobs.mail', {'n': number})
        self.layer.send_job('jobs.mail', {}, priority=1)
        self.bury(4)
        status = json.loads(self.run_command('status', json=True))['channels']['jobs.mail']
        self.assertEqual((status['messages_pending'], status['dead_letters']), (4, 1))
        self.assertLess(status['messages_max_age'], 60)
        lines = self.run_command('status').splitlines()
        [heading] = [number for number, line in enumerate(lines) if line.startswith('acknowledged channel')]
        self.assertEqual(lines[heading].split()[2:], [
            'dead', 'letters', 'later', 'in', 'progress', 'retried', 'requeued', 'dead'])
        self.assertEqual(lines[heading + 1].split(), ['jobs.mail', '1', '0', '0', '0', '0', '1'])
        # Where there is room for one, it is the one to act upon.
        narrow = tables.fitted(Snapshot(self.layer, 0), self.layer, False, 0, 40)
        self.assertEqual([line for line in narrow if line.startswith('jobs.mail')][1].split(), ['jobs.mail', '1'])
        self.assertEqual(self.run_command('purge', 'jobs.mail', interactive=False).strip(),
                         'Removed 4 messages from jobs.mail.')
        self.assertEqual(self.run_command('drain', 'jobs.mail').strip(), 'jobs.mail is empty.')

    def test_each_mistake_says_what_to_do(self):
        with self.assertRaises(CommandError) as raised:
            self.run_command('replay', 'jobs.mail')
        self.assertEqual(str(raised.exception), 'replay needs --id, once or several times, or --every for all dead '
                                                'letters of the channel.')
        with self.assertRaises(CommandError) as raised:
            self.run_command('cancel', 'jobs.mail')
        self.assertEqual(str(raised.exception), 'cancel needs --id, once or several times.')
        letter = self.bury(1)
        for action in ('replay', 'delete'):
            said = action + ': 0 of 1; the others are no dead letters of jobs.mail'
            with self.assertRaisesMessage(CommandError, said):
                self.run_command(action, 'jobs.mail', ids=['another'])
            with self.assertRaisesMessage(CommandError, 'Give either --id or --every'):
                self.run_command(action, 'jobs.mail', ids=['another'], every=True)
        self.assertEqual([found.id for found in self.layer.dead_letters('jobs.mail')], [letter])
        with self.assertRaises(CommandError):
            self.run_command('dead')
