"""
State of an object that changes, as a binding needs it.
"""
from __future__ import absolute_import

import copy

from django.apps import apps


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


def same_fields(one, other):
    """Return whether two objects of a model have the same values in its table."""
    return all(getattr(one, field.attname) == getattr(other, field.attname) for field in one._meta.concrete_fields)


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
