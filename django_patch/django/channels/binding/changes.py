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


def before_change(model, instance, using):
    """
    Return the object that the database has for `instance`, or None.

    What the application has hung on `instance` hangs on it, too, since
    group_names() may look at it.
    """
    if instance.pk is None:
        return None
    before = model._base_manager.using(using).filter(pk=instance.pk).first()
    if before is not None:
        for name, value in vars(instance).items():
            # Django's own: its state, and related objects that are cached.
            if not name.startswith('_') and name not in vars(before):
                setattr(before, name, value)
    return before


def saved_as(model):
    """
    Return the models by which an object of `model` may be saved, itself first.

    Django's signals have the class that was saved as their sender: a proxy,
    or a model that inherits from `model`.
    """
    return [model] + [other for other in apps.get_models() if other is not model and issubclass(other, model)]


def deleted_as(model):
    """
    Return the models by which an object of `model` may be deleted.

    A model that inherits has a table of its own, and Django sends signals
    for the object in the parent's table anyway.
    """
    concrete = model._meta.concrete_model
    return [other for other in saved_as(model) if other._meta.concrete_model is concrete]


def as_model(model, instance):
    """Return `instance`, or what it is as an object of `model`, which it inherits from."""
    if type(instance)._meta.concrete_model is model._meta.concrete_model:
        return instance
    values = {field.attname: getattr(instance, field.attname) for field in model._meta.concrete_fields}
    parent = model(**values)
    parent._state = copy.copy(instance._state)
    return parent
