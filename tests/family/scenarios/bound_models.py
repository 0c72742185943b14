"""Bindings of models as programs of the 1.x era have them: fields of all types, keys, requests (parity A.7)."""
from __future__ import absolute_import, unicode_literals

import json
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal

from channels import Group, route
from channels.binding.base import Binding
from channels.binding.websockets import WebsocketBinding, WebsocketBindingWithMembers
from channels.generic.websockets import WebsocketDemultiplexer
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import transaction
from django.utils import timezone

from .bindings import KEPT, bound
from .cases import attempt, case, cases
from .family_app.models import Booking, Named, Room, Silent
from .tools import layer, message, received, work

BOOKING = {'model': Booking, 'fields': ['__all__']}
NAMED = {'model': Named, 'fields': ['note']}


def heard(function, **members):
    """Return what group g hears while `function` works on a bound model."""
    with layer() as wrapped:
        Group('g').add('tap')
        with bound(members.pop('base', WebsocketBinding), **members):
            function()
        return [json.loads(content['text']) for content in received(wrapped, 'tap')]


def booked(**fields):
    return lambda: Booking.objects.create(pk=7, **fields)


AT = datetime(2017, 5, 6, 7, 8, 9, 123456, timezone.utc)

cases('what a binding sends of a field', {
    'date and time': lambda: heard(booked(at=AT), **BOOKING),
    'time without microseconds': lambda: heard(booked(at=AT.replace(microsecond=0)), **BOOKING),
    'date': lambda: heard(booked(day=date(2017, 5, 6)), **BOOKING),
    'decimal': lambda: heard(booked(price=Decimal('12.50')), **BOOKING),
    'decimal given as text': lambda: heard(booked(price='12.5'), **BOOKING),
    'UUID': lambda: heard(booked(code=uuid.UUID(int=5)), **BOOKING),
    'UUID given as text': lambda: heard(booked(code=str(uuid.UUID(int=5))), **BOOKING),
    'duration': lambda: heard(booked(length=timedelta(days=1, seconds=5)), **BOOKING),
    'float': lambda: heard(booked(share=1e300), **BOOKING),
    'boolean': lambda: heard(booked(paid=True), **BOOKING),
    'file': lambda: heard(booked(paper='a/b.txt'), **BOOKING),
    'foreign key': lambda: heard(lambda: booked(room=Room.objects.create(pk=3, name='a'))(), **BOOKING),
    'foreign key by its column': lambda: heard(
        booked(room=None), model=Booking, fields=['room_id']),
    'not editable': lambda: heard(booked(secret='x'), **BOOKING),
    'many-to-many, nothing yet': lambda: heard(booked(), model=Booking, fields=['seats', 'paid']),
    'no field of that name': lambda: heard(booked(), model=Booking, fields=['nothing', 'paid']),
    'primary key among the fields': lambda: heard(booked(), model=Booking, fields=['id', 'paid']),
    'fields in a tuple': lambda: heard(booked(), model=Booking, fields=('paid',)),
    'exclude in a tuple': lambda: heard(booked(), model=Booking, fields=None, exclude=(
        'at', 'day', 'price', 'code', 'length', 'share', 'paper', 'secret', 'room', 'seats')),
    'fields and exclude': lambda: heard(booked(), model=Booking, fields=['paid'], exclude=['share']),
    'exclude nothing': lambda: sorted(heard(booked(), model=Booking, fields=None, exclude=[])[0]['payload']['data']),
    'text of all kinds': lambda: heard(
        lambda: Named.objects.create(key='k', note='\u00e4\u4e2d\U0001f600"</script>'), **NAMED),
})


def named(*actions):
    def function():
        row = Named.objects.create(key='k', note='1')
        for action in actions:
            action(row)
    return function


def renamed(row):
    row.note = '2'
    row.save()


cases('what a binding sends of a model with a key of text', {
    'create, update, delete': lambda: heard(named(renamed, lambda row: row.delete()), **NAMED),
    'another key': lambda: heard(named(lambda row: (setattr(row, 'key', 'l'), row.save())), **NAMED),
    'update_fields': lambda: heard(named(lambda row: row.save(update_fields=['note'])), **NAMED),
    'no update_fields': lambda: heard(named(lambda row: row.save(update_fields=[])), **NAMED),
    'force_update': lambda: heard(named(lambda row: row.save(force_update=True)), **NAMED),
    'get_or_create': lambda: heard(lambda: [
        Named.objects.get_or_create(key='k', defaults={'note': 'x'}) for _ in range(2)], **NAMED),
    'update_or_create': lambda: heard(lambda: [
        Named.objects.update_or_create(key='k', defaults={'note': note}) for note in 'xy'], **NAMED),
    'a fixture': lambda: heard(lambda: [each.save() for each in serializers.deserialize(
        'json', '[{"model": "family_app.named", "pk": "f", "fields": {"note": "n"}}]')], **NAMED),
    'deleted twice': lambda: heard(named(lambda row: row.delete(), lambda row: attempt(
        Named(key='k').delete)), **NAMED),
    'deleted with what it belongs to': lambda: heard(cascade, model=Booking, fields=['paid']),
    'a key with a space': lambda: heard(lambda: Named.objects.create(key='a b/\u00e4'), **NAMED),
    'pk by hand': lambda: heard(lambda: Named(pk='k', note='x').save(), **NAMED),
    'in an atomic block': lambda: heard(atomic, **NAMED),
})


def cascade():
    room = Room.objects.create(name='a')
    Booking.objects.create(pk=7, room=room)
    room.delete()


def atomic():
    with transaction.atomic():
        Named.objects.create(key='k', note='x')


class Mixed(object):
    """As programs have a base for their bindings."""

    @classmethod
    def group_names(cls, instance):
        return ['g']

    def has_permission(self, user, action, pk):
        return bool(user and user.is_staff)


def by_class(function, *bases, **members):
    members = dict({'group_names': KEPT, 'has_permission': KEPT}, **members)
    return heard(function, base=type(str('Base'), bases, {'model': None}), **members)


def serialized(self, instance, action):
    data = super(type(self), self).serialize(instance, action)
    data['mine'] = action
    return data


cases('bindings of a program', {
    'a mixin has the groups': lambda: by_class(named(renamed), Mixed, WebsocketBinding, **NAMED),
    'own serialize that calls ours': lambda: heard(named(), serialize=serialized, **NAMED),
    'two bindings of one model': lambda: two_bindings(),
    'groups named by the object': lambda: heard(
        named(renamed), group_names=classmethod(lambda cls, instance: ['g'] if instance.note else []), **NAMED),
    'many groups': lambda: len(heard(
        named(), group_names=classmethod(lambda cls, instance: ['g'] + ['g%d' % n for n in range(50)]), **NAMED)),
    'groups in a set': lambda: heard(named(renamed), group_names=classmethod(lambda cls, instance: {'g'}), **NAMED),
    'groups by a generator': lambda: heard(
        named(renamed), group_names=classmethod(lambda cls, instance: (name for name in ['g'])), **NAMED),
    'members that are methods, attributes and paths': lambda: heard(
        lambda: Room.objects.create(pk=3, name='tea'), base=WebsocketBindingWithMembers, model=Room, fields=['name'],
        send_members=['shout', 'size', 'pk', 'name.title', '_meta.label_lower']),
    'a member that is missing': lambda: attempt(
        heard, lambda: Room.objects.create(name='tea'), base=WebsocketBindingWithMembers, model=Room,
        fields=['name'], send_members=['nothing']),
    'members of a related object': lambda: heard(
        lambda: Booking.objects.create(pk=7, room=Room.objects.create(pk=3, name='tea')),
        base=WebsocketBindingWithMembers, model=Booking, fields=['paid'], send_members=['room.shout', 'room.name']),
    'encode': lambda: json.loads(WebsocketBinding.encode('s', {'a': None})['text']),
    'label': lambda: [label(Booking), label('family_app.Named'), label(Silent)],
    'a binding without websockets': lambda: plain_binding(),
    'a model of auth': lambda: [item['payload'].pop('pk') and item for item in heard(
        lambda: get_user_model().objects.create_user('ann'), model=get_user_model(), fields=['username', 'groups'])],
})


def two_bindings():
    with layer() as wrapped:
        Group('g').add('tap')
        with bound(**NAMED), bound(stream='more', **dict(NAMED, fields=['key'])):
            Named.objects.create(key='k')
        return sorted(sorted(json.loads(content['text'])['payload']['data']) for content in received(wrapped, 'tap'))


def label(model):
    with bound(model=model, fields=['__all__']) as binding:
        return binding.model_label


def plain_binding():
    """As the documentation of Channels 1.x has a binding for another protocol."""
    found = []

    class Base(Binding):
        model = None

        def serialize(self, instance, action):
            return {'text': '%s %s %s' % (action, self.model_label, instance.pk)}

        @classmethod
        def group_names(cls, instance, action=None):
            return ['g']
    with layer() as wrapped:
        Group('g').add('tap')
        with bound(Base, group_names=KEPT, **NAMED):
            named(renamed, lambda row: row.delete())()
        found.extend(received(wrapped, 'tap'))
    return found


def asked(body, user=None, model=Booking, fields=('paid', 'share', 'room', 'at', 'price'), **members):
    """Have a client ask a binding; return the outcome and the rows there are."""
    Room.objects.create(pk=3, name='tea')
    Booking.objects.create(pk=7)
    with layer() as wrapped, bound(model=model, fields=list(fields), **members) as binding:
        outcome = attempt(binding.consumer, message(
            {'text': json.dumps(body), 'path': '/', 'order': 0}, 'websocket.receive', wrapped))
    rows = Booking.objects.order_by('pk').values_list('paid', 'share', 'room', 'at', 'price')
    return [outcome, [[str(value) for value in row] for row in rows]]


def update(**data):
    return {'action': 'update', 'pk': 7, 'data': data}


cases('what clients ask a binding for', {
    'update': lambda: asked(update(paid=True, share=2)),
    'update with text for a number': lambda: asked(update(share='2.5')),
    'update with what is no number': lambda: asked(update(share='x')),
    'update of a foreign key': lambda: asked(update(room=3)),
    'update of a foreign key to nothing': lambda: asked(update(room=None)),
    'update of a foreign key to what is not there': lambda: asked(update(room=99))[1] and None,
    'update of a date': lambda: asked(update(at='2017-05-06T07:08:09Z')),
    'update of a date that is none': lambda: asked(update(at='yesterday')),
    'update of a decimal': lambda: asked(update(price='12.50')),
    'update with nothing': lambda: asked(update()),
    'update without data': lambda: asked({'action': 'update', 'pk': 7}),
    'update with the key in the data': lambda: asked(update(id=8, paid=True)),
    'update without a key': lambda: asked({'action': 'update', 'data': {'paid': True}}),
    'update with a key of text': lambda: asked({'action': 'update', 'pk': '7', 'data': {'paid': True}}),
    'update of a key that is none': lambda: asked({'action': 'update', 'pk': 'x', 'data': {'paid': True}}),
    'create': lambda: asked({'action': 'create', 'data': {'paid': True, 'room': 3}}),
    'create with a key': lambda: asked({'action': 'create', 'pk': 9, 'data': {'paid': True}}),
    'create without data': lambda: asked({'action': 'create'}),
    'create with null data': lambda: asked({'action': 'create', 'data': None}),
    'delete': lambda: asked({'action': 'delete', 'pk': 7}),
    'delete with a key of text': lambda: asked({'action': 'delete', 'pk': '7'}),
    'delete without a key': lambda: asked({'action': 'delete'}),
    'action in other letters': lambda: asked({'action': 'DELETE', 'pk': 7}),
    'action that is none': lambda: asked({'action': None, 'pk': 7}),
    'permission by the action': lambda: asked(
        {'action': 'delete', 'pk': 7}, has_permission=lambda self, user, action, pk: action != 'delete'),
    'permission raises': lambda: asked(
        {'action': 'delete', 'pk': 7}, has_permission=lambda self, user, action, pk: 1 // 0),
    'permission says None': lambda: asked(
        {'action': 'delete', 'pk': 7}, has_permission=lambda self, user, action, pk: None),
    'own update': lambda: asked(update(paid=True), update=lambda self, pk, data: Booking.objects.filter(
        pk=pk).update(share=9)),
    'own delete': lambda: asked({'action': 'delete', 'pk': 7}, delete=lambda self, pk: None),
})


@case('what clients ask a binding for: what others then hear')
def others_hear():
    Booking.objects.create(pk=7)
    body = {'action': 'update', 'pk': 7, 'data': {'paid': True}}
    with layer() as wrapped, bound(model=Booking, fields=['paid']) as binding:
        Group('g').add('tap')
        binding.consumer(message({'text': json.dumps(body), 'path': '/', 'order': 0}, 'websocket.receive', wrapped))
        return [json.loads(content['text']) for content in received(wrapped, 'tap')]


@case('what clients ask a binding for: a whole socket with two streams')
def whole_socket():
    with bound(model=Booking, fields=['paid']) as first, bound(model=Named, fields=['key', 'note']) as second:
        streams = type(str('Streams'), (WebsocketDemultiplexer,), {
            'consumers': {'bookings': first.consumer, 'names': second.consumer},
            'connection_groups': lambda self, **kwargs: ['g'], 'groups': ['g']})
        with layer([route('websocket.connect', streams), route('websocket.receive', streams)]) as wrapped:
            for channel, more in (
                    ('connect', {}), ('receive', ask('bookings', {'paid': True})),
                    ('receive', ask('names', {'key': 'k', 'note': 'n'})), ('receive', ask('others', {}))):
                wrapped.send('websocket.' + channel, dict({
                    'path': '/', 'order': 0, 'reply_channel': 'websocket.send!a'}, **more))
                work(wrapped)
            sent = [json.loads(item['text']) if 'text' in item else item for item in received(
                wrapped, 'websocket.send!a')]
    for item in sent:
        item.get('payload', {}).pop('pk', None)
    return [sent[:3], Booking.objects.count(), Named.objects.count()]


def ask(stream, data):
    return {'text': json.dumps({'stream': stream, 'payload': {'action': 'create', 'data': data}})}
