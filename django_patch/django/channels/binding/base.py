"""
The base class of data bindings, independent of the form of their messages.
"""
from __future__ import absolute_import

from django.apps import apps
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from .. import outbox
from ..channel import Group
from ..compat import six
from ..compat.transactions import has_commit_hooks
from .changes import all_as_saved, as_saved, deleted_as, has_fixed_groups, same_fields, saved_as, stored, take_notes
from .inbound import CREATE, DELETE, UPDATE, InboundBinding
from .indirect import IndirectChanges
from .nested import Saves

__all__ = ['Binding', 'BindingMetaclass', 'CREATE', 'DELETE', 'UPDATE']


class BindingMetaclass(type):
    """Registers bindings: those defined early once all models are loaded."""
    #: This module may be loaded when all models are, and the app is ready.
    register_immediately = apps.models_ready
    binding_classes = []
    #: Those that watch. Signals hold them weakly, and a class that a function
    #: has made may be held by nobody else.
    registered = set()

    def __init__(cls, name, bases, body):
        super(BindingMetaclass, cls).__init__(name, bases, body)
        cls._saves = Saves()
        if cls.model is None and 'model' in body:
            # A base of others.
            return
        if BindingMetaclass.register_immediately:
            cls.register()
        else:
            BindingMetaclass.binding_classes.append(cls)

    @classmethod
    def register_all(mcs):
        """Register the bindings there are, and from now on each new one."""
        BindingMetaclass.register_immediately = True
        while BindingMetaclass.binding_classes:
            BindingMetaclass.binding_classes.pop(0).register()


class Binding(six.with_metaclass(BindingMetaclass, IndirectChanges, InboundBinding)):
    """
    Ties a model to the clients that are interested in it.

    Outbound, a change of an object is sent to the groups that its
    group_names() gives, once it is committed (on Django 1.8, at once).
    Inbound, the message of a client changes an object if has_permission()
    says so. Subclasses set `model`, one of `fields` and `exclude`, and
    provide the methods that raise NotImplementedError here.
    """
    #: The model or its "app.Model". None in a class body says that the class
    #: is a base of others.
    model = None
    #: The names of the fields that are bound; '__all__' for all of them.
    fields = None
    #: Or the names of those that are not.
    exclude = None
    #: While serialize() runs: the keyword arguments of the signal.
    signal_kwargs = None

    # Registration

    @classmethod
    def register(cls):
        """
        Start to watch the model.

        Raise ValueError if the class lacks what it has to set.
        """
        for signal, receiver, sender in cls._connections():
            signal.connect(receiver, sender=sender)
        BindingMetaclass.registered.add(cls)

    @classmethod
    def unregister(cls):
        """Stop to watch the model."""
        for signal, receiver, sender in cls._connections():
            signal.disconnect(receiver, sender=sender)
        BindingMetaclass.registered.discard(cls)

    @classmethod
    def get_registered_models(cls):
        """
        Return the models to watch; a name in `model` becomes the model.

        Raise ValueError if the class lacks what it has to set.
        """
        if cls.model is None:
            if 'model' in vars(cls):
                return []
            raise ValueError('%s has no model. Set it, or set it to None if the class is a base of others.' %
                             cls.__name__)
        if cls.fields is None and cls.exclude is None:
            raise ValueError("%s has neither fields nor exclude. To bind everything, set fields = '__all__'." %
                             cls.__name__)
        if isinstance(cls.model, six.string_types):
            cls.model = apps.get_model(cls.model)
        cls.model_label = '%s.%s' % (cls.model._meta.app_label, cls.model._meta.model_name)
        return [cls.model]

    @classmethod
    def _connections(cls):
        """Yield (signal, receiver, sender) for all that has to be watched."""
        for model in cls.get_registered_models():
            for sender in saved_as(model):
                yield pre_save, cls.pre_save_receiver, sender
                yield post_save, cls.post_save_receiver, sender
                yield post_save, cls._saves.forget, sender
            for sender in deleted_as(model):
                yield pre_delete, cls.pre_delete_receiver, sender
                yield post_delete, cls.post_delete_receiver, sender
            bound = cls.bound_field_names()
            for field in model._meta.many_to_many:
                if field.name in bound:
                    yield m2m_changed, cls.m2m_receiver, getattr(model, field.name).through

    @classmethod
    def bound_field_names(cls):
        """Return the names of the fields that are bound, as a set."""
        meta = cls.model._meta
        names = {field.name for field in list(meta.fields) + list(meta.many_to_many)}
        if cls.fields is None:
            return names - set(cls.exclude)
        if cls.fields == '__all__' or list(cls.fields) == ['__all__']:
            return names
        return names & set(cls.fields)

    # Outbound: which groups an object was in, and which it is in now

    @classmethod
    def pre_save_receiver(cls, instance, using=None, **kwargs):
        if not isinstance(instance, cls.model):
            cls._parent_saving(instance, using)
            return
        # A copy, made by taking the key away, says that it isn't new.
        adding = instance._state.adding or instance.pk is None
        if not adding:
            cls._tell_outer_saves(instance, using)
        cls._saves.begin(instance, using)
        if has_fixed_groups(cls) and not (adding and instance.pk is not None):
            # Nothing that the database knows would make a difference.
            cls.pre_change_receiver(instance, CREATE if adding else UPDATE)
            return
        before = cls._note_before(instance, using)
        cls.pre_change_receiver(instance, CREATE if before is None else UPDATE)

    @classmethod
    def post_save_receiver(cls, instance, created, **kwargs):
        using = kwargs.get('using')
        if not isinstance(instance, cls.model):
            cls._parent_saved(instance, using)
            return
        if not cls._saves.end(instance):
            return
        told = instance
        if cls._holds_back(kwargs.get('update_fields')):
            told = stored(cls.model, instance, using) or instance
            take_notes(instance, told)
        cls.post_change_receiver(told, CREATE if created else UPDATE, created=created, **kwargs)

    @classmethod
    def _holds_back(cls, update_fields):
        """Return whether a save of `update_fields` leaves in memory what would be told."""
        if update_fields is None:
            return False
        bound = cls.bound_field_names() & {field.name for field in cls.model._meta.fields if not field.primary_key}
        return not has_fixed_groups(cls) or not bound <= set(update_fields)

    @classmethod
    def _tell_outer_saves(cls, instance, using):
        """
        Tell of the saves within which `instance` is saved, each of the same
        object by another instance, that the database has already.

        A receiver of post_save may load the object and save it. It may be
        called before this one, and what it saves is the newer.
        """
        for outer, created in cls._saves.around(instance, using):
            saved = stored(cls.model, outer, using)
            if saved is not None and same_fields(saved, outer):
                cls._saves.told(outer)
                cls.post_change_receiver(outer, CREATE if created else UPDATE, created=created, using=using)

    @classmethod
    def pre_delete_receiver(cls, instance, using=None, **kwargs):
        if not has_fixed_groups(cls):
            cls._note_before(instance, using)
        cls.pre_change_receiver(instance, DELETE)

    @classmethod
    def post_delete_receiver(cls, instance, **kwargs):
        cls.post_change_receiver(instance, DELETE, **kwargs)

    @classmethod
    def announce(cls, instances, action=UPDATE):
        """
        Tell the groups of `instances` that `action` was done to them.

        For what Django sends no signals about: bulk_create(),
        bulk_update(), QuerySet.update() and plain SQL. Groups that an object
        was in before the change are not known here.
        """
        for instance in all_as_saved(cls.model, instances):
            names = set(cls.group_names(instance))
            cls._start(instance).send_messages(instance, names, action, using=instance._state.db)

    @classmethod
    def _start(cls, instance):
        self = cls()
        self.instance = instance
        return self

    @classmethod
    def _note_before(cls, instance, using):
        # The object that was passed has been changed already, perhaps only in
        # memory.
        before = stored(cls.model, instance, using)
        if not hasattr(instance, '_binding_before'):
            instance._binding_before = {}
        if before is not None and cls not in instance._binding_before:
            instance._binding_before[cls] = before
        return before

    @classmethod
    def pre_change_receiver(cls, instance, action):
        """Note the groups of `instance`, or of what it was before the change."""
        before = getattr(instance, '_binding_before', {}).get(cls, instance)
        names = set() if action == CREATE else set(cls.group_names(before))
        # On the instance, since saves of several may be under way.
        if not hasattr(instance, '_binding_group_names'):
            instance._binding_group_names = {}
        if cls in instance._binding_group_names and not instance._state.adding and action != DELETE:
            # A receiver of post_save saves once more: what was before the
            # first save counts, which nobody has been told of yet.
            return
        instance._binding_group_names[cls] = names

    @classmethod
    def post_change_receiver(cls, instance, action, **kwargs):
        """Tell the groups about `instance`, those it has left first."""
        instance = as_saved(cls.model, instance, kwargs.get('using'))
        after = set() if action == DELETE or instance.pk is None else set(cls.group_names(instance))
        noted = instance._binding_group_names.pop(cls, None)
        # Nothing is noted if a save within this one has told of both; and what
        # is new may be a copy, under another key, of what they knew.
        before = after if noted is None else set() if action == CREATE else noted
        left = getattr(instance, '_binding_before', {}).pop(cls, instance)
        # Those who may no longer see it are told what they knew, not what it
        # is now.
        cls._start(left).send_messages(left, before - after, DELETE, **kwargs)
        self = cls._start(instance)
        self.send_messages(instance, before & after, UPDATE, **kwargs)
        self.send_messages(instance, after - before, CREATE, **kwargs)

    def send_messages(self, instance, group_names, action, **kwargs):
        """
        Have `group_names` told at the commit that `action` was done.

        `kwargs` are those of the signal; serialize() finds them as
        `signal_kwargs`. Nothing is sent where it returns nothing.
        """
        if not group_names:
            return
        self.signal_kwargs = kwargs
        payload = self.serialize(instance, action)
        if not payload:
            return
        message = self.encode(self.stream, payload)
        groups = [Group(name) for name in sorted(group_names)]
        # A change that is committed has happened, whatever becomes of the
        # consumer that made it.
        committed = has_commit_hooks()

        def announce():
            for group in groups:
                group.send(message, immediately=committed)
        outbox.at_commit(announce, kwargs.get('using') or instance._state.db or 'default')

    @classmethod
    def group_names(cls, instance):
        """Return the names of the groups that are told about `instance`."""
        raise NotImplementedError('subclasses of Binding must provide a group_names() method')

    def serialize(self, instance, action):
        """Return what to say about `action` on `instance`, as a dict."""
        raise NotImplementedError('subclasses of Binding must provide a serialize() method')

    @classmethod
    def encode(cls, stream, payload):
        """Return the message that carries `payload`."""
        raise NotImplementedError('subclasses of Binding must provide an encode() method')
