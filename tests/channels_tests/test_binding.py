"""Tests of data binding."""
from __future__ import absolute_import, unicode_literals

import gc
import json
import unittest

from django.channels import Group, route
from django.channels.binding import Binding
from django.channels.binding.base import CREATE, DELETE, UPDATE, BindingMetaclass
from django.channels.binding.websockets import WebsocketBinding, WebsocketBindingWithMembers
from django.channels.compat.transactions import has_commit_hooks
from django.channels.generic.websockets import WebsocketDemultiplexer
from django.channels.layers import channel_layers
from django.channels.test import ChannelTestCase, Client, TransactionChannelTestCase, WSClient, apply_routes
from django.channels.test.linting import exempt
from django.contrib.auth.models import Group as UserGroup, User
from django.db import IntegrityError, transaction
from django.db.models.signals import post_save
from django.test import SimpleTestCase


class BindingTestCase(object):
    """A mixin that makes bindings which end with the test."""

    def bind(self, base=WebsocketBinding, **attributes):
        attributes.setdefault('model', User)
        attributes.setdefault('stream', 'users')
        if 'exclude' not in attributes:
            attributes.setdefault('fields', ['username', 'email'])
        attributes.setdefault('group_names', classmethod(lambda cls, instance: ['users']))
        attributes.setdefault('has_permission', lambda self, user, action, pk: True)
        binding = type(base)(str('UserBinding'), (base,), {str(key): value for key, value in attributes.items()})
        self.addCleanup(binding.unregister)
        return binding

    def listener(self, *groups):
        client = WSClient()
        for group in groups or ['users']:
            client.join_group(group)
        return client

    def frames(self, client):
        frames = []
        while True:
            frame = client.receive()
            if frame is None:
                return frames
            frames.append(frame)

    def actions(self, client):
        return [frame['payload']['action'] for frame in self.frames(client)]


class RegistrationTests(BindingTestCase, SimpleTestCase):

    def test_what_is_missing_is_an_error(self):
        for attributes, error in (
            ({'fields': ['x'], 'stream': 's', 'group_names': None}, 'UserBinding has no model.'),
            ({'model': User, 'stream': 's'}, 'UserBinding has neither fields nor exclude.'),
            ({'model': User, 'fields': ['x']}, 'UserBinding has no stream.'),
        ):
            with self.assertRaisesMessage(ValueError, error):
                BindingMetaclass(
                    str('UserBinding'), (WebsocketBinding,), {str(key): value for key, value in attributes.items()}
                )

    def test_a_class_can_be_a_base_of_others(self):
        class Base(WebsocketBinding):
            model = None
            stream = 'users'

        self.assertEqual(self.bind(Base).stream, 'users')

    def test_the_model_may_be_named(self):
        binding = self.bind(model='auth.User')
        self.assertIs(binding.model, User)
        self.assertEqual(binding.model_label, 'auth.user')

    def test_bindings_of_before_the_models_are_registered_after_them(self):
        self.assertTrue(BindingMetaclass.register_immediately)
        BindingMetaclass.register_immediately = False
        try:
            binding = self.bind(model='auth.User')
            self.assertEqual(binding.model, 'auth.User')
        finally:
            BindingMetaclass.register_all()
        self.assertIs(binding.model, User)
        self.assertEqual(BindingMetaclass.binding_classes, [])

    def test_what_a_binding_has_to_provide_says_so(self):
        binding = Binding()
        for call, name in (
            (lambda: Binding.group_names(None), 'group_names'), (lambda: binding.serialize(None, CREATE), 'serialize'),
            (lambda: Binding.encode('s', {}), 'encode'), (lambda: binding.deserialize(None), 'deserialize'),
            (lambda: binding.has_permission(None, CREATE, None), 'has_permission'),
            (lambda: binding.create({}), 'create'), (lambda: binding.update(1, {}), 'update'),
        ):
            with self.assertRaisesMessage(NotImplementedError, 'must provide a' + ('n' if name == 'update' else '')):
                call()


class OutboundTests(BindingTestCase, ChannelTestCase):

    def test_what_happens_to_an_object_is_told(self):
        self.bind()
        client = self.listener()
        user = User.objects.create(username='ann', email='a@x')
        pk = user.pk
        user.email = 'b@x'
        user.save()
        user.delete()
        self.assertEqual(self.frames(client), [
            {'stream': 'users', 'payload': {
                'action': action, 'pk': pk, 'data': {'username': 'ann', 'email': email}, 'model': 'auth.user',
            }} for action, email in (('create', 'a@x'), ('update', 'b@x'), ('delete', 'b@x'))
        ])

    def test_fields_can_be_all_or_all_but_some(self):
        names = {field.name for field in User._meta.fields} | {'groups', 'user_permissions'}
        for attributes, expected in (
            ({'fields': '__all__'}, names), ({'fields': ['__all__']}, names),
            ({'exclude': ['password', 'groups']}, names - {'password', 'groups'}),
        ):
            binding = self.bind(**attributes)
            client = self.listener()
            User.objects.create(username='ann').delete()
            self.assertEqual(set(self.frames(client)[0]['payload']['data']), expected - {'id'})
            binding.unregister()

    def test_groups_that_an_object_leaves_are_told_that_it_is_gone(self):
        self.bind(group_names=classmethod(lambda cls, user: ['all', 'staff' if user.is_staff else 'others']))
        clients = {name: self.listener(name) for name in ('all', 'staff', 'others')}
        user = User.objects.create(username='ann')
        user.is_staff = True
        user.save()
        self.assertEqual({name: self.actions(client) for name, client in clients.items()}, {
            'all': [CREATE, UPDATE], 'others': [CREATE, DELETE], 'staff': [CREATE],
        })

    def test_an_object_saved_under_a_key_that_is_there_is_an_update(self):
        self.bind()
        user = User.objects.create(username='ann')
        client = self.listener()
        User(pk=user.pk, username='bob', date_joined=user.date_joined).save()
        self.assertEqual(self.actions(client), [UPDATE])

    def test_an_empty_payload_is_not_sent(self):
        self.bind(serialize=lambda self, instance, action: {})
        client = self.listener()
        User.objects.create(username='ann')
        self.assertEqual(self.frames(client), [])

    def test_serializing_finds_the_arguments_of_the_signal(self):
        seen = []

        def serialize(self, instance, action):
            seen.append((self.instance is instance, action, self.signal_kwargs.get('created')))
            return {}

        self.bind(serialize=serialize)
        User.objects.create(username='ann').save()
        self.assertEqual(seen, [(True, CREATE, True), (True, UPDATE, False)])

    def test_members_can_be_sent_along(self):
        self.bind(WebsocketBindingWithMembers, send_members=['get_full_name', 'username.upper', 'date_joined'])
        client = self.listener()
        user = User.objects.create(username='ann', first_name='Ann', last_name='Lee')
        data = self.frames(client)[0]['payload']['data']
        self.assertEqual((data['get_full_name'], data['username__upper']), ('Ann Lee', 'ANN'))
        self.assertEqual(data['date_joined'][:19], user.date_joined.isoformat()[:19])

    def test_two_bindings_of_a_model_do_not_disturb_each_other(self):
        self.bind()
        self.bind(stream='other', group_names=classmethod(lambda cls, instance: ['other']))
        client, other = self.listener(), self.listener('other')
        User.objects.create(username='ann').delete()
        self.assertEqual(self.actions(client), [CREATE, DELETE])
        self.assertEqual(self.actions(other), [CREATE, DELETE])

    def test_in_a_test_case_its_own_transactions_count(self):
        self.bind()
        client = self.listener()
        with transaction.atomic():
            User.objects.create(username='ann')
            if has_commit_hooks():
                self.assertEqual(self.frames(client), [])
        self.assertEqual(self.actions(client), [CREATE])


@unittest.skipIf(not has_commit_hooks(), 'Django 1.8 has no commit hooks')
class CommitTests(BindingTestCase, TransactionChannelTestCase):
    available_apps = ['django.contrib.contenttypes', 'django.contrib.auth', 'django.channels']

    def test_only_what_is_committed_is_told(self):
        self.bind()
        client = self.listener()
        with transaction.atomic():
            User.objects.create(username='ann')
            self.assertEqual(self.frames(client), [])
        self.assertEqual(self.actions(client), [CREATE])
        with self.assertRaises(KeyError):
            with transaction.atomic():
                User.objects.create(username='bob')
                raise KeyError()
        self.assertEqual(self.frames(client), [])

    def test_what_is_committed_is_told_although_the_consumer_raises_later(self):
        self.bind()
        client = self.listener()

        def consumer(message):
            Group('users').send({'text': '"sent"'})
            User.objects.create(username='ann')
            raise KeyError()

        with apply_routes([route('task', consumer)]), self.assertRaises(KeyError):
            Client().send_and_consume('task')
        self.assertEqual(self.actions(client), [CREATE])


@exempt('order', 'code')
class InboundTests(BindingTestCase, ChannelTestCase):

    def send(self, binding, client=None, **payload):
        class Demultiplexer(WebsocketDemultiplexer):
            consumers = {'users': binding.consumer}

        client = client or WSClient()
        with apply_routes([Demultiplexer.as_route()]):
            client.send_and_consume('websocket.connect')
            client.send_and_consume('websocket.receive', text={'stream': 'users', 'payload': payload})
            client.send_and_consume('websocket.disconnect', {'code': 1000})

    def test_clients_create_change_and_delete(self):
        binding = self.bind()
        self.send(binding, action='create', data={'username': 'ann', 'email': 'a@x'})
        user = User.objects.get()
        self.assertEqual((user.username, user.email), ('ann', 'a@x'))
        self.send(binding, action='update', pk=user.pk, data={'email': 'b@x'})
        user.refresh_from_db()
        self.assertEqual((user.username, user.email), ('ann', 'b@x'))
        self.send(binding, action='delete', pk=user.pk)
        self.assertFalse(User.objects.exists())

    def test_fields_that_are_not_bound_are_ignored(self):
        for attributes in ({'fields': ['username']}, {'exclude': ['is_staff', 'is_superuser', 'id', 'groups']}):
            binding = self.bind(**attributes)
            self.send(binding, action='create', data={
                'username': 'ann', 'is_staff': True, 'is_superuser': True, 'id': 5, 'unknown': 1,
            })
            user = User.objects.get()
            self.send(binding, action='update', pk=user.pk, data={'username': 'bob', 'is_staff': True, 'id': 5})
            user = User.objects.get()
            self.assertEqual((user.username, user.is_staff, user.is_superuser), ('bob', False, False))
            user.delete()

    def test_the_primary_key_never_changes(self):
        user = User.objects.create(username='ann')
        self.send(self.bind(fields='__all__'), action='update', pk=user.pk, data={'id': 99, 'username': 'bob'})
        self.assertEqual(list(User.objects.values_list('pk', 'username')), [(user.pk, 'bob')])

    def test_creating_does_not_overwrite_what_has_the_same_natural_key(self):
        user = User.objects.create(username='ann', email='a@x')
        with self.assertRaises(IntegrityError), transaction.atomic():
            self.send(self.bind(), action='create', data={'username': 'ann', 'email': 'evil@x'})
        user.refresh_from_db()
        self.assertEqual(user.email, 'a@x')

    def test_relations_are_set_by_key(self):
        group = UserGroup.objects.create(name='editors')
        binding = self.bind(fields=['username', 'groups'])
        self.send(binding, action='create', data={'username': 'ann', 'groups': [group.pk]})
        user = User.objects.get()
        self.assertEqual(list(user.groups.all()), [group])
        self.send(binding, action='update', pk=user.pk, data={'groups': []})
        self.assertEqual(list(user.groups.all()), [])

    def test_without_permission_nothing_happens(self):
        asked = []

        def has_permission(self, user, action, pk):
            asked.append((user.pk, action, pk))
            return False

        binding = self.bind(has_permission=has_permission)
        user = User.objects.create(username='ann')
        self.send(binding, action='create', data={'username': 'bob'})
        self.send(binding, action='update', pk=user.pk, data={'username': 'bob'})
        self.send(binding, action='delete', pk=user.pk)
        self.assertEqual(list(User.objects.values_list('username', flat=True)), ['ann'])
        self.assertEqual(asked, [(None, CREATE, None), (None, UPDATE, user.pk), (None, DELETE, user.pk)])

    def test_permission_is_that_of_the_sockets_user(self):
        users = []
        binding = self.bind(has_permission=lambda self, user, action, pk: users.append(user))

        class Demultiplexer(WebsocketDemultiplexer):
            consumers = {'users': binding.consumer}
            http_user = True

        client = WSClient()
        client.force_login(User.objects.create(username='ann'))
        with apply_routes([Demultiplexer.as_route()]):
            client.send_and_consume('websocket.connect')
            client.send_and_consume('websocket.receive', text={
                'stream': 'users', 'payload': {'action': 'create', 'data': {}},
            })
        self.assertEqual(users, [User.objects.get()])

    def test_what_is_no_request_is_refused(self):
        binding = self.bind()
        for payload, error in (
            ({}, 'needs an "action"'),
            ({'action': 'create'}, 'needs "data"'),
            ({'action': 'update', 'pk': 1, 'data': [1]}, 'needs "data"'),
            ({'action': 'explode', 'data': {}}, 'There is no action'),
        ):
            with self.assertRaisesMessage(ValueError, error):
                self.send(binding, **payload)

    def test_a_message_may_be_a_request_itself(self):
        binding = self.bind()
        with apply_routes([route('binding.users', binding.consumer)]):
            Client().send_and_consume('binding.users', {'action': 'create', 'data': {'username': 'ann'}})
        self.assertEqual(User.objects.get().username, 'ann')

    def test_decorators_are_chosen_by_flags(self):
        seen = []
        binding = self.bind(
            channel_session_user=False, channel_session=True, strict_ordering=True,
            has_permission=lambda self, user, action, pk: seen.append(
                (hasattr(self.message, 'channel_session'), user.is_anonymous)),
        )
        client = WSClient(ordered=True)
        with apply_routes([route('websocket.receive', binding.consumer)]):
            client.send_and_consume('websocket.receive', text={'action': 'delete', 'pk': 1})
        self.assertEqual(len(seen), 1)
        self.assertTrue(seen[0][0])
        binding.slight_ordering = True
        with self.assertRaisesMessage(ValueError, 'slight_ordering is gone'):
            binding.get_handler()

    def test_what_a_client_changes_is_told_to_the_others(self):
        binding = self.bind()
        listener = self.listener()
        self.send(binding, action='create', data={'username': 'ann'})
        self.assertEqual(self.actions(listener), [CREATE])
        self.assertEqual(json.dumps(channel_layers['default'].group_channels('users')).count('test.'), 1)


class ChangesTests(BindingTestCase, ChannelTestCase):
    """What groups are told about changes that aren't one plain save."""

    def told(self, client):
        return [(frame['payload']['action'], frame['payload']['data']) for frame in self.frames(client)]

    def by_email(self, **attributes):
        return self.bind(group_names=classmethod(lambda cls, user: ['g-' + (user.email or 'none')]), **attributes)

    def test_a_group_that_an_object_leaves_hears_what_it_knew(self):
        self.by_email()
        user = User.objects.create_user('ann', 'a')
        old, new = self.listener('g-a'), self.listener('g-b')
        user.email, user.username = 'b', 'for b only'
        user.save()
        self.assertEqual(self.told(old), [(DELETE, {'username': 'ann', 'email': 'a'})])
        self.assertEqual(self.told(new), [(CREATE, {'username': 'for b only', 'email': 'b'})])

    def test_what_was_changed_in_memory_only_is_not_told(self):
        self.by_email()
        user = User.objects.create_user('ann', 'a')
        old, new = self.listener('g-a'), self.listener('g-b')
        user.email, user.username = 'b', 'never saved'
        user.delete()
        self.assertEqual(self.told(old), [(DELETE, {'username': 'ann', 'email': 'a'})])
        self.assertEqual(self.told(new), [])

    def test_a_save_within_a_save_is_told_after_it(self):
        def save_again(sender, instance, **kwargs):
            if not instance.first_name:
                instance.first_name = 'again'
                instance.save()
        # As a receiver in models.py: connected before the binding's.
        post_save.connect(save_again, sender=User)
        self.addCleanup(post_save.disconnect, save_again, sender=User)
        self.bind()
        client = self.listener()
        User.objects.create(username='ann')
        self.assertEqual(self.actions(client), [CREATE, UPDATE])
        User.objects.update(first_name='')
        User.objects.get().save()
        self.assertEqual(self.actions(client), [UPDATE, UPDATE])

    def test_a_save_within_a_save_may_move_the_object(self):
        def move(sender, instance, **kwargs):
            if instance.email == 'b':
                instance.email = 'c'
                instance.save()
        post_save.connect(move, sender=User)
        self.addCleanup(post_save.disconnect, move, sender=User)
        self.by_email()
        clients = [self.listener('g-' + name) for name in 'abc']
        user = User.objects.create(username='ann', email='a')
        [self.frames(client) for client in clients]
        user.email = 'b'
        user.save()
        self.assertEqual([self.actions(client) for client in clients], [[DELETE], [], [CREATE, UPDATE]])

    def test_a_failed_save_leaves_nothing_behind(self):
        self.by_email()
        User.objects.create(username='taken')
        user = User(username='taken', email='a')
        with self.assertRaises(IntegrityError), transaction.atomic():
            user.save()
        client = self.listener('g-a')
        user.username = 'ann'
        user.save()
        self.assertEqual(self.actions(client), [CREATE])

    def test_proxies_are_the_same_objects(self):
        self.bind()
        client = self.listener()
        user = ProxyUser.objects.create(username='ann')
        user.email = 'a'
        user.save()
        user.delete()
        self.assertEqual(self.actions(client), [CREATE, UPDATE, DELETE])

    def test_many_to_many_relations_are_changes_from_either_side(self):
        self.bind(fields=['username', 'groups'])
        client = self.listener()
        user, group = User.objects.create(username='ann'), UserGroup.objects.create(name='g')
        self.frames(client)
        for change in (
            lambda: user.groups.add(group), lambda: user.groups.remove(group), lambda: group.user_set.add(user),
            lambda: group.user_set.clear(), lambda: user.groups.add(group), lambda: user.groups.clear(),
        ):
            change()
            told = self.told(client)
            expected = [group.pk] if user.groups.exists() else []
            self.assertEqual(told, [(UPDATE, {'username': 'ann', 'groups': expected})])

    def test_a_relation_that_is_not_bound_says_nothing(self):
        self.bind()
        user, group = User.objects.create(username='ann'), UserGroup.objects.create(name='g')
        client = self.listener()
        user.groups.add(group)
        self.assertEqual(self.actions(client), [])

    def test_bulk_changes_are_announced_by_a_call(self):
        binding = self.bind()
        client = self.listener()
        User.objects.bulk_create([User(username='ann'), User(username='bob')])
        User.objects.update(email='x')
        self.assertEqual(self.actions(client), [])
        binding.announce(User.objects.order_by('username'))
        self.assertEqual([data['username'] for action, data in self.told(client)], ['ann', 'bob'])
        binding.announce([User.objects.get(username='ann')], CREATE)
        self.assertEqual(self.actions(client), [CREATE])

    def test_a_binding_watches_though_nobody_holds_it(self):
        names = [self.bind(stream='not held').__name__]
        # It holds the binding.
        self._cleanups.pop()
        gc.collect()
        client = self.listener()
        User.objects.create(username='ann')
        self.assertEqual((names, self.actions(client)), (['UserBinding'], [CREATE]))
        for left in list(BindingMetaclass.registered):
            if left.stream == 'not held':
                left.unregister()

    def test_fixed_groups_cost_no_query(self):
        self.bind()
        user = User.objects.create(username='ann')
        with self.assertNumQueries(1):
            user.save(force_update=True)
        binding = self.by_email(stream='others')
        with self.assertNumQueries(2):
            user.save(force_update=True)
        binding.unregister()

    def test_overridden_receivers_are_called_as_in_channels_1(self):
        seen = []

        def pre_change_receiver(cls, instance, action):
            seen.append(action)
            super(cls, cls).pre_change_receiver(instance, action)

        self.by_email(pre_change_receiver=classmethod(pre_change_receiver))
        user = User.objects.create(username='ann')
        user.save()
        user.delete()
        self.assertEqual(seen, [CREATE, UPDATE, DELETE])

    def test_what_hangs_on_an_object_is_there_for_group_names(self):
        self.bind(group_names=classmethod(lambda cls, user: [user.hanging]))
        client = self.listener('g')
        user = User(username='ann')
        user.hanging = 'g'
        user.save()
        user.save()
        self.assertEqual(self.actions(client), [CREATE, UPDATE])


class ProxyUser(User):

    class Meta:
        proxy = True
        app_label = 'auth'
