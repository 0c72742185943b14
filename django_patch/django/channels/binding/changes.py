"""
State of an object that changes, as a binding needs it.
"""
from __future__ import absolute_import

import copy
import datetime
import decimal

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

#: Objects that are read with one query.
_AT_ONCE = 500


class _Touched(BaseException):
    """Raised when group_names() looks at the object; application code doesn't catch it."""


class _Probe(object):
    """Stands in for an object, and knows whether anything was asked of it."""

    def __init__(self):
        object.__setattr__(self, 'touched', False)

    def __getattribute__(self, name):
        object.__setattr__(self, 'touched', True)
        raise _Touched()


def has_fixed_groups(binding):
    """Return whether `binding` has the same groups for every object, whatever the object is."""
    probe = _Probe()
    try:
        binding.group_names(probe)
    except (Exception, _Touched):
        return False
    return not object.__getattribute__(probe, 'touched')


def stored(model, instance, using):
    """
    Return the object of `model` that the database has for `instance`, or None.

    `instance` is of `model`, or of one that inherits from it or that it
    inherits from. What the application has hung on it hangs on the result,
    too, since group_names() may look at it.
    """
    upper = model if isinstance(instance, model) else type(instance)
    key = upper._meta.pk
    value = getattr(instance, key.attname)
    if value is None:
        return None
    found = model._base_manager.using(using).filter(**{key.name: value}).first()
    if found is not None:
        hang(instance, found)
    return found


def hang(source, target):
    """Put on `target` what the application has hung on `source`."""
    for name, value in vars(source).items():
        # Django's own: its state, and related objects that are cached.
        if not name.startswith('_') and name not in vars(target):
            setattr(target, name, value)


def take_notes(source, target):
    """Give `target` what was noted on `source`, which is the same object, before it changed."""
    for name in ('_binding_before', '_binding_group_names'):
        if name in vars(source):
            setattr(target, name, getattr(source, name))


def as_saved(model, instance, using):
    """
    Return the object of `model` with the values that its saved fields have.

    After a save, an instance has what the application assigned: a date as
    text, an expression, a price with too many decimal places. Only what the
    database alone can tell is read from there.
    """
    try:
        return converted(instance)
    except _Unknown:
        found = stored(model, instance, using)
        if found is None:
            return instance
        take_notes(instance, found)
        return found


def all_as_saved(model, instances):
    """
    Yield each of `instances` as as_saved() returns it, but read together.

    They may have more on them than was saved: bulk_update() saves the fields
    that it is told.
    """
    instances = list(instances)
    for start in range(0, len(instances), _AT_ONCE):
        batch = [(each._state.db, getattr(each, model._meta.pk.attname, None), each)
                 for each in instances[start:start + _AT_ONCE]]
        found = {}
        for using in {using for using, _, _ in batch}:
            keys = [key for alias, key, _ in batch if alias == using and key is not None]
            found.update(((using, row.pk), row) for row in model._base_manager.using(using).filter(pk__in=keys))
        for using, key, each in batch:
            row = found.get((using, key))
            if row is None or not each.get_deferred_fields() and same_fields(row, each):
                # As it came, with the related objects that it has.
                yield as_saved(model, each, using)
            else:
                hang(each, row)
                yield row


def converted(instance):
    """
    Return `instance`, or a copy, with the types that its fields are loaded as.

    Raise ValueError if only the database knows what it has made of a value.
    """
    loaded = {field.attname for field in instance._meta.concrete_fields} - instance.get_deferred_fields()
    changed = {}
    for field in instance._meta.concrete_fields:
        if field.attname in loaded:
            value = getattr(instance, field.attname)
            known = _as_loaded(field, value)
            if known is not value and (type(known) is not type(value) or known != value):
                changed[field.attname] = known
    if not changed:
        return instance
    result = copy.copy(instance)
    for name, value in changed.items():
        setattr(result, name, value)
    return result


class _Unknown(ValueError):
    """Raised for a value that only the database can tell."""


def _as_loaded(field, value):
    if hasattr(value, 'resolve_expression') or getattr(field, 'generated', False):
        raise _Unknown()
    while field.is_relation:
        field = field.foreign_related_fields[0]
    if value is None or not type(field).__module__.startswith('django.db.models.'):
        # Nobody knows what others' fields do with a value of theirs.
        return value
    try:
        value = field.to_python(value)
    except (TypeError, ValidationError, ValueError):
        raise _Unknown()
    if isinstance(value, decimal.Decimal) and value.is_finite() and -value.as_tuple().exponent > field.decimal_places:
        raise _Unknown()
    if isinstance(value, datetime.datetime) and settings.USE_TZ and timezone.is_naive(value):
        raise _Unknown()
    return value


def same_fields(found, instance):
    """Return whether `found`, out of the database, surely has what `instance` has in the table of its model."""
    try:
        instance = converted(instance)
    except _Unknown:
        return False
    fields = found._meta.concrete_fields
    return all(getattr(found, field.attname) == getattr(instance, field.attname) for field in fields)


def saved_as(model):
    """
    Return the models by which an object of `model` may be saved, itself first.

    Django's signals have the class that was saved as their sender: a proxy, a
    model that inherits from `model`, or one that it inherits from, whose
    fields are part of the object.
    """
    parents = _inherited(model)
    return [model] + [other for other in apps.get_models() if other is not model and (
        issubclass(other, model) or other._meta.concrete_model in parents)]


def deleted_as(model):
    """
    Return the models by which an object of `model` may be deleted.

    A model that inherits has a table of its own, and Django sends signals
    for the object in the parent's table anyway.
    """
    concrete = model._meta.concrete_model
    return [other for other in saved_as(model) if other._meta.concrete_model is concrete and issubclass(other, model)]


def parent_keys(model):
    """Return the names of the fields of `model` that say which rows of what it inherits from are its own."""
    links = model._meta.concrete_model._meta.parents.values()
    return {parent._meta.pk.name for parent in _inherited(model)} | {link.name for link in links if link is not None}


def check_key(field, value):
    """Raise what its fields raise, or ValueError, if `value` can't be a key of `field`, a primary key."""
    if value is None:
        return
    # Django's own way to have a key of several fields, since 5.2.
    several = getattr(field, 'fields', None)
    if several is None:
        field.to_python(value)
        return
    if not isinstance(value, (list, tuple)) or len(value) != len(several) or None in value:
        raise ValueError('the key has %d parts' % len(several))
    for part, each in zip(several, value):
        part.to_python(each)


def parts(model, instance):
    """Return `instance` as an object of each model whose table has fields of `model`, which comes last."""
    return [as_model(each, instance) for each in _inherited(model) + [model]]


def _inherited(model):
    """Return the models with tables of their own that `model` inherits from."""
    return [parent for parent in model._meta.concrete_model._meta.get_parent_list() if not parent._meta.proxy]


def as_model(model, instance):
    """Return `instance`, or what it is as an object of `model`, which it inherits from."""
    if type(instance)._meta.concrete_model is model._meta.concrete_model:
        return instance
    values = {field.attname: getattr(instance, field.attname) for field in model._meta.concrete_fields}
    parent = model(**values)
    parent._state = copy.copy(instance._state)
    return parent
