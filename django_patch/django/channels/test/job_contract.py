"""
The contract of layers that send jobs, as tests.
"""
from __future__ import absolute_import, unicode_literals

import threading
import time

from ..layers import acknowledgement
from ..layers.acknowledgement import receipt_of


class JobContract(object):
    """Part of AcknowledgementContract: priorities, ids, times and unique keys of send_job()."""

    def test_a_job_comes_by_its_priority(self):
        layer = self.holding_layer()
        if not self.has_one_queue:
            self.skipTest('Each server has its own order.')
        for priority in (-5, 0, 7, 7):
            layer.send_job('contract.job', {'n': priority}, priority=priority)
        layer.send('contract.job', {'n': 'plain'})
        self.assertEqual([message['n'] for message in self.held(layer)], [7, 7, 0, 'plain', -5])
        with self.assertRaises(ValueError):
            layer.send_job('contract.job', {}, priority=101)

    def test_an_id_of_the_senders_own(self):
        layer = self.holding_layer()
        self.assertEqual(layer.send_job('contract.job', {}, delay=60, id='report-7.b'), 'report-7.b')
        self.assertEqual(layer.cancel_jobs('contract.job', ['report-7.b']), 1)
        for bad in ('', 'a:b', 'a b', 'x' * 100):
            with self.assertRaises(ValueError):
                layer.send_job('contract.job', {}, id=bad)

    def test_a_job_for_later_can_be_cancelled(self):
        layer = self.holding_layer()
        kept = layer.send_job('contract.job', {'n': 1}, delay=0.5)
        cancelled = layer.send_job('contract.job', {'n': 2}, delay=0.5)
        self.assertEqual(self.held(layer), [])
        jobs = layer.jobs('contract.job')
        self.assertEqual({job.id for job in jobs}, {kept, cancelled})
        self.assertLess(abs(jobs[0].due - layer.time() - 0.5), 10)
        self.assertLess(abs(layer.time() - time.time()), 60)
        self.assertEqual(layer.cancel_jobs('contract.job', [cancelled, 'nonsense']), 1)
        self.pass_time(0.6)
        message, = self.held(layer)
        self.assertEqual((message, receipt_of(message).id), ({'n': 1}, kept))

    def test_who_waits_gets_a_job_when_it_is_due(self):
        layer = self.holding_layer()
        found = []

        def read():
            while not found or found[-1][0] is None:
                found.append(layer.receive(['contract.job'], block=True))

        reader = threading.Thread(target=read)
        reader.start()
        layer.send_job('contract.job', {'n': 1}, delay=0.2)
        self.pass_time(0.3)
        reader.join(30)
        self.assertEqual(found[-1], ('contract.job', {'n': 1}))

    def test_a_unique_job_is_refused_or_replaces(self):
        layer = self.holding_layer()
        first = layer.send_job('contract.job', {'n': 1}, unique='report 7')
        self.assertEqual(layer.send_job('contract.job', {'n': 2}, unique='report 7'), first)
        second = layer.send_job('contract.job', {'n': 3}, unique='report 7', conflict=acknowledgement.REPLACE)
        self.assertNotEqual(second, first)
        message, = self.held(layer)
        self.assertEqual(message, {'n': 3})
        # It is there as long as it isn't done.
        self.assertEqual(layer.send_job('contract.job', {'n': 4}, unique='report 7'), second)
        layer.acknowledge([(receipt_of(message), [])])
        self.assertNotEqual(layer.send_job('contract.job', {'n': 5}, unique='report 7'), second)

    def test_a_unique_key_is_that_of_the_newer_job_with_one_id(self):
        layer, same = self.holding_layer(), {'id': 'a', 'unique': 'key', 'conflict': acknowledgement.REPLACE}
        held = []
        for number in range(3):
            layer.send_job('contract.job', {'n': number}, **same)
            held += self.held(layer)
        self.assertEqual([message['n'] for message in held], [0, 1, 2])
        for message, owner in zip(held, ('a', 'a', 'b')):
            layer.acknowledge([(receipt_of(message), [])])
            self.assertEqual(layer.send_job('contract.job', {}, id='b', unique='key'), owner)
