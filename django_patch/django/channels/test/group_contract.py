"""
The contract of the extension "groups" as tests; see contract.
"""
from __future__ import absolute_import, unicode_literals


class GroupContract(object):
    """The tests of groups that ChannelLayerContract has."""

    def test_members_of_all_kinds_get_a_message_once(self):
        layer = self.layer_with('groups')
        members = ['contract.a', 'contract.b?x', 'contract.p!a', 'contract.p!b', 'contract.q!a']
        for channel in members:
            layer.group_add('contract.g', channel)
            # To add a member again changes nothing.
            layer.group_add('contract.g', channel)
        layer.group_add('contract.other', 'contract.p!c')
        layer.send_group('contract.g', {'n': 1})
        received = self.receive_all(layer, 'contract.a', 'contract.b?x', 'contract.p!', 'contract.q!')
        self.assertEqual(sorted(received), [(channel, {'n': 1}) for channel in sorted(members)])

    def test_who_left_gets_nothing(self):
        layer = self.layer_with('groups')
        for channel in ('contract.p!a', 'contract.p!b'):
            layer.group_add('contract.g', channel)
        layer.group_discard('contract.g', 'contract.p!a')
        # So does who was never there.
        layer.group_discard('contract.g', 'contract.p!a')
        layer.group_discard('contract.none', 'contract.p!a')
        layer.send_group('contract.g', {'n': 1})
        self.assertEqual(self.receive_all(layer, 'contract.p!'), [('contract.p!b', {'n': 1})])

    def test_nobody_in_a_group_is_no_error(self):
        layer = self.layer_with('groups')
        layer.send_group('contract.none', {})
        self.assertEqual(list(layer.group_channels('contract.none')), [])

    def test_the_members_can_be_listed(self):
        layer = self.layer_with('groups')
        members = ['contract.a', 'contract.b?x', 'contract.p!a', 'contract.q!a']
        for channel in members:
            layer.group_add('contract.g', channel)
        self.assertEqual(sorted(layer.group_channels('contract.g')), members)
        layer.group_discard('contract.g', 'contract.a')
        self.assertEqual(sorted(layer.group_channels('contract.g')), members[1:])

    def test_messages_of_a_group_come_in_their_order(self):
        layer = self.layer_with('groups', capacity=1000)
        for channel in ('contract.p!a', 'contract.p!b', 'contract.q!a'):
            layer.group_add('contract.g', channel)
        for number in range(20):
            layer.send_group('contract.g', {'n': number})
        received = self.receive_all(layer, 'contract.p!', 'contract.q!')
        for client in ('contract.p!a', 'contract.p!b', 'contract.q!a'):
            self.assertEqual([message['n'] for channel, message in received if channel == client], list(range(20)))

    def test_direct_and_group_messages_to_a_client_keep_their_order(self):
        layer = self.layer_with('groups', capacity=1000)
        layer.group_add('contract.g', 'contract.p!a')
        layer.group_add('contract.g', 'contract.p!b')
        for number in range(0, 20, 2):
            layer.send('contract.p!a', {'n': number})
            layer.send_group('contract.g', {'n': number + 1})
        received = self.receive_all(layer, 'contract.p!')
        self.assertEqual([message['n'] for channel, message in received if channel == 'contract.p!a'], list(range(20)))

    def test_each_member_may_change_its_message(self):
        layer = self.layer_with('groups')
        for channel in ('contract.a', 'contract.p!a', 'contract.p!b'):
            layer.group_add('contract.g', channel)
        message = {'list': []}
        layer.send_group('contract.g', message)
        message['list'].append(0)
        for channel in ('contract.a', 'contract.p!', 'contract.p!'):
            received = self.receive(layer, channel)[1]
            self.assertEqual(received, {'list': []})
            received['list'].append(1)

    def test_a_full_member_is_left_out_and_the_others_get_theirs(self):
        layer = self.layer_with('groups', capacity=2)
        for channel in ('contract.a', 'contract.b?x', 'contract.q!a'):
            layer.group_add('contract.g', channel)
        self.assertEqual(self.fill(layer, 'contract.b?x'), 2)
        layer.send_group('contract.g', {'n': 'group'})
        self.assertEqual(self.numbers(layer, 'contract.b?x'), [0, 1])
        self.assertEqual(self.numbers(layer, 'contract.a', 'contract.q!'), ['group', 'group'])

    def test_a_large_group_gets_all_of_many_messages(self):
        layer = self.layer_with('groups', capacity=1000)
        for number in range(300):
            layer.group_add('contract.g', 'contract.p!%d' % number)
        received = 0
        for number in range(3):
            layer.send_group('contract.g', {'n': number})
            received += len(self.numbers(layer, 'contract.p!'))
        self.assertEqual(received, 900)

    def test_membership_ends_by_itself(self):
        layer = self.layer_with('groups', group_expiry=1)
        self.assertEqual(layer.group_expiry, 1)
        layer.group_add('contract.g', 'contract.p!a')
        self.pass_time(2.2)
        layer.group_add('contract.g', 'contract.p!b')
        layer.send_group('contract.g', {'n': 1})
        self.assertEqual(self.receive_all(layer, 'contract.p!'), [('contract.p!b', {'n': 1})])
        self.assertEqual(list(layer.group_channels('contract.g')), ['contract.p!b'])

    def test_a_client_that_lets_a_message_expire_may_leave_and_nobody_else(self):
        layer = self.layer_with('groups', expiry=1)
        for channel in ('contract.p.gone!a', 'contract.q!a'):
            layer.group_add('contract.g', channel)
        layer.send('contract.p.gone!a', {})
        self.pass_time(1.2)
        layer.send_group('contract.g', {'n': 1})
        self.assertEqual(self.receive_all(layer, 'contract.q!'), [('contract.q!a', {'n': 1})])
