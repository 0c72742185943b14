"""
Actions of manage.py channels on acknowledged channels: jobs and dead letters.
"""
from __future__ import absolute_import, unicode_literals

import datetime
import json
import time

from django.core.management import CommandError

from ..channel import Channel
from ..layers.acknowledgement import may_be_acknowledged
from ..layers.codec import to_json
from ..monitoring.job_rows import with_every_dead_letter
from ..monitoring.wording import counted

ACTIONS = (
    ('jobs', 'show what waits on an acknowledged channel, also what is due later'),
    ('cancel', 'remove jobs that wait, by --id, and delayed messages'),
    ('dead', 'show the dead letters of a channel: messages that failed too often'),
    ('replay', 'have dead letters be received again, by --id or --every'),
    ('delete', 'remove dead letters, by --id or --every'),
)


def add_arguments(parser):
    """Add the options of these actions to a command's `parser`."""
    parser.add_argument(
        '--id', dest='ids', action='append', metavar='ID',
        help='The job or dead letter to cancel, replay or delete; repeatable.',
    )
    parser.add_argument('--every', dest='every', action='store_true',
                        help='Replay or delete all dead letters of the channel, the oldest first.')


class JobActionsMixin(object):
    """The methods of the command that carry out ACTIONS."""

    def jobs(self):
        self._need_acknowledgement()
        absent = {}
        found = self.layer.looking(absent).jobs(self.options['channel'], self.options['limit'])
        if self.options['json']:
            self.write_json([dict(job._asdict(), message=jsonable(job.message)) for job in found])
            self.fail_for(absent)
            return
        for job in found:
            due = '' if job.due is None else ', due %s' % time_text(job.due)
            self.write(['%s: priority %d, %s%s' % (
                job.id or 'no id', job.priority, counted(job.attempts, 'attempt'), due)])
            if job.story:
                self.write(['The last attempt failed: %s' % job.story.get('error', 'not known why')])
            self.write_traceback(job.story)
            self.write([text_of(job.message), ''])
        if not found:
            self.stdout.write('No job waits on %s.' % self.options['channel'])
        self.fail_for(absent)

    def ready_jobs(self, look):
        """
        Return what is due on an acknowledged channel; `look` is the layer's.

        As peek() of a layer does; the age is None where it is not known.
        """
        channel = self.options['channel']
        if not self.layer.supports_acknowledgement or not may_be_acknowledged(channel):
            return []
        return [
            (None if job.sent is None else max(0.0, time.time() - job.sent), [channel], job.message)
            for job in look.jobs(channel, self.options['limit']) if job.due is None
        ]

    def dead(self):
        self._need_acknowledgement()
        absent = {}
        found = self.layer.looking(absent).dead_letters(self.options['channel'], self.options['limit'])
        if self.options['json']:
            self.write_json([dict(letter._asdict(), message=jsonable(letter.message)) for letter in found])
            self.fail_for(absent)
            return
        for letter in found:
            self.write(['%s: died %s after %s: %s' % (
                letter.id, time_text(letter.died), counted(letter.attempts, 'attempt'),
                letter.story.get('error', 'not known why'))])
            self.write_traceback(letter.story)
            self.write([text_of(letter.message), ''])
        if not found:
            self.stdout.write('%s has no dead letters.' % self.options['channel'])
        self.fail_for(absent)

    def write_traceback(self, story):
        """Write the traceback of a `story`, a dict, if it has one."""
        if story.get('traceback'):
            self.write([story['traceback'].rstrip()])

    def cancel(self):
        self._need_acknowledgement()
        ids = self._ids()
        # Messages for other channels that are to be sent later wait elsewhere.
        channel = Channel(self.options['channel'], channel_layer=self.layer)
        done = sum(channel.cancel(id) for id in ids)
        self.stdout.write('Cancelled %d of %s on %s.' % (
            done, counted(len(ids), 'job'), self.options['channel']))

    def replay(self):
        self._need_acknowledgement()
        done = self._for_each(self.layer.replay)
        self.stdout.write('Replayed %s of %s.' % (counted(done, 'dead letter'), self.options['channel']))

    def delete(self):
        self._need_acknowledgement()
        done = self._for_each(self.layer.delete_dead_letters)
        self.stdout.write('Deleted %s of %s.' % (counted(done, 'dead letter'), self.options['channel']))

    def _for_each(self, method):
        channel = self.options['channel']
        if self.options['every'] and self.options['ids']:
            raise CommandError('Give either --id or --every: nothing was done.')
        if not self.options['every']:
            ids = set(self._ids())
            done = method(channel, self._ids())
            if done < len(ids):
                action = self.options['action']
                raise CommandError('%s: %d of %d; the others are no dead letters of %s%s.' % (
                    action, done, len(ids), channel,
                    ', or a job is there that has their id or unique key' if action == 'replay' else '',
                ))
            return done
        return with_every_dead_letter(self.layer, channel, method)

    def _ids(self):
        if not self.options['ids']:
            action = self.options['action']
            every = '' if action == 'cancel' else ', or --every for all dead letters of the channel'
            raise CommandError('%s needs --id, once or several times%s.' % (action, every))
        return self.options['ids']

    def _need_acknowledgement(self):
        if not self.layer.supports_acknowledgement:
            raise CommandError('The channel layer %s has no acknowledged channels.' % self.layer)


def jsonable(message):
    """Return `message` as JSON has it: byte strings as the message standard writes them; None if it can't be read."""
    return None if message is None else json.loads(to_json(message))


def text_of(message):
    """Return `message` as JSON for people, or that it can't be read."""
    return 'It can\'t be read.' if message is None else json.dumps(jsonable(message), indent=2, sort_keys=True)


def time_text(seconds):
    """Return a time in seconds since 1970 as local date and time, to the second."""
    return datetime.datetime.fromtimestamp(int(seconds)).isoformat(str(' '))
