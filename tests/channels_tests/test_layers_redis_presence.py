"""Presence in the Redis layer: by the server's clock, on every shard, in one round trip."""
from __future__ import absolute_import, unicode_literals

import json
import threading

from django.channels.exceptions import AnotherProject, LayerUnavailable
from django.channels.layers.presence import SERVER, WORKER, this_process

from .redis_case import RedisTestCase
from .redis_server import RedisServer


class PresenceTests(RedisTestCase):

    def age(self, process, seconds):
        """Have the last beat of `process` be so long ago."""
        self.redis.execute_command('ZINCRBY', 'test:{0}:processes', -1000 * seconds, process.name)

    def test_who_is_silent_counts_as_dead_and_is_forgotten_later(self):
        silent, other = this_process(WORKER, '1'), this_process(WORKER, '1')
        self.layer.announce(silent, {'threads': 1})
        self.age(silent, 16)
        [entry] = self.layer.processes()
        self.assertIs(entry['alive'], False)
        self.assertTrue(16 <= entry['age'] < 40, entry)
        self.age(silent, 300)
        self.layer.announce(other, {})
        self.assertEqual([entry['name'] for entry in self.layer.processes()], [other.name])
        self.assertEqual(set(self.redis.hkeys('test:{0}:facts')), {other.name.encode('ascii')})
        self.assertEqual(self.layer.announce(silent, {}), [0])

    def test_peers_can_look_which_entries_it_writes_and_reads(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        said = json.loads(self.redis.hget('test:{0}:facts', process.name).decode('utf-8'))
        self.assertEqual(said['entries'], [2, 2])
        # Somebody came who reads version 1 at most.
        self.layer._transport.clocks[0].lowest_version = 1
        self.layer.announce(process, {})
        said = json.loads(self.redis.hget('test:{0}:facts', process.name).decode('utf-8'))
        self.assertEqual(said['entries'], [1, 2])

    def test_who_was_silent_and_not_given_up_is_alive_again(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        self.age(process, 100)
        self.assertEqual(self.layer.announce(process, {}), [])
        self.assertIs(self.layer.processes()[0]['alive'], True)

    def test_the_keys_go_with_the_last_process_or_expire(self):
        process = this_process(SERVER, '1')
        self.layer.announce(process, {})
        self.assertEqual(self.keys(), {'test:{0}:processes', 'test:{0}:facts'})
        for key in self.keys():
            self.assertTrue(0 < self.redis.pttl(key) <= 300000, key)
        self.layer.withdraw(process)
        self.assertEqual(self.keys(), set())

    def test_a_beat_is_one_call_and_so_is_a_look(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        self.calls()
        self.layer.announce(process, {})
        calls = self.calls()
        self.assertEqual(calls.pop('evalsha'), 1)
        self.assertEqual(set(calls), {'pexpire', 'time', 'zrangebyscore', 'zadd', 'hset'})

    def test_nobody_is_dead_for_lack_of_memory(self):
        process, other = this_process(WORKER, '1'), this_process(WORKER, '1')
        self.layer.announce(process, {})
        self.redis.config_set('maxmemory', 1)
        self.addCleanup(self.redis.config_set, 'maxmemory', 0)
        self.assertEqual(self.layer.announce(process, {'n': 1}), [])
        self.assertEqual(self.layer.announce(other, {'n': 2}), [])
        self.assertEqual({entry['facts']['n'] for entry in self.layer.processes()}, {1, 2})

    def test_what_another_version_wrote_is_left_out(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        for name, entry in (('a', b'\xff'), ('b', b'{}'), ('c', b'[1]'), ('d', b'{"facts": 1}')):
            self.redis.execute_command('ZADD', 'test:{0}:processes', 1, name)
            self.redis.hset('test:{0}:facts', name, entry)
        self.redis.execute_command('ZADD', 'test:{0}:processes', 1, 'without facts')
        self.assertEqual([entry['name'] for entry in self.layer.processes()], [process.name])

    def test_the_entry_is_as_the_standard_says(self):
        process = this_process(WORKER, '1.5')
        self.layer.announce(process, {'threads': 2})
        entry = json.loads(self.redis.hget('test:{0}:facts', process.name).decode('utf-8'))
        self.assertEqual(entry, {
            'name': process.name, 'kind': 'worker', 'host': process.host, 'pid': process.pid, 'version': '1.5',
            'started': process.started, 'entries': [2, 2], 'facts': {'threads': 2},
        })


class ShardTests(RedisTestCase):

    def setUp(self):
        super(ShardTests, self).setUp()
        self.other = RedisServer().start()
        self.addCleanup(self.other.stop)
        self.layer = self.make_layer(hosts=[self.server.url, self.other.url])

    def test_it_is_known_on_every_shard_and_told_where_it_is_gone(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        for number, server in enumerate((self.server, self.other)):
            self.assertEqual(self.connect(server.url).zcard('test:{%d}:processes' % number), 1)
        self.connect(self.other.url).delete('test:{1}:processes')
        self.assertEqual(self.layer.announce(process, {}), [1])
        self.assertEqual(self.layer.announce(process, {}), [])
        self.layer.withdraw(process)
        self.assertEqual(self.layer.processes(), [])

    def test_of_two_projects_that_begin_at_once_one_is_refused(self):
        hosts = [self.server.url, self.other.url]
        layers = [self.make_layer(hosts=hosts) for _ in range(4)]
        for round in range(20):
            began, refused = [], []
            start = threading.Barrier(len(layers)) if hasattr(threading, 'Barrier') else None

            def claim(layer, project):
                process = this_process(WORKER, '1')
                if start is not None:
                    start.wait()
                try:
                    layer.claim(process, {'project': [project]}, [project])
                    began.append((project, process))
                except AnotherProject:
                    refused.append(project)

            threads = [
                threading.Thread(target=claim, args=(layer, 'ab'[number % 2])) for number, layer in enumerate(layers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len({project for project, _ in began}), 1)
            self.assertEqual((len(began), len(refused)), (2, 2))
            names = {process.name for _, process in began}
            self.assertEqual({entry['name'] for entry in self.layer.processes()}, names)
            for _, process in began:
                self.layer.withdraw(process)

    def test_who_is_refused_on_a_later_shard_is_listed_on_none(self):
        self.layer.announce(this_process(WORKER, '1'), {'project': ['a']})
        self.redis.delete('test:{0}:processes')
        with self.assertRaises(AnotherProject):
            self.layer.claim(this_process(WORKER, '1'), {'project': ['b']}, ['b'])
        self.assertEqual(self.redis.zcard('test:{0}:processes'), 0)

    def test_who_can_ask_only_one_shard_claims_that(self):
        self.other.stop()
        process = this_process(WORKER, '1')
        self.layer.claim(process, {'project': ['a']}, ['a'])
        with self.assertRaises(AnotherProject):
            self.layer.claim(this_process(WORKER, '1'), {'project': ['b']}, ['b'])

    def test_a_shard_that_is_away_costs_nobody_his_presence(self):
        process = this_process(WORKER, '1')
        self.layer.announce(process, {})
        self.other.stop()
        self.assertEqual(self.layer.announce(process, {'n': 2}), [])
        [entry] = self.layer.processes()
        self.assertEqual((entry['alive'], entry['facts']), (True, {'n': 2}))
        # It comes back, and has forgotten everything.
        self.other.start()
        self.assertEqual(self.layer.announce(process, {}), [1])

    def test_with_no_shard_there_is_an_error(self):
        layer = self.make_layer(hosts=['redis://127.0.0.1:1/0'])
        process = this_process(WORKER, '1')
        for call in (lambda: layer.announce(process, {}), layer.processes, lambda: layer.withdraw(process),
                     lambda: layer.claim(process, {}, ['a'])):
            with self.assertRaises(LayerUnavailable):
                call()
