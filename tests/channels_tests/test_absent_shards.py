"""Tests of what is seen of a layer while one of its Redis servers is away."""
from __future__ import absolute_import, unicode_literals

import json
import signal

from django.channels import channel_layers
from django.channels.compat import six
from django.channels.compat.url_patterns import reverse
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.acknowledgement import BURY, receipt_of, story_of
from django.channels.layers.presence import WORKER, this_process
from django.channels.layers.transport import absences
from django.channels.management import tables
from django.channels.monitoring import families, history
from django.channels.monitoring.overview import collect, fragment
from django.channels.monitoring.snapshot import Snapshot
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings
from django.utils.html import escape

from . import test_monitoring_admin as pages
from .redis_case import RedisTestCase
from .redis_server import RedisServer, free_port


def unescaped(page):
    """Return the text of a `page`, with apostrophes for their entities."""
    return page.content.decode('utf-8').replace(escape("'"), "'")


class UntilShown(six.StringIO):
    """An output that presses Ctrl-C once `count` looks have been written."""

    def __init__(self, count):
        six.StringIO.__init__(self)
        self.count = count

    def flush(self):
        self.count -= 1
        if not self.count:
            raise KeyboardInterrupt


class AbsentShardCase(RedisTestCase):
    """Two servers are there; between, before or behind them is the address of one that isn't."""
    prefix = 'absent:'

    @classmethod
    def setUpClass(cls):
        super(AbsentShardCase, cls).setUpClass()
        cls.other = RedisServer().start()

    @classmethod
    def tearDownClass(cls):
        cls.other.stop()
        super(AbsentShardCase, cls).tearDownClass()

    def setUp(self):
        super(AbsentShardCase, self).setUp()
        self.port = free_port()
        #: As people may see it.
        self.away = '127.0.0.1:%d' % self.port
        self.use(1)

    def use(self, place):
        """Have a layer whose shard `place` is away, as the project's; and something on the others."""
        hosts = [self.server.url, self.other.url]
        for url in hosts:
            self.connect(url).flushall()
        hosts.insert(place, 'redis://somebody:secret@127.0.0.1:%d/0' % self.port)
        self.use_hosts(hosts)
        self.layer = channel_layers['default'].channel_layer
        self.layer.hold_as('tester')

    def use_hosts(self, hosts):
        overridden = override_settings(CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': [],
            'CONFIG': {'hosts': hosts, 'prefix': self.prefix, 'acknowledged': ['jobs.acknowledged']},
        }})
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.addCleanup(channel_layers.reset)
        channel_layers.reset()
        self.addCleanup(channel_layers['default'].close)

    def fill(self):
        for number in range(6):
            self.layer.send('jobs.mail', {'n': number})
            self.layer.send('jobs.acknowledged', {'n': number})
        self.layer.announce(this_process(WORKER, '1.0'), {})
        for number in range(30):
            try:
                self.layer.group_add('room', 'p%d!x' % number)
            except LayerUnavailable:
                # It belongs on the one that is away.
                continue

    def assertNamed(self, text):
        self.assertIn("Redis at %s can't be reached" % self.away, text)
        self.assertNotIn('secret', text)

    def bury_one(self):
        """Make a dead letter; return its id."""
        channel, message = self.layer.receive(['jobs.acknowledged'])
        receipt = receipt_of(message)
        self.layer.postpone(receipt, BURY, story=story_of(error="No."))
        return self.layer.looking({}).dead_letters('jobs.acknowledged')[0].id


class HangingShardTests(AbsentShardCase):
    """A server takes connections, and answers nothing."""

    def setUp(self):
        super(HangingShardTests, self).setUp()
        self.use_hosts([self.server.url, self.other.url])
        self.layer = channel_layers['default'].channel_layer
        self.hanging = '127.0.0.1:%d' % self.other.port
        self.other.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.other.process.send_signal, signal.SIGCONT)
        self.asked = []
        pool = self.layer._pools[1]
        exchange = pool.exchange

        def noted(commands, *args, **kwargs):
            self.asked.append((b'PING' in commands[0], kwargs))
            return exchange(commands, *args, **kwargs)
        pool.exchange = noted

    def test_each_look_asks_it_once_and_soon_gives_up(self):
        for look in (
            lambda absent: absent.update(self.layer.inspect_channels().absent),
            lambda absent: absent.update(self.layer.inspect_groups().absent),
            lambda absent: self.layer.looking(absent).group_channels('room'),
            lambda absent: self.layer.looking(absent).acknowledged_statistics(),
        ):
            absent = {}
            look(absent)
            self.assertEqual(len(absent), 1, absent)
            self.assertIn("Redis at %s can't be reached" % self.hanging, list(absent.values())[0])
            self.layer.inspect_servers()
            self.assertEqual(self.asked, [(True, {'timeout': absences.PATIENCE})])
            del self.asked[:]
            self.layer._transport.absences._known.clear()
            self.layer._carriers[0].prober._silent.clear()

    def test_metrics_find_out_that_it_hangs_before_they_ask_who_is_alive(self):
        self.make_layer(hosts=[self.server.url]).announce(this_process(WORKER, '1.0'), {})
        known, processes = [], self.layer.processes

        def noted():
            known.append(self.layer._transport.absences.why(1))
            return processes()

        self.layer.processes = noted
        samples = {family.name: family.samples for family in families.everything(self.layer, 'default')}
        self.assertIn(self.hanging, known[0])
        self.assertEqual(self.asked, [(True, {'timeout': absences.PATIENCE})])
        self.assertEqual(dict(samples['channels_processes'])['default', 'worker'], 1)

    def test_commands_that_change_something_do_nothing_and_soon_give_up(self):
        for action, channel in (
            ('purge', 'jobs.mail'), ('drain', 'jobs.mail'), ('delete', 'jobs.acknowledged'),
            ('replay', 'jobs.acknowledged'), ('cancel', 'jobs.acknowledged'), ('peek', 'jobs.mail'),
            ('jobs', 'jobs.acknowledged'), ('dead', 'jobs.acknowledged'), ('durability', None), ('schedules', None),
        ):
            with self.assertRaises(CommandError) as caught:
                call_command('channels', *filter(None, (action, channel)), interactive=False, every=action != 'cancel',
                             ids=['x'] if action == 'cancel' else None, stdout=six.StringIO())
            self.assertIn("Redis at %s can't be reached" % self.hanging, str(caught.exception))
            self.assertEqual(self.asked, [(True, {'timeout': absences.PATIENCE})], action)
            del self.asked[:]
            self.layer._transport.absences._known.clear()
            self.layer._carriers[0].prober._silent.clear()

    def test_other_shards_of_a_server_that_hangs_are_not_asked(self):
        layer = self.make_layer(hosts=[self.server.url, self.other.url, self.other.url])
        asked, connect = [], layer._pools[2]._connect
        layer._pools[2]._connect = lambda *args: (asked.append(args), connect(*args))[1]
        self.assertEqual(sorted(layer.inspect_channels().absent), [self.hanging])
        self.assertEqual(asked, [])
        self.assertEqual(len(layer.inspect_servers()), 1)


class AbsentShardTests(AbsentShardCase):

    def run_command(self, *arguments, **options):
        output = options.pop('stdout', None) or six.StringIO()
        call_command('channels', *arguments, stdout=output, **options)
        return output.getvalue()

    def test_status_shows_what_the_others_hold_and_names_it(self):
        for place in range(3):
            self.use(place)
            self.fill()
            text = self.run_command('status')
            self.assertNamed(text)
            [row] = [line.split() for line in text.splitlines() if line.startswith('jobs.mail')]
            self.assertEqual(int(row[1]), 6)
            for line in ('jobs.acknowledged ', 'room ', '127.0.0.1:%d ' % self.server.port, 'worker '):
                self.assertIn('\n' + line, text)
            found = json.loads(self.run_command('status', json=True))
            self.assertEqual([server['server'] for server in found['absent']], [self.away])
            self.assertNamed(found['absent'][0]['error'])
            self.assertFalse(found['complete'])
            self.assertEqual(len(found['servers']), 2)
            self.assertEqual(found['channels']['jobs.mail']['messages_pending'], 6)
            self.assertNotIn('secret', json.dumps(found))

    def test_watch_shows_the_same(self):
        self.fill()
        output = UntilShown(2)
        text = self.run_command('watch', interval=0.01, stdout=output)
        self.assertNamed(text)
        self.assertEqual(text.count('\njobs.mail '), 2)

    def test_on_a_narrow_terminal_the_whole_sentence_is_shown(self):
        self.fill()
        lines = tables.fitted(Snapshot(channel_layers['default'], 0.0), self.layer, False, 40, 50)
        begin = lines.index('') + 1
        self.assertLessEqual(max(len(line) for line in lines[begin:lines.index('', begin)]), 50)
        self.assertIn('Connection refused. What it holds is missing below.', ' '.join(lines))
        self.assertNamed(' '.join(lines))

    def test_watch_goes_on_when_none_is_left_and_when_they_are_back(self):
        server = RedisServer().start()
        self.addCleanup(server.stop)
        self.use_hosts([server.url])

        class Output(UntilShown):
            def flush(self):
                looks = {4: server.stop, 3: server.start}
                looks.get(self.count, lambda: None)()
                UntilShown.flush(self)

        text = self.run_command('watch', interval=0.01, stdout=Output(5))
        looks = text.split('Channel layer ')[1:]
        is_away = ["can't be reached: Redis at 127.0.0.1:" in look for look in looks]
        self.assertEqual(is_away, [False, True, False, False])
        self.assertEqual(['\nserver ' in look for look in looks], [True] * 4)

    def test_check_fails_and_names_it_beside_what_is_above_its_limit(self):
        self.fill()
        for limit, is_above in ((1000, False), (5, True)):
            with self.assertRaises(CommandError) as caught:
                self.run_command('check', max_pending=limit)
            self.assertNamed(str(caught.exception))
            self.assertEqual('6 messages wait' in str(caught.exception), is_above)

    def test_the_admins_page_shows_the_same(self):
        for place in range(3):
            self.use(place)
            self.fill()
            found = collect(self.layer, 'default')
            self.assertNamed(found['absent'][0])
            self.assertEqual({row['name'] for row in found['channels']}, {'jobs.mail', 'jobs.acknowledged'})
            self.assertEqual([row['name'] for row in found['groups']], ['room'])
            self.assertEqual((len(found['servers']), len(found['workers'])), (2, 1))
            with override_settings(ROOT_URLCONF=pages.__name__, TEMPLATES=pages.TEMPLATES):
                self.assertIn('Connection refused. What it holds is missing below.', fragment(self.layer, 'default'))

    def test_it_is_asked_once_a_look(self):
        for place in range(3):
            self.use(place)
            self.fill()
            asked = []
            pool = self.layer._pools[place]
            connect = pool._connect
            pool._connect = lambda *args: (asked.append(place), connect(*args))[1]
            collect(self.layer, 'default')
            self.assertEqual(asked, [place])
            # And again, some time later.
            absences.REMEMBERED, before = 0.0, absences.REMEMBERED
            self.addCleanup(setattr, absences, 'REMEMBERED', before)
            self.layer._transport.absences._known.clear()
            self.layer._carriers[0].prober._silent.clear()
            self.layer.inspect_groups()
            self.layer.inspect_groups()
            self.assertEqual(asked, [place] * 3)
            absences.REMEMBERED = before

    def test_what_is_shown_of_a_channel_is_what_the_others_hold(self):
        for place in range(3):
            self.use(place)
            self.fill()
            self.bury_one()
            for action, channel, count in (
                ('peek', 'jobs.mail', 6), ('peek', 'jobs.acknowledged', 5), ('jobs', 'jobs.acknowledged', 5),
                ('dead', 'jobs.acknowledged', 1),
            ):
                for as_json in (False, True):
                    output = six.StringIO()
                    with self.assertRaises(CommandError) as caught:
                        self.run_command(action, channel, limit=100, json=as_json, stdout=output)
                    self.assertNamed(str(caught.exception))
                    self.assertEqual(output.getvalue().count('"n": '), count)
            for action, channel in (('purge', 'jobs.mail'), ('drain', 'jobs.mail'), ('delete', 'jobs.acknowledged')):
                with self.assertRaises(CommandError) as caught:
                    self.run_command(action, channel, interactive=False, every=True, timeout=0)
                self.assertNamed(str(caught.exception))

    def test_a_sample_of_a_part_is_none(self):
        self.fill()
        with self.assertRaises(LayerUnavailable):
            history.record(self.layer)
        self.assertEqual(history.curves(self.layer), {})

    def test_metrics_have_gauges_and_say_who_is_up(self):
        self.fill()
        samples = {family.name: family.samples for family in families.everything(self.layer, 'default')}
        self.assertEqual(dict(samples['channels_messages_pending'])['default', 'jobs.mail'], 6)
        self.assertEqual(samples['channels_messages_sent'], [])
        self.assertEqual(samples['channels_messages_dead'], [])
        up = {labels[1]: value for labels, value in samples['channels_store_up']}
        self.assertEqual(up, {
            '127.0.0.1:%d' % self.server.port: 1, '127.0.0.1:%d' % self.other.port: 1, self.away: 0,
        })

    def test_rates_are_not_told_of_counters_that_are_others(self):
        self.fill()
        looks = [channel_layers['default'], self.make_layer(hosts=[self.server.url, self.other.url])]
        later, earlier = [Snapshot(layer, 100.0 + number) for number, layer in enumerate(looks[::-1])]
        later.add_rates(earlier)
        self.assertNotIn('in_rate', later.channels['jobs.mail'])

    def test_without_any_there_is_nothing_to_show(self):
        self.use_hosts(['redis://:secret@127.0.0.1:%d/0' % free_port() for _ in 'ab'])
        layer = channel_layers['default']
        for method in (layer.inspect_channels, layer.inspect_groups, layer.inspect_servers, layer.processes):
            with self.assertRaisesMessage(LayerUnavailable, "can't be reached"):
                method()
        for action in ('status', 'check'):
            with self.assertRaisesMessage(CommandError, "can't be reached"):
                self.run_command(action, max_age=1)
        self.assertIn("can't be reached", collect(layer, 'default')['error'])


@override_settings(ROOT_URLCONF=pages.__name__, TEMPLATES=pages.TEMPLATES, PASSWORD_HASHERS=pages.HASHERS)
class AbsentShardPageTests(AbsentShardCase, TestCase):

    def setUp(self):
        super(AbsentShardPageTests, self).setUp()
        User.objects.create_superuser('somebody', 's@example.com', 'secret')
        self.client.login(username='somebody', password='secret')

    def page(self, name, *arguments):
        return self.client.get(reverse('admin:channels_monitoring_' + name, args=('default',) + arguments))

    def test_pages_show_what_the_others_hold(self):
        for place in range(3):
            self.use(place)
            self.fill()
            self.bury_one()
            for name, title, text in (
                ('channel', 'jobs.mail', '6 messages wait'), ('channel', 'jobs.acknowledged', '5 messages wait'),
                ('jobs', 'jobs.acknowledged', '5 waiting, 0 due later, 0 in progress, 1 dead letter.'),
                ('group', 'room', ' members of this group.'),
            ):
                page = self.page(name, title)
                self.assertContains(page, text)
                self.assertNamed(unescaped(page))

    def test_what_only_the_one_that_is_away_could_say_is_unavailable(self):
        self.fill()
        shown = self.page('letter', 'jobs.acknowledged', self.bury_one())
        self.assertContains(shown, 'jobs.acknowledged')
        for name, arguments in (('letter', ('jobs.acknowledged', 'other')), ('purge', ('jobs.mail',))):
            page = self.page(name, *arguments)
            self.assertEqual(page.status_code, 503)
            self.assertNamed(unescaped(page))
        self.use_hosts(['redis://:secret@127.0.0.1:%d/0' % self.port])
        for name, title in (('channel', 'jobs.mail'), ('jobs', 'jobs.acknowledged'), ('group', 'room')):
            page = self.page(name, title)
            self.assertEqual(page.status_code, 503)
            self.assertNamed(unescaped(page))
