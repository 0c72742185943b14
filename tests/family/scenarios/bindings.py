"""Data binding (parity A.7)."""
from __future__ import absolute_import, unicode_literals

import contextlib
import json

from channels import Group
from channels.binding.base import CREATE, DELETE, UPDATE, Binding
from channels.binding.websockets import WebsocketBinding, WebsocketBindingWithMembers
from channels.generic.websockets import WebsocketDemultiplexer
from django.contrib.auth.models import AnonymousUser
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from .cases import attempt, case, cases
from .family_app.models import Room, Silent
from .tools import layer, message, received


@contextlib.contextmanager
def bound(base=WebsocketBinding, **members):
    """A context with a binding on Room, which watches only while it lasts."""
    members = dict({'model': Room, 'stream': 'rooms', 'fields': ['name', 'topic'],
                    'group_names': classmethod(lambda cls, instance, *args: ['g']),
                    'has_permission': lambda self, user, action, pk: True}, **members)
    before = [(signal, list(signal.receivers)) for signal in (pre_save, post_save, pre_delete, post_delete)]
    try:
        yield type(str('RoomBinding'), (base,), {key: value for key, value in members.items() if value is not KEPT})
    finally:
        for signal, receivers in before:
            signal.receivers = receivers
            signal.sender_receivers_cache.clear()


#: Stands for "leave the attribute out".
KEPT = object()


def told(function, **members):
    """Return what group g is told while `function` works on rooms; primary keys are left out."""
    with layer() as wrapped:
        Group('g').add('tap')
        with bound(members.pop('base', WebsocketBinding), **members):
            function()
        found = []
        for content in received(wrapped, 'tap'):
            content = json.loads(content['text'])
            content['payload'].pop('pk')
            found.append(content)
        return found


def change():
    room = Room.objects.create(name='one')
    room.topic = 'tea'
    room.save()
    room.delete()


def rename():
    Room.objects.create(name='a')
    Room.objects.get().save()


def failing():
    Room.objects.create(pk=5, name='a')
    try:
        Room.objects.create(pk=5, name='a')
    except Exception:
        pass


def by_name(cls, instance, *args):
    return ['g'] if instance.name == 'in' else ['else']


def move(first, second):
    def function():
        room = Room.objects.create(name=first)
        room = Room.objects.get()
        room.name = second
        room.save()
    return function


cases('outbound', {
    'create, update, delete': lambda: told(change),
    'read and saved': lambda: told(rename),
    'all fields': lambda: told(change, fields='__all__'),
    'all fields in a list': lambda: told(change, fields=['__all__']),
    'exclude': lambda: told(change, fields=None, exclude=['topic']),
    'no field': lambda: told(change, fields=[]),
    'model by name': lambda: told(change, model='family_app.Room'),
    'another model': lambda: told(lambda: Silent.objects.create(name='x')),
    'no groups': lambda: told(change, group_names=classmethod(lambda cls, instance, *args: [])),
    'groups in a tuple': lambda: told(change, group_names=classmethod(lambda cls, instance, *args: ('g', 'h'))),
    'a failing save': lambda: told(failing),
    'comes in': lambda: told(move('out', 'in'), group_names=classmethod(by_name)),
    'goes out': lambda: told(move('in', 'out'), group_names=classmethod(by_name)),
    'stays': lambda: told(move('in', 'in'), group_names=classmethod(by_name)),
    'with members': lambda: told(
        change, base=WebsocketBindingWithMembers, send_members=['size', 'shout', 'name.upper']),
    'own serialize_data': lambda: told(change, serialize_data=lambda self, instance: {'x': instance.name}),
    'own serialize': lambda: told(change, serialize=lambda self, instance, action: {'pk': 1, 'action': action}),
    'serialize says nothing': lambda: told(change, serialize=lambda self, instance, action: {}),
    'signal kwargs': lambda: told(change, serialize=lambda self, instance, action: {
        'pk': 1, 'kwargs': sorted(key for key in self.signal_kwargs if key != 'origin')}),
    'pre_change_receiver': lambda: told(change, pre_change_receiver=classmethod(own_pre_change)),
    'own receivers': lambda: told(change, post_change_receiver=classmethod(own_post_change)),
    'a queryset update': lambda: told(lambda: Room.objects.update(name='x')),
    'bulk_create': lambda: told(lambda: Room.objects.bulk_create([Room(name='a')])),
    'queryset delete': lambda: told(lambda: (Room.objects.create(name='a'), Room.objects.all().delete())),
})


def own_pre_change(cls, instance, action):
    super(cls, cls).pre_change_receiver(instance, action)


def own_post_change(cls, instance, action, **kwargs):
    super(cls, cls).post_change_receiver(instance, action, **kwargs)


@case('outbound: actions for pre_change_receiver')
def actions():
    found = []

    def note(cls, instance, action):
        found.append(action)
        super(cls, cls).pre_change_receiver(instance, action)
    told(change, pre_change_receiver=classmethod(note))
    return found


@case('outbound: what group_names is asked about')
def asked():
    found = []

    def note(cls, instance):
        found.append([type(instance).__name__, instance.name, instance.topic])
        return ['g']
    told(change, group_names=classmethod(note))
    return found


@case('outbound: what hangs on the instance is there for group_names')
def hanging():
    def names(cls, instance):
        return ['g' if instance.hanging else 'h']

    def function():
        room = Room(name='a')
        room.hanging = True
        room.save()
        room.save()
    return told(function, group_names=classmethod(names))


def defined(**members):
    with bound(**members) as binding:
        return binding.model_label


cases('definition', {
    'label': lambda: defined(), 'no model': lambda: defined(model=KEPT),
    'no stream': lambda: told(change, stream=None), 'no fields': lambda: defined(fields=None),
    'unknown model': lambda: defined(model='family_app.Nothing'),
    'constants': lambda: [CREATE, UPDATE, DELETE],
    'registered models': lambda: _registered(),
    'defaults': lambda: [getattr(WebsocketBinding, name) for name in (
        'model', 'stream', 'fields', 'exclude', 'channel_session_user', 'channel_session', 'strict_ordering',
        'slight_ordering', 'signal_kwargs')],
    'a base of others': lambda: type(str('Base'), (WebsocketBinding,), {'model': None}) and None,
    'base is abstract': lambda: [attempt(getattr(Binding, name), None)['raised'][:1] for name in ('group_names',)],
    'no permission method': lambda: attempt(WebsocketBinding().has_permission, None, 'create', None)['raised'][:1],
    'no create method': lambda: attempt(Binding().create, {})['raised'][:1],
})


def _registered():
    with bound() as binding:
        return [model.__name__ for model in binding.get_registered_models()]


def ask(action='create', pk=None, data=None, channel='websocket.receive', body=None, **members):
    """Have a client ask for something; return the outcome and the rooms there are."""
    room = Room.objects.create(name='old', topic='old')
    if pk == 'first':
        pk = room.pk
    if body is None:
        body = {'action': action, 'pk': pk, 'data': data}
    with layer() as wrapped, bound(**members) as binding:
        outcome = attempt(
            binding.consumer, message({'text': json.dumps(body), 'path': '/', 'order': 0}, channel, wrapped))
    return [outcome, list(Room.objects.order_by('pk').values_list('name', 'topic'))]


cases('inbound', {
    'create': lambda: ask(data={'name': 'new', 'topic': 'x'}),
    'create a part': lambda: ask(data={'name': 'new'}),
    'update': lambda: ask('update', 'first', {'name': 'new'}),
    'update of nothing': lambda: ask('update', 999, {'name': 'new'}),
    'update what is not bound': lambda: ask('update', 'first', {'topic': 'new'}, fields=['name']),
    'delete': lambda: ask('delete', 'first'),
    'delete of nothing': lambda: ask('delete', 999),
    'delete with data': lambda: ask('delete', 'first', {}),
    'unknown action': lambda: ask('shout', 'first', {}),
    'no permission': lambda: ask('delete', 'first', has_permission=lambda self, user, action, pk: False),
    'at connect': lambda: ask('delete', 'first', channel='websocket.connect'),
    'at disconnect': lambda: ask('delete', 'first', channel='websocket.disconnect'),
    'no action': lambda: ask(body={'pk': 1}),
    'unknown field': lambda: ask(data={'name': 'new', 'nothing': 1}),
    'without sessions': lambda: ask('delete', 'first', channel_session_user=False),
    'strict ordering': lambda: ask('delete', 'first', strict_ordering=True),
    'slight ordering': lambda: ask('delete', 'first', slight_ordering=True),
    'own create': lambda: ask(data={'a': 1}, create=lambda self, data: Room.objects.create(name=str(data['a']))),
    'own deserialize': lambda: ask(body={'x': 1}, deserialize=lambda self, message: ('delete', _first_pk(), None)),
    'own run_action': lambda: ask(body={'action': 'x', 'data': {}}, run_action=lambda self, action, pk, data: None),
})


def _first_pk():
    return Room.objects.get().pk


@case('inbound: what has_permission is asked')
def permission():
    found = []

    def note(self, user, action, pk):
        found.append([isinstance(user, AnonymousUser), action, pk is not None])
        return False
    ask('create', None, {'name': 'x'}, has_permission=note)
    Room.objects.all().delete()
    ask('delete', 'first', has_permission=note)
    return found


@case('inbound: behind a demultiplexer')
def demultiplexed():
    with layer() as wrapped, bound() as binding:
        demultiplexer = type(str('D'), (WebsocketDemultiplexer,), {'consumers': {'rooms': binding.consumer}})
        frame = {'stream': 'rooms', 'payload': {'action': 'create', 'data': {'name': 'new'}}}
        for channel, more in (('connect', {}), ('receive', {'text': json.dumps(frame)}), ('disconnect', {})):
            demultiplexer(message(dict({'path': '/', 'order': 0}, **more), 'websocket.' + channel, wrapped))
        return list(Room.objects.values_list('name', flat=True))


@case('inbound: attributes of the binding')
def attributes():
    found = []

    def note(self, action, pk, data):
        found.append([self.action, self.pk, self.data, self.kwargs, self.message.channel, hasattr(self, 'user')])
    ask(body={'action': 'create', 'data': {'a': 1}}, run_action=note)
    return found
