"""
Messages for http.disconnect, which go to those who read them.
"""
from __future__ import unicode_literals

import threading
import unittest

from django.channels.exceptions import LayerUnavailable
from django.channels.interfaces import disconnects
from django.channels.interfaces.disconnects import Disconnects, WatchingDisconnects
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.presence import BEAT_INTERVAL, SERVER, WORKER, this_process

from .clocks import ManualClock


def processes(*said, **options):
    """Return what processes() lists of those that said so of http.disconnect; None for nothing said."""
    kind = options.get('kind', WORKER)
    return [
        {'name': '%s-%d' % (kind, number), 'kind': kind, 'facts': {} if reads is None else {'disconnects': reads}}
        for number, reads in enumerate(said)
    ]


class DisconnectsTests(unittest.TestCase):

    def setUp(self):
        self.sent = []
        self.disconnects = Disconnects(self.sent.append)

    def learn(self, listed):
        self.disconnects.update([process['name'] for process in listed], listed)

    def paths(self):
        return [message['path'] for message in self.sent]

    def test_they_are_sent_as_long_as_nobody_is_known(self):
        self.disconnects.add('r!1', '/')
        self.assertEqual(self.sent, [{'reply_channel': 'r!1', 'path': '/'}])
        # Workers that don't announce themselves may read them.
        self.learn(processes(False, kind=SERVER))
        self.disconnects.add('r!2', '/2')
        self.assertEqual(self.paths(), ['/', '/2'])

    def test_they_are_sent_if_a_worker_reads_or_does_not_say(self):
        for said in ([True], [False, True], [None], [False, None]):
            self.learn(processes(*said))
            del self.sent[:]
            self.disconnects.add('r!1', '/')
            self.assertEqual((said, self.paths()), (said, ['/']))
            self.learn([])

    def test_they_are_not_sent_where_no_worker_reads_them(self):
        self.learn(processes(False, False) + processes(True, kind=SERVER))
        self.disconnects.add('r!1', '/')
        self.learn(processes(False, False))
        self.assertEqual(self.sent, [])

    def test_a_worker_that_begins_to_read_gets_those_since_the_last_look(self):
        self.learn(processes(False))
        self.disconnects.add('r!1', '/before')
        self.learn(processes(False))
        self.disconnects.add('r!2', '/since')
        self.learn(processes(False, True))
        self.disconnects.add('r!3', '/after')
        self.assertEqual(self.paths(), ['/since', '/after'])

    def test_of_those_kept_the_oldest_are_dropped(self):
        self.learn(processes(False))
        for number in range(5):
            self.disconnects.add('r!%d' % number, '/' * (disconnects.MAX_KEPT // 4))
        self.learn(processes(True))
        self.assertEqual([message['reply_channel'] for message in self.sent], ['r!2', 'r!3', 'r!4'])

    def test_they_are_kept_while_a_layer_has_forgotten_the_workers(self):
        self.learn(processes(False))
        self.learn([])
        self.disconnects.add('r!1', '/')
        self.learn([])
        self.assertEqual(self.sent, [])
        self.learn(processes(True))
        self.assertEqual(self.paths(), ['/'])

    def test_a_worker_that_left_does_not_count(self):
        reader, other = processes(True, False)
        self.learn([reader, other])
        self.disconnects.update([other['name']], [])
        self.assertEqual(self.disconnects.known, {other['name']})
        self.disconnects.add('r!1', '/')
        self.assertEqual(self.sent, [])


class WatchingDisconnectsTests(unittest.TestCase):

    def setUp(self):
        self.layer, self.clock, self.sent = InMemoryChannelLayer(), ManualClock(), []
        self.disconnects = WatchingDisconnects(self.layer, self.sent.append, self.clock.monotonic)

    def test_the_layer_is_asked_every_few_seconds(self):
        worker = this_process(WORKER, '1')
        self.layer.announce(worker, {'disconnects': False})
        self.disconnects.add('r!1', '/1')
        self.layer.announce(this_process(WORKER, '1'), {'disconnects': True})
        self.disconnects.add('r!2', '/2')
        self.assertEqual(self.sent, [])
        self.clock.now += BEAT_INTERVAL
        self.disconnects.add('r!3', '/3')
        self.assertEqual([message['path'] for message in self.sent], ['/1', '/2', '/3'])

    def test_threads_do_not_wait_for_each_other(self):
        def send(message):
            self.sent.append(message['path'])
            if message['path'] == '/1':
                # Another one's request ends while this one is being told of.
                other = threading.Thread(target=self.disconnects.add, args=('r!2', '/2'))
                other.daemon = True
                other.start()
                other.join(5)
                self.sent.append('/1 done')
        self.disconnects = WatchingDisconnects(self.layer, send, self.clock.monotonic)
        self.disconnects.add('r!1', '/1')
        self.assertEqual(self.sent, ['/1', '/2', '/1 done'])

    def test_an_outage_changes_nothing(self):
        def away(known):
            raise LayerUnavailable('away')
        self.layer.announce(this_process(WORKER, '1'), {'disconnects': False})
        self.disconnects.add('r!1', '/1')
        self.layer.new_processes = away
        self.clock.now += BEAT_INTERVAL
        self.disconnects.add('r!2', '/2')
        self.assertEqual(self.sent, [])
