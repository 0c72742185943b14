"""
Bindings over WebSockets, each on a stream of a demultiplexer.
"""
from __future__ import absolute_import

import contextlib
import json

from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.serializers.base import DeserializationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, router, transaction

from ..compat.text import text_of_error
from ..exceptions import MalformedFrame
from ..generic.websockets import WebsocketMultiplexer
from .base import UPDATE, Binding
from .changes import check_key, parent_keys, parts

#: What fields of several Djangos raise for a value that they can't have.
_UNFIT = (AttributeError, DeserializationError, OverflowError, TypeError, ValidationError, ValueError)


@contextlib.contextmanager
def _refused(*errors):
    """Have `errors`, by default those of a value that a field can't have, be the fault of the client."""
    try:
        yield
    except errors or _UNFIT as error:
        reasons = error.messages if isinstance(error, ValidationError) else [text_of_error(error)]
        raise MalformedFrame("A value of a message to a binding doesn't fit: %s." % '; '.join(reasons).rstrip('.'))


class WebsocketBinding(Binding):
    """
    Speaks with clients in JSON: ``{action, pk, data, model}``.

    Use its `consumer` as that of a stream in a WebsocketDemultiplexer, and
    set `stream` to the same name. What a client sends needs neither `model`
    nor fields that aren't bound, which are ignored.
    """
    model = None
    stream = None

    @classmethod
    def get_registered_models(cls):
        models = super(WebsocketBinding, cls).get_registered_models()
        if models and cls.stream is None:
            raise ValueError('%s has no stream. Set it to the name that the demultiplexer has for it.' % cls.__name__)
        return models

    # Outbound

    @classmethod
    def encode(cls, stream, payload):
        return WebsocketMultiplexer.encode(stream, payload)

    def serialize(self, instance, action):
        return {
            'action': action,
            'pk': instance.pk,
            'data': self.serialize_data(instance),
            'model': self.model_label,
        }

    def serialize_data(self, instance):
        """Return the bound fields of `instance` as a dict fit for JSON."""
        fields = sorted(self.bound_field_names())
        # Django serializes a model without what it inherits.
        records = json.loads(serializers.serialize('json', parts(self.model, instance), fields=fields))
        return {name: value for record in records for name, value in record['fields'].items()}

    # Inbound

    def deserialize(self, message):
        """
        Return (action, primary key or None, data) out of `message`.

        They are in its text, as from a demultiplexer, or in itself.
        """
        try:
            body = message.content if message.get('text') is None else json.loads(message['text'])
        except ValueError as error:
            raise MalformedFrame("A message to a binding isn't JSON: %s." % error)
        if not isinstance(body, dict) or 'action' not in body:
            raise MalformedFrame('A message to a binding needs an "action".')
        data = body.get('data')
        if not isinstance(data, dict) and not (data is None and body['action'] == 'delete'):
            raise MalformedFrame('A message to a binding needs "data", an object, unless it deletes.')
        pk = body.get('pk')
        if pk is None and body['action'] == UPDATE:
            raise MalformedFrame('A message to a binding needs a "pk" to update.')
        with _refused():
            check_key(self.model._meta.pk, pk)
        return body['action'], pk, data

    def _hydrate(self, pk, data):
        """Return (DeserializedObject, names) of what is bound in `data`."""
        # A row of a model that is inherited from is found by its key, and may
        # be part of another object than the one that permission was asked for.
        bound = self.bound_field_names() - parent_keys(self.model)
        fields = {name: value for name, value in data.items() if name in bound}
        for name, value in fields.items():
            if value is None and not self.model._meta.get_field(name).null:
                raise MalformedFrame("A value of a message to a binding doesn't fit: %s can't be null." % name)
        records = [{'pk': pk, 'model': self.model_label, 'fields': fields}]
        with _refused():
            return next(iter(serializers.deserialize('python', records))), set(fields)

    def create(self, data):
        hydrated, _ = self._hydrate(None, data)
        # By its natural key, the deserializer may have found an object that
        # the client has no permission to change. And the wrapper's save()
        # would pass for the loading of a fixture.
        self._save(hydrated.object, hydrated.m2m_data, force_insert=True)

    def update(self, pk, data):
        instance = self.model._default_manager.get(pk=pk)
        hydrated, names = self._hydrate(pk, data)
        for field in self.model._meta.concrete_fields:
            if field.name in names and not field.primary_key:
                setattr(instance, field.attname, getattr(hydrated.object, field.attname))
        self._save(instance, hydrated.m2m_data)

    def _save(self, instance, m2m_data, **options):
        with _refused(DataError, OverflowError), \
                transaction.atomic(using=router.db_for_write(self.model, instance=instance)):
            instance.save(**options)
            for name, values in (m2m_data or {}).items():
                manager = getattr(instance, name)
                manager.clear()
                manager.add(*values)


class WebsocketBindingWithMembers(WebsocketBinding):
    """
    Sends more than fields: the attributes and methods in `send_members`.

    A dotted one, as in "author.get_full_name", follows the objects, and is
    called "author__get_full_name" in the data.
    """
    model = None
    send_members = []
    encoder = DjangoJSONEncoder()

    def serialize_data(self, instance, **kwargs):
        data = super(WebsocketBindingWithMembers, self).serialize_data(instance, **kwargs)
        members = {}
        for path in self.send_members:
            value = instance
            for name in path.split('.'):
                value = getattr(value, name)
            members[path.replace('.', '__')] = value() if callable(value) else value
        data.update(json.loads(self.encoder.encode(members)))
        return data
