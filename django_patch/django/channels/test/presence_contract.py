"""
The contract of layers that list the processes which use them, as tests.
"""
from __future__ import absolute_import, unicode_literals

from ..exceptions import AnotherProject
from ..layers.legacy import adapted
from ..layers.presence import SERVER, WORKER, this_process


class PresenceContract(object):
    """Part of ChannelLayerContract: what `supports_presence` promises, and what a layer without it does."""

    def present_layer(self):
        layer = self.make_layer()
        if not getattr(layer, 'supports_presence', False):
            self.skipTest('the layer lists no processes')
        return layer

    def test_a_layer_without_presence_lists_nobody(self):
        layer = adapted(self.make_layer())
        if not layer.supports_presence:
            self.assertEqual(layer.processes(), [])
            with self.assertRaises(NotImplementedError):
                layer.announce(this_process(WORKER, '1'), {})

    def test_processes_are_listed_with_what_they_say_of_themselves(self):
        layer = self.present_layer()
        worker, server = this_process(WORKER, '1.5'), this_process(SERVER, '2.5')
        facts = {'threads': 4, 'doing': [{'channel': 'contract.a', 'seconds': 1.5, 'name': '\u20ac'}]}
        self.assertEqual(layer.processes(), [])
        self.assertEqual(list(layer.announce(worker, {})), [])
        self.assertEqual(list(layer.announce(worker, facts)), [])
        self.assertEqual(list(layer.announce(server, {'sockets': 1})), [])
        found = layer.processes()
        self.assertEqual([entry['name'] for entry in found], [server.name, worker.name])
        for name, value in worker._asdict().items():
            self.assertEqual(found[1][name], value, name)
        self.assertEqual(found[1]['facts'], facts)
        for entry in found:
            self.assertIs(entry['alive'], True)
            self.assertTrue(0 <= entry['age'] < 15, entry)
        self.assertEqual([entry['name'] for entry in layer.processes(WORKER)], [worker.name])
        self.assertEqual(layer.processes('other'), [])

    def test_a_layer_is_claimed_for_one_project(self):
        layer = self.present_layer()
        first, second, third = [this_process(WORKER, '1') for _ in range(3)]
        self.assertEqual(list(layer.claim(first, {'project': ['new', 'old']}, ['new', 'old'])), [])
        with self.assertRaises(AnotherProject) as raised:
            layer.claim(second, {'project': ['other']}, ['other'])
        self.assertIn(first.host, str(raised.exception))
        self.assertEqual([entry['name'] for entry in layer.processes()], [first.name])
        # One with the key before, one that was told to begin all the same, and
        # one that finds its own.
        layer.claim(second, {'project': ['old']}, ['old'])
        layer.announce(third, {'project': ['other']})
        layer.claim(this_process(WORKER, '1'), {'project': ['other']}, ['other'])
        self.assertEqual(len(layer.processes()), 4)

    def test_a_claim_ends_with_the_last_process(self):
        layer = self.present_layer()
        first, second = this_process(WORKER, '1'), this_process(WORKER, '1')
        layer.claim(first, {'project': ['first']}, ['first'])
        layer.withdraw(first)
        layer.claim(second, {'project': ['second']}, ['second'])
        self.assertEqual([entry['name'] for entry in layer.processes()], [second.name])

    def test_who_says_nothing_of_a_project_is_taken_to_belong(self):
        layer = self.present_layer()
        for project in (None, 'nonsense', [], {}):
            layer.announce(this_process(SERVER, '1'), {'project': project})
        layer.announce(this_process(SERVER, '1'), {})
        process = this_process(WORKER, '1')
        layer.claim(process, {'project': ['first']}, ['first'])
        self.assertIn(process.name, [entry['name'] for entry in layer.processes()])

    def test_who_looks_again_is_told_of_newcomers(self):
        layer = self.present_layer()
        worker, server = this_process(WORKER, '1'), this_process(SERVER, '1')
        self.assertEqual(layer.new_processes(set()), ([], []))
        layer.announce(worker, {'threads': 4})
        names, newcomers = layer.new_processes(set())
        self.assertEqual((names, [entry['facts'] for entry in newcomers]), ([worker.name], [{'threads': 4}]))
        layer.announce(server, {'sockets': 1})
        names, newcomers = layer.new_processes({worker.name})
        self.assertEqual(sorted(names), sorted([worker.name, server.name]))
        self.assertEqual([entry['name'] for entry in newcomers], [server.name])
        layer.withdraw(worker)
        self.assertEqual(layer.new_processes({worker.name, server.name}), ([server.name], []))

    def test_who_has_ended_is_listed_no_more(self):
        layer = self.present_layer()
        first, second = this_process(WORKER, '1'), this_process(WORKER, '1')
        self.assertNotEqual(first.name, second.name)
        for process in (first, second):
            layer.announce(process, {})
        layer.withdraw(first)
        layer.withdraw(first)
        self.assertEqual([entry['name'] for entry in layer.processes()], [second.name])
        # It isn't reported as lost, since it withdrew itself.
        self.assertEqual(list(layer.announce(first, {})), [])

    def test_who_was_forgotten_meanwhile_hears_it_once(self):
        layer = self.present_layer()
        process, other = this_process(WORKER, '1'), this_process(WORKER, '1')
        layer.announce(process, {})
        layer.flush()
        self.assertEqual(layer.processes(), [])
        self.assertNotEqual(list(layer.announce(process, {})), [])
        self.assertEqual(list(layer.announce(process, {})), [])
        self.assertEqual(list(layer.announce(other, {})), [])

    def test_names_of_processes_that_cannot_be_are_refused(self):
        layer = self.present_layer()
        for name in ('', 'a b', 'a!', 'x' * 100):
            with self.assertRaises(ValueError):
                layer.announce(this_process(WORKER, '1')._replace(name=name), {})
        self.assertEqual(layer.processes(), [])
