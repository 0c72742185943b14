"""
The half of a binding that does what clients ask for.
"""
from __future__ import absolute_import

from ..auth import channel_session_user
from ..exceptions import MalformedFrame
from ..sessions import channel_session, enforce_ordering

CREATE = 'create'
UPDATE = 'update'
DELETE = 'delete'


class InboundBinding(object):
    """Changes objects of `model` as the messages of clients say, if has_permission() allows it."""
    model = None
    #: The decorators of the consumer for inbound messages.
    channel_session_user = True
    channel_session = False
    strict_ordering = False
    #: No longer there; True is an error.
    slight_ordering = False

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

        Raise MalformedFrame for an action that there is not.
        """
        if action not in (CREATE, UPDATE, DELETE):
            raise MalformedFrame('There is no action %r: it is "create", "update" or "delete".' % (action,))
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
        """Delete the object `pk`, if it is there."""
        for instance in self.model._default_manager.filter(pk=pk):
            instance.delete()


def _plain(method):
    """Return a function that is `method`, for decorators to write on."""
    def handler(message, **kwargs):
        return method(message, **kwargs)
    return handler
