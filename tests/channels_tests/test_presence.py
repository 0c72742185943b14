"""Tests of the thread in which a process says that it is alive, and of who has it."""
from __future__ import absolute_import, unicode_literals

import threading

import django.channels
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.base import BaseChannelLayer
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.presence import WORKER, this_process
from django.channels.presence import Presence, package_version
from django.test import SimpleTestCase

from .redis_case import Records


class FailingLayer(InMemoryChannelLayer):
    """Raises what `errors` has left."""

    def __init__(self):
        super(FailingLayer, self).__init__()
        self.errors = []

    def announce(self, process, facts):
        if self.errors:
            raise self.errors.pop(0)
        return super(FailingLayer, self).announce(process, facts)


class TellingLayer(InMemoryChannelLayer):
    """Tells when somebody has announced himself."""

    def __init__(self):
        super(TellingLayer, self).__init__()
        self.announced = threading.Event()

    def announce(self, process, facts):
        gone = super(TellingLayer, self).announce(process, facts)
        self.announced.set()
        return gone


class PresenceTests(SimpleTestCase):

    def make(self, layer, **options):
        return Presence(layer, WORKER, '1.5', lambda: {'n': 1}, **options)

    def test_it_is_listed_from_the_beginning_to_the_end(self):
        layer = InMemoryChannelLayer()
        with self.make(layer) as presence:
            [entry] = layer.processes()
            self.assertEqual(entry['name'], presence.process.name)
            self.assertEqual((entry['version'], entry['facts']), ('1.5', {'n': 1}))
        self.assertEqual(layer.processes(), [])

    def test_it_says_so_again_and_again_in_a_thread(self):
        layer, threads, done = InMemoryChannelLayer(), [], threading.Event()

        def facts():
            threads.append(threading.current_thread().name)
            if len(threads) > 2:
                done.set()
            return {}
        with Presence(layer, WORKER, '1', facts, interval=0.01):
            self.assertTrue(done.wait(30))
        self.assertEqual(set(threads[1:]), {'presence'})

    def test_who_was_taken_for_dead_hears_it(self):
        layer, heard = InMemoryChannelLayer(), []
        presence = self.make(layer, on_gone=heard.append)
        presence.beat()
        layer.flush()
        with Records() as records:
            presence.beat()
            presence.beat()
        self.assertEqual(heard, [[0]])
        self.assertEqual(len(records.lines), 1)

    def test_it_says_so_at_once_to_a_layer_that_has_lost_its_data(self):
        layer = TellingLayer()
        with self.make(layer, interval=3600):
            self.assertTrue(layer.announced.is_set())
            layer.announced.clear()
            layer.flush()
            layer.on_lost_state(0)
            self.assertTrue(layer.announced.wait(30))
            self.assertEqual(len(layer.processes()), 1)
        self.assertIsNone(layer.on_lost_state)

    def test_no_failure_ends_it(self):
        layer = FailingLayer()
        presence = self.make(layer)
        layer.errors = [LayerUnavailable('away'), ValueError('wrong'), ValueError('wrong'), LayerUnavailable('away')]
        with Records() as records:
            with presence:
                for _ in range(3):
                    presence.beat()
                self.assertEqual(layer.processes(), [])
                presence.beat()
                self.assertEqual(len(layer.processes()), 1)
        # An outage is for whoever receives to log.
        self.assertEqual(len([line for line in records.lines if 'counts as dead' in line]), 1)

    def test_an_outage_is_logged_once(self):
        layer = FailingLayer()
        presence = self.make(layer)
        for _ in range(2):
            layer.errors = [LayerUnavailable('away') for _ in range(5)]
            with Records() as records:
                for _ in range(6):
                    presence.beat()
            self.assertEqual(records.lines, ["This process can't say that it is alive: away"])

    def test_a_layer_without_presence_is_left_alone(self):
        layer = BaseChannelLayer()
        with self.make(layer):
            self.assertEqual(layer.processes(), [])

    def test_the_version_is_that_of_the_package(self):
        self.assertEqual(package_version(), django.channels.__version__)

    def test_a_name_is_one_whatever_the_host_is_called(self):
        self.assertLess(len(this_process(WORKER, '1').name), 100)


class MemoryPresenceTests(SimpleTestCase):

    def test_who_is_silent_counts_as_dead_and_is_forgotten_later(self):
        now = [1000.0]
        layer = InMemoryChannelLayer(clock=lambda: now[0])
        process = this_process(WORKER, '1')
        layer.announce(process, {})
        now[0] += 14
        self.assertIs(layer.processes()[0]['alive'], True)
        now[0] += 2
        self.assertEqual([(entry['alive'], entry['age']) for entry in layer.processes()], [(False, 16.0)])
        now[0] += 300
        self.assertEqual(layer.processes(), [])
        self.assertEqual(layer.announce(process, {}), [0])

    def test_facts_are_those_of_the_announcement(self):
        layer, facts = InMemoryChannelLayer(), {'doing': []}
        layer.announce(this_process(WORKER, '1'), facts)
        facts['doing'].append('more')
        self.assertEqual(layer.processes()[0]['facts'], {'doing': []})
