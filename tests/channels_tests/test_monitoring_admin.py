"""Tests of the admin's pages about channels, and of their socket."""
from __future__ import absolute_import, unicode_literals

import json
import time

from django.channels import Channel, Group, channel_layers, route
from django.channels.compat.url_patterns import re_path, reverse
from django.channels.exceptions import LayerUnavailable
from django.channels.histograms import Histogram
from django.channels.layers.acknowledgement import BURY, RETRY, Job, receipt_of, story_of
from django.channels.layers.codec import to_json
from django.channels.layers.presence import SERVER, WORKER, this_process
from django.channels.monitoring import job_pages, overview
from django.channels.monitoring.admin import MAX_MEMBERS, OverviewAdmin
from django.channels.monitoring.job_rows import MOST, job_rows, message_text
from django.channels.monitoring.models import Overview
from django.channels.monitoring.routing import channel_routing
from django.channels.test import ChannelTestCase, WSClient
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError
from django.db.models.signals import pre_save
from django.test import Client, override_settings


class StrictSite(admin.AdminSite):
    """A site with a rule of its own."""

    def has_permission(self, request):
        return request.user.is_superuser


class BrokenSite(admin.AdminSite):
    """A site whose rule asks for what a middleware has put into the request."""

    def has_permission(self, request):
        return request.is_verified


site, strict, broken = admin.AdminSite(), StrictSite('strict'), BrokenSite('broken')
for each in (site, strict, broken):
    each.register(Overview, OverviewAdmin)
urlpatterns = [
    re_path(r'^admin/', site.urls), re_path(r'^strict/', strict.urls), re_path(r'^broken/', broken.urls),
]

PROCESSORS = [
    'django.template.context_processors.request', 'django.contrib.auth.context_processors.auth',
    'django.contrib.messages.context_processors.messages',
]
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True,
    'OPTIONS': {'context_processors': PROCESSORS},
}]
LAYERS = {'default': {
    'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
    'TEST_CONFIG': {}, 'ROUTING': channel_routing + [
        route('jobs.mail', lambda message: None), route('jobs.sent', lambda message: None, acknowledged=True),
    ],
}}
# The default one takes its time, on purpose.
HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher']
HTML = '<script>alert(1)</script>'


@override_settings(ROOT_URLCONF=__name__, TEMPLATES=TEMPLATES, CHANNEL_LAYERS=LAYERS, PASSWORD_HASHERS=HASHERS)
class AdminTests(ChannelTestCase):

    def setUp(self):
        super(AdminTests, self).setUp()
        self.overview = reverse('admin:channels_monitoring_overview_changelist')

    def log_in(self, *permissions, **fields):
        user = User.objects.create_user('somebody', 's@example.com', 'secret')
        User.objects.filter(pk=user.pk).update(**dict({'is_staff': True}, **fields))
        content_type = ContentType.objects.get_for_model(Overview)
        for codename in permissions:
            user.user_permissions.add(Permission.objects.get_or_create(
                codename=codename, content_type=content_type, defaults={'name': codename})[0])
        self.client.login(username='somebody', password='secret')
        return user

    def test_permissions_are_made_for_the_model_without_a_table(self):
        self.assertEqual(
            set(Permission.objects.filter(content_type__app_label='channels_monitoring').values_list(
                'codename', flat=True)),
            {'view_channels', 'change_channels'},
        )

    def test_the_overview_shows_channels_and_groups(self):
        self.log_in('view_channels')
        Channel('jobs.mail').send({'to': HTML})
        Group('room').add('a!b')
        page = self.client.get(self.overview)
        self.assertContains(page, 'jobs.mail</a>')
        self.assertContains(page, reverse('admin:channels_monitoring_group', args=('default', 'room')))
        # Where one is isn't named twice.
        self.assertContains(page, '&rsaquo;', 1)
        self.assertContains(self.client.get(reverse('admin:index')), self.overview)

    def test_the_overview_shows_workers_and_what_they_do(self):
        self.log_in('view_channels')
        self.assertContains(self.client.get(self.overview), 'No worker says that it is alive.')
        layer = channel_layers['default']
        layer.announce(this_process(WORKER, '1.2.0')._replace(host='alpha', pid=17), {'threads': 4, 'doing': [
            {'channel': 'jobs.mail', 'consumer': HTML, 'thread': 'worker-1', 'seconds': 90.5},
        ]})
        layer.announce(this_process(SERVER, '1.0.0')._replace(host='beta', pid=9), {'sockets': 250, 'requests': 3})
        page = self.client.get(self.overview)
        self.assertContains(page, 'alpha:17')
        # Since then it has gone on.
        self.assertContains(page, '&lt;script&gt;alert(1)&lt;/script&gt; on jobs.mail for 9')
        self.assertContains(page, '<td data-label="Sockets">250</td>')
        self.assertNotContains(page, '<script>alert')

    def test_what_another_program_calls_its_channels_and_groups_costs_no_page(self):
        self.log_in('view_channels')
        layer = channel_layers['default'].channel_layer
        layer.inspect_channels = lambda budget=None: {'a/b': {'dead_letters': 1}, 'body?': {}, 'jobs.mail': {}}
        layer.inspect_groups = lambda budget=None: {'c d': 1}
        page = self.client.get(self.overview)
        for name, count in (('a/b', 2), ('body?', 1), ('c d', 1)):
            self.assertContains(page, '<th scope="row">%s</th>' % name, count)
        self.assertContains(page, 'jobs.mail</a>')

    def test_a_group_has_pages_of_its_members(self):
        self.log_in('view_channels')
        url = reverse('admin:channels_monitoring_group', args=('default', 'room'))
        self.assertContains(self.client.get(url), 'No channel is a member of this group.')
        members = ['a!%03d' % number for number in range(2 * MAX_MEMBERS + 1)]
        for member in members:
            Group('room').add(member)
        ends = [(0, MAX_MEMBERS), (MAX_MEMBERS, 2 * MAX_MEMBERS), (2 * MAX_MEMBERS, len(members))]
        for offset, shown in (
            ('', ends[0]), ('?offset=%d' % MAX_MEMBERS, ends[1]), ('?offset=%d' % ends[2][0], ends[2]),
            # What has gone meanwhile, and what no page has.
            ('?offset=999999', ends[2]), ('?offset=-1', ends[0]), ('?offset=%C2%B2', ends[0]),
        ):
            page = self.client.get(url + offset)
            self.assertContains(page, '<p>%d members of this group.</p>' % len(members))
            # Some Djangos have a sidebar with rows of its own.
            self.assertContains(page, '<tr><th scope="row">a!', shown[1] - shown[0])
            self.assertContains(page, '%d to %d of %d' % (shown[0] + 1, shown[1], len(members)), 2)
            for member in members[slice(*shown)]:
                self.assertContains(page, '>%s<' % member)
            for is_there, other in ((shown[0] > 0, shown[0] - MAX_MEMBERS), (shown[1] < len(members), shown[1])):
                self.assertContains(page, '"?offset=%d"' % other, 2 if is_there else 0)

    def test_a_group_of_one_page_has_no_links_to_others(self):
        self.log_in('view_channels')
        Group('room').add('a!b')
        page = self.client.get(reverse('admin:channels_monitoring_group', args=('default', 'room')))
        self.assertContains(page, '<p>1 member of this group.</p>')
        self.assertNotContains(page, '?offset=')

    def test_the_overview_begins_with_a_summary(self):
        self.log_in('view_channels')
        self.assertContains(self.client.get(self.overview), '<p>0 messages wait.</p>')
        Channel('jobs.mail').send({})
        self.assertContains(self.client.get(self.overview), '<p>1 message waits, the oldest for ')

    def test_a_summary_counts_what_all_channels_have(self):
        snapshot = type(str('Snapshot'), (), {'channels': {
            'a': {'messages_pending': 2, 'messages_max_age': 1.25},
            'b': {'messages_pending': 1, 'messages_max_age': 3},
            'c': {'messages_pending': 0, 'messages_max_age': 0, 'held': 1, 'later': 4, 'dead_letters': 2},
        }})
        workers, servers = [{'state': state} for state in ('alive', 'stopping', 'dead')], [{'state': 'alive'}]
        self.assertEqual(overview.summary(snapshot, workers, servers), [
            '3 messages wait, the oldest for 3.0 s', '1 job in progress, 4 due later', '2 dead letters',
            '2 workers alive', '1 interface server alive',
        ])

    def test_a_channel_shows_what_workers_have_counted_of_it(self):
        self.log_in('view_channels')
        url = reverse('admin:channels_monitoring_channel', args=('default', 'jobs.mail'))
        self.assertNotContains(self.client.get(url), 'have counted')
        layer, numbers = channel_layers['default'], Histogram()
        for seconds in (0.25, 0.5):
            numbers.observe(seconds)
        for pid, of_channel in enumerate((
            {'outcomes': {'handled': 2, 'failed': 1}, 'waited': Histogram().as_list(),
             'handled': numbers.as_list()},
            {'outcomes': {'handled': 2}, 'waited': numbers.as_list(), 'handled': numbers.as_list()},
            # As others may tell it.
            {'outcomes': {'handled': 'many'}}, ['outcomes'], {'outcomes': {}, 'waited': [], 'handled': 7},
        )):
            layer.announce(this_process(WORKER, '1')._replace(host='alpha', pid=pid), {
                'numbers': {'jobs.mail': of_channel, 'jobs.sent': of_channel}})
        self.assertContains(self.client.get(url), (
            '<p>Workers that are alive have counted 4 handled, 1 failed. On average a message waited 0.375 s. '
            'On average its consumer took 0.375 s.</p>'))

    def test_a_channel_shows_what_went_wrong_where_something_did(self):
        self.log_in('view_channels')
        url = reverse('admin:channels_monitoring_channel', args=('default', 'jobs.mail'))
        self.assertContains(self.client.get(url), '0 were sent, 0 refused, 0 expired.</p>')
        layer = channel_layers['default'].channel_layer
        counted = dict(layer.channel_statistics('jobs.mail'), dropped_count=2, lost_count=1, malformed_count=3)
        look = layer.looking([])
        look.channel_statistics = lambda channel: dict(counted, unsupported_count=4)
        # It may be the layer itself.
        self.addCleanup(delattr, look, 'channel_statistics')
        layer.looking = lambda absent: look
        self.addCleanup(delattr, layer, 'looking')
        self.assertContains(self.client.get(url), (
            '0 expired, 2 not taken by full members of groups, 1 lost, 3 unreadable, 4 of a later version.</p>'))

    def test_messages_are_shown_to_those_who_may_change_them(self):
        user = self.log_in('view_channels')
        Channel('jobs.mail').send({'to': HTML})
        url = reverse('admin:channels_monitoring_channel', args=('default', 'jobs.mail'))
        self.assertContains(self.client.get(url), 'not shown')
        user.user_permissions.add(Permission.objects.get(codename='change_channels'))
        page = self.client.get(url)
        self.assertContains(page, '&lt;script&gt;alert')
        self.assertNotContains(page, '<script>alert')

    def test_others_see_nothing(self):
        Channel('jobs.mail').send({})
        purge = reverse('admin:channels_monitoring_purge', args=('default', 'jobs.mail'))
        urls = [self.overview, purge] + [
            reverse('admin:channels_monitoring_' + name, args=('default', 'x')) for name in ('channel', 'group')
        ]
        for url in urls:
            self.assertEqual(self.client.get(url).status_code, 302)
        user = self.log_in()
        for url in urls:
            self.assertEqual(self.client.get(url).status_code, 403)
        self.assertNotContains(self.client.get(reverse('admin:index')), self.overview)
        user.user_permissions.add(Permission.objects.get(codename='view_channels'))
        self.assertEqual(self.client.post(purge).status_code, 403)
        self.assertEqual(channel_layers['default'].channel_statistics('jobs.mail')['messages_pending'], 1)

    def test_removing_messages_needs_a_confirmation_and_is_logged(self):
        user = self.log_in('change_channels')
        Channel('jobs.mail').send({})
        purge = reverse('admin:channels_monitoring_purge', args=('default', 'jobs.mail'))
        self.assertContains(self.client.get(purge), 'Remove the message that waits in')
        page = self.client.post(purge, follow=True)
        self.assertContains(page, 'Removed 1 message from jobs.mail.')
        [entry] = LogEntry.objects.all()
        self.assertEqual((entry.user_id, entry.object_id), (user.pk, 'default/jobs.mail'))
        self.assertEqual(entry.change_message, 'Removed 1 message.')

    def test_removing_is_safe_from_other_sites(self):
        self.log_in('change_channels')
        Channel('jobs.mail').send({})
        strict = Client(enforce_csrf_checks=True)
        strict.login(username='somebody', password='secret')
        purge = reverse('admin:channels_monitoring_purge', args=('default', 'jobs.mail'))
        self.assertEqual(strict.post(purge).status_code, 403)
        self.assertEqual(channel_layers['default'].channel_statistics('jobs.mail')['messages_pending'], 1)

    def test_what_isnt_there_is_not_found(self):
        self.log_in('change_channels')
        self.assertEqual(self.client.get(self.overview + '?layer=other').status_code, 404)
        for name in ('a!b', 'x' * 100):
            url = reverse('admin:channels_monitoring_channel', args=('default', name))
            self.assertEqual(self.client.get(url).status_code, 404)

    # Jobs

    def bury(self, message, error, traceback=None, id=None):
        self.give_up(BURY, message, error, traceback, id)
        return channel_layers['default'].dead_letters('jobs.sent')[-1].id

    def give_up(self, action, message, error, traceback, id=None):
        layer = channel_layers['default']
        # It tells the layer which channels are acknowledged.
        self.assertIn('jobs.sent', layer.router.channels)
        layer.hold_as('tester')
        layer.send_job('jobs.sent', message, id=id) if id else layer.send('jobs.sent', message)
        held = layer.receive(['jobs.sent'])[1]
        story = story_of(error=error, traceback=traceback, consumer='app.consumer', reader='tester')
        layer.postpone(receipt_of(held), action, 0 if action == BURY else 60, story=story)
        layer.hold_as(None)

    def url(self, name, *args):
        return reverse('admin:channels_monitoring_' + name, args=('default', 'jobs.sent') + args)

    def test_jobs_and_dead_letters_are_shown(self):
        user = self.log_in('view_channels')
        layer = channel_layers['default']
        job = layer.send_job('jobs.sent', {'to': HTML}, delay=3600, priority=7)
        letter = self.bury({'secret': 1}, 'ValueError: ' + HTML, 'Traceback: line 7')
        layer.announce(this_process(WORKER, '1.2.0')._replace(host='alpha', pid=17), {'doing': [
            {'channel': 'jobs.sent', 'consumer': 'app.busy', 'thread': 'w', 'seconds': 2},
            {'channel': 'jobs.mail', 'consumer': 'app.another', 'thread': 'w', 'seconds': 2},
        ]})
        self.assertContains(self.client.get(self.overview), self.url('jobs'))
        page = self.client.get(self.url('jobs'))
        for text in (job, letter, 'delayed', '1 due later', '1 dead letter.', 'app.busy', 'app.consumer'):
            self.assertContains(page, text)
        # It may quote what is private.
        for text in ('alert(1)', 'secret', 'app.another', 'type="checkbox"', 'type="submit" class'):
            self.assertNotContains(page, text)
        self.assertNotContains(self.client.get(self.url('letter', letter)), 'line 7')
        user.user_permissions.add(Permission.objects.get(codename='change_channels'))
        page = self.client.get(self.url('jobs'))
        self.assertContains(page, '&lt;script&gt;alert', 2)
        self.assertNotContains(page, '<script>alert')
        page = self.client.get(self.url('letter', letter))
        for text in ('Traceback: line 7', 'secret', 'ValueError', 'app.consumer', 'tester'):
            self.assertContains(page, text)

    def test_a_delayed_job_that_notes_when_it_is_due_alone_is_not_shown_as_sent_then(self):
        jobs = [Job('a', 'jobs.sent', 0, 0, sent, due, {}, {}) for sent, due in (
            # As Redis has it, memory, what is due, and what came without an option.
            (2000.001, 2000.0), (1000.0, 2000.0), (1000.0, None), (None, None))]
        self.assertEqual([row['sent'] and row['sent'].timetuple()[:6] for row in job_rows(jobs, True)], [
            None, time.localtime(1000)[:6], time.localtime(1000)[:6], None])

    def test_a_job_that_waits_for_a_retry_shows_its_last_error_to_those_who_may_change_it(self):
        user = self.log_in('view_channels')
        self.give_up(RETRY, {}, 'ValueError: ' + HTML, 'Traceback: line 7')
        page = self.client.get(self.url('jobs'))
        self.assertContains(page, 'waits for a retry')
        self.assertNotContains(page, 'ValueError')
        self.assertNotContains(page, 'line 7')
        user.user_permissions.add(Permission.objects.get(codename='change_channels'))
        page = self.client.get(self.url('jobs'))
        self.assertContains(page, 'ValueError: &lt;script&gt;alert', 1)
        self.assertContains(page, 'Traceback: line 7', 1)

    def test_a_job_is_cancelled_and_dead_letters_are_replayed_and_deleted_once_confirmed(self):
        user = self.log_in('change_channels')
        layer = channel_layers['default']
        job = layer.send_job('jobs.sent', {}, delay=3600)
        letters = [self.bury({'n': number}, 'no') for number in range(4)]
        for data, left, logged in (
            ({'action': 'cancel', 'id': job}, (0, 0, 4), 'Cancelled 1 job: %s.' % job),
            ({'action': 'replay', 'id': letters[1]}, (1, 0, 3), 'Replayed 1 dead letter: %s.' % letters[1]),
            ({'action': 'delete', 'id': letters[2:]}, (1, 0, 1),
             'Deleted 2 dead letters: %s, %s.' % tuple(letters[2:])),
            ({'action': 'replay', 'every': 'yes'}, (2, 0, 0), 'Replayed 1 dead letter: all.'),
        ):
            before = layer.acknowledged_statistics('jobs.sent')
            self.assertContains(self.client.post(self.url('act'), data), 'Yes, do it')
            self.assertEqual(layer.acknowledged_statistics('jobs.sent')['jobs.sent'], before['jobs.sent'])
            page = self.client.post(self.url('act'), dict(data, confirmed='yes'), follow=True)
            self.assertContains(page, logged.partition(':')[0] + ' of jobs.sent.')
            numbers = layer.acknowledged_statistics('jobs.sent')['jobs.sent']
            self.assertEqual((numbers['waiting'], numbers['later'], numbers['dead_letters']), left)
            entry = LogEntry.objects.latest('pk')
            self.assertEqual((entry.user_id, entry.object_id, entry.change_message),
                             (user.pk, 'default/jobs.sent', logged))
        self.assertEqual(self.client.get(self.url('letter', letters[0])).status_code, 404)

    def test_nothing_is_done_to_jobs_without_a_choice_a_permission_or_a_token(self):
        user = self.log_in('change_channels')
        letter = self.bury({}, 'no')
        for data in ({}, {'action': 'purge', 'id': letter}, {'action': 'delete', 'confirmed': 'yes'},
                     {'action': 'cancel', 'every': 'yes', 'confirmed': 'yes'}):
            self.assertRedirects(self.client.post(self.url('act'), data), self.url('jobs'))
        data = {'action': 'delete', 'id': letter, 'confirmed': 'yes'}
        self.assertRedirects(self.client.get(self.url('act'), data), self.url('jobs'))
        strict = Client(enforce_csrf_checks=True)
        strict.login(username='somebody', password='secret')
        self.assertEqual(strict.post(self.url('act'), data).status_code, 403)
        user.user_permissions.clear()
        user.user_permissions.add(Permission.objects.get(codename='view_channels'))
        self.assertEqual(self.client.post(self.url('act'), data).status_code, 403)
        user.user_permissions.clear()
        for url in (self.url('jobs'), self.url('letter', letter)):
            self.assertEqual(self.client.get(url).status_code, 403)
        self.assertEqual(len(channel_layers['default'].dead_letters('jobs.sent')), 1)

    def test_a_message_of_any_size_is_shown_in_part(self):
        more = MOST + 5
        message = {'text': 'x' * more, 'bytes': b'y' * more, 'deep': [{'list': list(range(more))}], 'n': 1}
        shown = json.loads(message_text(message))
        self.assertEqual((shown['n'], len(shown['text']), shown['deep'][0]['list'][-1]), (1, MOST, MOST - 1))
        self.assertEqual(message_text({'a': [1, {'b': b'\xff'}]}), to_json({'a': [1, {'b': b'\xff'}]}))
        self.log_in('change_channels')
        letter = self.bury(message, 'no')
        self.assertLess(len(self.client.get(self.url('jobs')).content), MOST)
        self.bury(message, 'another')
        layer, asked = channel_layers['default'].channel_layer, []
        dead_letters = layer.dead_letters
        layer.dead_letters = lambda *args, **options: (asked.append(options), dead_letters(*args, **options))[1]
        self.assertContains(self.client.get(self.url('letter', letter)), 'xxx')
        # Not all of them.
        self.assertEqual(asked, [{'id': letter}])

    def test_ids_of_all_characters_have_pages(self):
        self.log_in('change_channels')
        letter = self.bury({}, 'no', id='invoice.42-a_b')
        self.assertEqual(letter, 'invoice.42-a_b')
        self.assertContains(self.client.get(self.url('jobs')), self.url('letter', letter))
        self.assertContains(self.client.get(self.url('letter', letter)), 'no')

    @override_settings(CHANNEL_LAYERS={'a/b "<i>\xe9': LAYERS['default']})
    def test_an_alias_of_all_characters_has_pages(self):
        self.log_in('change_channels')
        [alias] = channel_layers.configs
        channel_layers[alias].send('jobs.mail', {})
        channel_layers[alias].group_add('room', 'a!b')
        page = self.client.get(self.overview)
        self.assertContains(page, 'jobs.mail</a>')
        self.assertContains(page, 'a/b &quot;&lt;i&gt;\xe9 (InMemoryChannelLayer)')
        self.assertNotContains(page, '<i>')
        for name, what in (('channel', 'jobs.mail'), ('purge', 'jobs.mail'), ('group', 'room'), ('jobs', 'jobs.sent')):
            page = self.client.get(reverse('admin:channels_monitoring_' + name, args=(alias, what)))
            self.assertEqual((name, page.status_code), (name, 200))
        self.client.post(reverse('admin:channels_monitoring_purge', args=(alias, 'jobs.mail')))
        self.assertEqual(LogEntry.objects.get().object_id, alias + '/jobs.mail')

    def test_what_is_done_is_logged_before_and_so_is_what_fails(self):
        self.log_in('change_channels')
        layer, noted = channel_layers['default'].channel_layer, []
        letter = self.bury({}, 'no')

        def fail(*args):
            noted.append(LogEntry.objects.latest('pk').change_message)
            raise LayerUnavailable('Redis is gone')

        for method, url, data, wanted in (
            ('purge', reverse('admin:channels_monitoring_purge', args=('default', 'jobs.mail')), {},
             'Remove all messages'),
            ('replay', self.url('act'), {'action': 'replay', 'id': letter, 'confirmed': 'yes'},
             'Replay dead letters (%s)' % letter),
            ('delete_dead_letters', self.url('act'), {'action': 'delete', 'every': 'yes', 'confirmed': 'yes'},
             'Delete dead letters (all)'),
        ):
            setattr(layer, method, fail)
            self.assertEqual(self.client.post(url, data).status_code, 503)
            delattr(layer, method)
            self.assertEqual(noted.pop(), wanted + ': begun.')
            self.assertEqual(LogEntry.objects.latest('pk').change_message,
                             wanted + ': failed, some of it may be done. Redis is gone')

    def test_nothing_is_done_that_the_log_cannot_hold(self):
        self.log_in('change_channels')
        Channel('jobs.mail').send({})

        def refuse(sender, **kwargs):
            raise OperationalError('read-only')

        pre_save.connect(refuse, sender=LogEntry)
        self.addCleanup(pre_save.disconnect, refuse, sender=LogEntry)
        with self.assertRaisesMessage(OperationalError, 'read-only'):
            self.client.post(reverse('admin:channels_monitoring_purge', args=('default', 'jobs.mail')))
        self.assertEqual(channel_layers['default'].channel_statistics('jobs.mail')['messages_pending'], 1)

    def test_dead_letters_have_pages(self):
        self.log_in('view_channels')
        self.bury({}, 'no')
        last = self.bury({}, 'no')
        self.addCleanup(setattr, job_pages, 'MAX_LETTERS', job_pages.MAX_LETTERS)
        job_pages.MAX_LETTERS = 1
        page = self.client.get(self.url('jobs'))
        self.assertContains(page, 'offset=1')
        self.assertNotContains(page, last)
        self.assertContains(self.client.get(self.url('jobs') + '?offset=1'), last)
        for offset in ('nonsense', '%C2%B2', '%D9%A3', '-1', '9' * 99):
            self.assertEqual(self.client.get(self.url('jobs') + '?offset=' + offset).status_code, 200)
        # Those that it had are gone meanwhile.
        self.assertContains(self.client.get(self.url('jobs') + '?offset=99'), last)

    @override_settings(CHANNEL_SCHEDULES={'tick': {'channel': 'jobs.mail', 'every': 86400 * 3650}})
    def test_schedules_are_shown_with_their_runs(self):
        self.log_in('view_channels')
        page = self.client.get(self.overview)
        self.assertContains(page, '<td data-label="Last run">never</td>')
        channel_layers['default'].save_result('schedule tick', '{"due": 0, "sent": 86400}', 60)
        page = self.client.get(self.overview)
        self.assertContains(page, '<td data-label="Sends">jobs.mail</td>')
        self.assertContains(page, '<td data-label="Last run">1970-01-0')
        self.assertContains(page, '<td data-label="Next run">2')

    @override_settings(CHANNEL_SCHEDULES={'tick': {'channel': 'jobs.mail', 'every': 'never'}})
    def test_schedules_that_cannot_be_used_cost_no_page(self):
        self.log_in('view_channels')
        self.assertNotContains(self.client.get(self.overview), 'Next run')

    # The socket

    def socket(self, user):
        client = WSClient(ordered=True)
        client.force_login(user)
        client.set_header('Origin', 'http://testserver')
        return client

    def test_the_socket_sends_the_tables(self):
        client = self.socket(self.log_in('view_channels'))
        client.send_and_consume('websocket.connect', path=self.overview + 'live/')
        Channel('jobs.mail').send({})
        client.send_and_consume('websocket.receive', {'text': 'default'}, path=self.overview + 'live/')
        self.assertIn('jobs.mail</a>', client.receive(json=False))
        client.send_and_consume('websocket.receive', {'text': 'other'}, path=self.overview + 'live/')
        self.assertIsNone(client.receive())

    def test_the_socket_is_for_those_who_may_look(self):
        client = self.socket(self.log_in())
        client.send_and_consume('websocket.connect', path=self.overview + 'live/', check_accept=False)
        self.assertIn('close', self.get_next_message(client.reply_channel, require=True).content)

    def test_it_is_closed_once_the_permission_is_gone(self):
        user = self.log_in('view_channels')
        client = self.socket(user)
        client.send_and_consume('websocket.connect', path=self.overview + 'live/')
        user.user_permissions.clear()
        client.send_and_consume('websocket.receive', {'text': 'default'}, path=self.overview + 'live/')
        message = self.get_next_message(client.reply_channel, require=True)
        self.assertEqual(message.content, {'close': 4403})

    def test_the_socket_obeys_the_site_of_its_page_and_links_to_it(self):
        Channel('jobs.mail').send({})
        for user, path, is_let_in in (
            (self.log_in('view_channels'), reverse('strict:channels_monitoring_overview_changelist'), False),
            (User.objects.create_superuser('root', 'r@example.com', 'secret'),
             reverse('strict:channels_monitoring_overview_changelist'), True),
            (User.objects.get(username='root'), reverse('broken:channels_monitoring_overview_changelist'), False),
        ):
            client = self.socket(user)
            client.send_and_consume('websocket.connect', path=path + 'live/', check_accept=False)
            answer = self.get_next_message(client.reply_channel, require=True).content
            self.assertIs(answer.get('accept', False), is_let_in)
            client.send_and_consume('websocket.receive', {'text': 'default'}, path=path + 'live/')
            answer = self.get_next_message(client.reply_channel, require=True).content
            self.assertIn(reverse('strict:channels_monitoring_channel', args=('default', 'jobs.mail'))
                          if is_let_in else '4403', '%s' % answer)

    def test_a_curve_fits_its_picture(self):
        self.assertEqual(overview.polyline([(0, 3)]), '')
        self.assertEqual(overview.polyline([(0, 0), (1800, 10), (3600, 5)]), '0.0,23.0 60.0,1.0 120.0,12.0')
        self.assertEqual(overview.polyline([(0, 0), (3600, 0)]), '0.0,23.0 120.0,23.0')
        # Nobody has watched before: the curve begins where it belongs.
        self.assertEqual(overview.polyline([(60, 2), (120, 1)]), '118.0,1.0 120.0,12.0')
