"""Tests of what is seen of others' layers, which tell some of it or nothing."""
from __future__ import absolute_import, unicode_literals

from django.channels import channel_layers
from django.channels.compat import six
from django.channels.compat.url_patterns import reverse
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.base import BaseChannelLayer
from django.channels.monitoring import families, history
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings

from . import test_monitoring_admin as pages


class Silent(BaseChannelLayer):
    """Has what every layer has, and no more."""
    spans_processes = True

    def send(self, channel, message):
        """Lose it."""

    def receive(self, channels, block=False):
        return None, None


class Old(object):
    """As the layers of 1.x are, with a part of the optional methods."""
    extensions = ['statistics']

    class ChannelFull(Exception):
        pass

    class MessageTooLarge(Exception):
        pass

    def send(self, channel, message):
        """Lose it."""

    def receive(self, channels, block=False):
        return None, None

    def new_channel(self, pattern):
        return pattern + 'x'

    def channel_statistics(self, channel):
        return {'messages_pending': 0}


class Plain(Silent):
    """Tells of its channels in plain dicts, some of the numbers, and keeps no samples."""
    supports_inspection = True

    def inspect_channels(self, budget=None):
        return {'jobs': {'messages_pending': 3, 'messages_max_age': 1.5}}

    def peek(self, channel, limit):
        return [(1.5, ['jobs'], {'n': 1}), (None, ['jobs'], None)]


NO_INSPECTION, NO_JOBS = 'can\'t say what it holds', 'has no acknowledged channels'
#: Action -> what Silent, Old and Plain say.
SAID = {
    ('status',): (NO_INSPECTION, NO_INSPECTION, 'jobs           3        1.5'),
    ('check',): (NO_INSPECTION, NO_INSPECTION, 'the oldest message has waited 1.5 s'),
    ('peek', 'jobs'): (NO_INSPECTION, NO_INSPECTION, 'It can\'t be read.'),
    ('purge', 'jobs'): (NO_INSPECTION, NO_INSPECTION, 'can\'t do that: subclasses of BaseChannelLayer'),
    ('drain', 'jobs'): (NO_INSPECTION, 'jobs is empty.', NO_INSPECTION),
    ('jobs', 'jobs'): (NO_JOBS,) * 3,
    ('dead', 'jobs'): (NO_JOBS,) * 3,
    ('cancel', 'jobs'): (NO_JOBS,) * 3,
    ('replay', 'jobs'): (NO_JOBS,) * 3,
    ('delete', 'jobs'): (NO_JOBS,) * 3,
    ('durability',): ('has no servers that could be asked',) * 3,
    ('schedules',): ('CHANNEL_SCHEDULES is empty.',) * 3,
}
#: Page -> the statuses with each.
STATUSES = {
    ('channel', ('jobs',)): (404, 404, 200), ('purge', ('jobs',)): (404, 200, 404), ('group', ('room',)): (404,) * 3,
    ('jobs', ('jobs',)): (404,) * 3, ('letter', ('jobs', 'x')): (404,) * 3,
}


@override_settings(
    ROOT_URLCONF=pages.__name__, TEMPLATES=pages.TEMPLATES, PASSWORD_HASHERS=pages.HASHERS,
    CHANNEL_LAYERS=pages.LAYERS,
)
class ForeignLayerTests(TestCase):

    def layers(self):
        """Yield each as the project's, with its place in the tables."""
        self.addCleanup(channel_layers.reset)
        for place, layer in enumerate((Silent(), Old(), Plain())):
            channel_layers.set('default', ChannelLayerWrapper(layer, 'default', []))
            yield place

    def said(self, *arguments, **options):
        output = six.StringIO()
        try:
            call_command('channels', *arguments, stdout=output, **options)
        except CommandError as error:
            return '%s' % error
        return output.getvalue()

    def test_each_action_says_what_there_is_to_say(self):
        for place in self.layers():
            for arguments, texts in SAID.items():
                said = self.said(*arguments, max_age=1, interactive=False, timeout=0, every=True)
                self.assertIn(texts[place], said)

    def test_workers_that_are_not_listed_are_not_missing(self):
        for place in self.layers():
            if place == 2:
                self.assertIn('lists no workers', self.said('check', min_workers=1))

    def test_each_page_is_there_or_not_found(self):
        User.objects.create_superuser('somebody', 's@example.com', 'secret')
        self.client.login(username='somebody', password='secret')
        for place in self.layers():
            page = self.client.get(reverse('admin:channels_monitoring_overview_changelist'))
            self.assertContains(page, '>jobs</a>' if place == 2 else 't say what it holds')
            for (name, title), statuses in STATUSES.items():
                url = reverse('admin:channels_monitoring_' + name, args=('default',) + title)
                self.assertEqual((name, self.client.get(url).status_code), (name, statuses[place]))
        self.assertContains(self.client.get(reverse(
            'admin:channels_monitoring_channel', args=('default', 'jobs'))), '3 messages wait, the oldest for 1.5 s')

    def test_metrics_and_curves_have_what_it_tells(self):
        for place in self.layers():
            layer = channel_layers['default']
            self.assertFalse(history.record(layer))
            self.assertEqual(history.curves(layer), {})
            samples = {family.name: family.samples for family in families.everything(layer, 'default')}
            expected = [(('default', 'jobs'), 3)] if place == 2 else None
            self.assertEqual(samples.get('channels_messages_pending'), expected)
