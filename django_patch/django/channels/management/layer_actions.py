"""
Actions of manage.py channels on a whole layer: its schedules and its servers.
"""
from __future__ import absolute_import, unicode_literals

import time

from django.core.management import CommandError

from ..conf import conf
from ..exceptions import LayerUnavailable
from ..layers.promises import dangers, described
from ..monitoring.schedule_rows import schedule_rows
from .job_actions import time_text

ACTIONS = (
    ('durability', 'say what the servers\' configuration means for messages that must not be lost, and exit with '
                   'status 1 if something should be changed'),
    ('schedules', 'show what CHANNEL_SCHEDULES sends, when next, and when last'),
)


class LayerActionsMixin(object):
    """The methods of the command that carry out ACTIONS."""

    def durability(self):
        promises, found = self.layer.promises(), []
        if not promises:
            raise CommandError('The channel layer %s has no servers that could be asked.' % self.layer)
        # The routing says it, too.
        has_acknowledged = bool(
            self.layer.router.acknowledged_channels() or self.layer.looking({}).acknowledged_statistics())
        for number, promise in enumerate(promises):
            if isinstance(promise, LayerUnavailable):
                found.append('Shard %d can\'t be asked: %s' % (number, promise))
                continue
            server = promise.server + ', ' if promise.server else ''
            self.write(['Shard %d (%sversion %s):' % (number, server, promise.version)])
            self.write(['  %s.' % text for text in described(promise)])
            found += ['Shard %d: %s.' % (number, danger) for danger in dangers(
                promise, has_acknowledged, self.layer.confirmation)]
        if found:
            raise CommandError('\n'.join(found))

    def schedules(self):
        try:
            rows = schedule_rows(self.layer, self.options['layer'], time.time())
        except (TypeError, ValueError, ImportError) as error:
            raise CommandError('CHANNEL_SCHEDULES can\'t be used: %s' % error)
        if self.options['json']:
            self.write_json(rows)
            return
        if not conf.schedules:
            self.stdout.write('CHANNEL_SCHEDULES is empty.')
        for row in rows:
            self.write(['%s: to %s, next %s, last %s' % (
                row['name'], row['sends'], time_text(row['next']),
                'never' if row['last'] is None else time_text(row['last']),
            )])
