"""
The base class of data bindings, independent of the form of their messages.
"""
from __future__ import absolute_import

from django.apps import apps
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from .. import outbox
from ..auth import channel_session_user
from ..channel import Group
from ..compat import six
from ..compat.transactions import has_commit_hooks
from ..sessions import channel_session, enforce_ordering

CREATE = 'create'
UPDATE = 'update'
DELETE = 'delete'

__all__ = ['Binding', 'BindingMetaclass', 'CREATE', 'DELETE', 'UPDATE']


class BindingMetaclass(type):
    """Registers bindings: those defined early once all models are loaded."""
    register_immediately = False
    binding_classes = []

    def __init__(cls, name, bases, body):
        super(BindingMetaclass, cls).__init__(name, bases, body)
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


class Binding(six.with_metaclass(BindingMetaclass)):
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
    #: The decorators of the consumer for inbound messages.
    channel_session_user = True
    channel_session = False
    strict_ordering = False
    #: No longer there; True is an error.
    slight_ordering = False

    # Registration

    @classmethod
    def register(cls):
        """
        Start to watch the model.

        Raise ValueError if the class lacks what it has to set.
        """
        if cls.model is None:
            raise ValueError('%s has no model. Set it, or set it to None if the class is a base of others.' %
                             cls.__name__)
        if cls.fields is None and cls.exclude is None:
            raise ValueError("%s has neither fields nor exclude. To bind everything, set fields = '__all__'." %
                             cls.__name__)
        if isinstance(cls.model, six.string_types):
            cls.model = apps.get_model(cls.model)
        cls.model_label = '%s.%s' % (cls.model._meta.app_label, cls.model._meta.model_name)
        for signal, receiver in cls._receivers():
            signal.connect(receiver, sender=cls.model)

    @classmethod
    def unregister(cls):
        """Stop to watch the model."""
        for signal, receiver in cls._receivers():
            signal.disconnect(receiver, sender=cls.model)

    @classmethod
    def _receivers(cls):
        return [
            (pre_save, cls.pre_save_receiver), (post_save, cls.post_save_receiver),
            (pre_delete, cls.pre_delete_receiver), (post_delete, cls.post_delete_receiver),
        ]

    # Outbound: which groups an object was in, and which it is in now

    @classmethod
    def pre_save_receiver(cls, instance, using=None, **kwargs):
        # The object in hand has been changed already.
        before = None if instance.pk is None else cls.model._base_manager.using(using).filter(pk=instance.pk).first()
        cls.pre_change_receiver(instance, CREATE if before is None else UPDATE, before=before)

    @classmethod
    def post_save_receiver(cls, instance, created, **kwargs):
        cls.post_change_receiver(instance, CREATE if created else UPDATE, created=created, **kwargs)

    @classmethod
    def pre_delete_receiver(cls, instance, **kwargs):
        cls.pre_change_receiver(instance, DELETE)

    @classmethod
    def post_delete_receiver(cls, instance, **kwargs):
        cls.post_change_receiver(instance, DELETE, **kwargs)

    @classmethod
    def pre_change_receiver(cls, instance, action, before=None):
        """Note the groups of `instance`, or of what it was `before`."""
        names = set() if action == CREATE else set(cls.group_names(instance if before is None else before))
        # On the instance, since saves of several may be under way.
        if not hasattr(instance, '_binding_group_names'):
            instance._binding_group_names = {}
        instance._binding_group_names[cls] = names

    @classmethod
    def post_change_receiver(cls, instance, action, **kwargs):
        """Tell the groups about `instance`, those it has left first."""
        before = instance._binding_group_names.pop(cls, set())
        after = set() if action == DELETE else set(cls.group_names(instance))
        self = cls()
        self.instance = instance
        self.send_messages(instance, before - after, DELETE, **kwargs)
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

    # Inbound

    @classmethod
    def consumer(cls, message, **kwargs):
        """Consume a message by which a client wants something changed."""
        # A demultiplexer tells about the socket, too.
        if message.channel.name not in ('websocket.connect', 'websocket.disconnect'):
            cls.get_handler()(message, **kwargs)

    @classmethod
    def get_handler(cls):
        """Return trigger_inbound() with its decorators."""
        handler = _plain(cls.trigger_inbound)
        if cls.slight_ordering:
            raise ValueError('slight_ordering is gone: the handshake already comes before all else. Remove it.')
        if cls.channel_session_user:
            handler = channel_session_user(handler)
        elif cls.channel_session:
            handler = channel_session(handler)
        return enforce_ordering(handler) if cls.strict_ordering else handler

    @classmethod
    def trigger_inbound(cls, message, **kwargs):
        """Do what `message` asks for, if its user may."""
        self = cls()
        self.message = message
        self.kwargs = kwargs
        self.action, self.pk, self.data = self.deserialize(message)
        self.user = getattr(message, 'user', None)
        if self.user is None:
            # Models can't be imported before the apps are.
            from django.contrib.auth.models import AnonymousUser
            self.user = AnonymousUser()
        self.run_action(self.action, self.pk, self.data)

    def deserialize(self, message):
        """Return (action, primary key or None, data) out of `message`."""
        raise NotImplementedError('subclasses of Binding must provide a deserialize() method')

    def has_permission(self, user, action, pk):
        """Return whether `user` may do `action`; `pk` is None to create."""
        raise NotImplementedError('subclasses of Binding must provide a has_permission() method')

    def run_action(self, action, pk, data):
        """
        Do `action` if has_permission() says so.

        Raise ValueError for an action that there is not.
        """
        if action not in (CREATE, UPDATE, DELETE):
            raise ValueError('There is no action %r: it is "create", "update" or "delete".' % (action,))
        if not self.has_permission(self.user, action, pk):
            return
        if action == CREATE:
            self.create(data)
        elif action == UPDATE:
            self.update(pk, data)
        else:
            self.delete(pk)

    def create(self, data):
        """Make an object out of `data`."""
        raise NotImplementedError('subclasses of Binding must provide a create() method')

    def update(self, pk, data):
        """Change the object `pk` as `data` says."""
        raise NotImplementedError('subclasses of Binding must provide an update() method')

    def delete(self, pk):
        """Delete the object `pk`."""
        self.model._default_manager.get(pk=pk).delete()


def _plain(method):
    """Return a function that is `method`, for decorators to write on."""
    def handler(message, **kwargs):
        return method(message, **kwargs)
    return handler
