"""
A message as its consumer sees it.
"""
from __future__ import absolute_import

from .channel import Channel
from .layers.base import copy_message


class NoChannel(object):
    """In the place of the channel of a message that a test has made without one."""
    name = None

    def __str__(self):
        return 'no channel'


class Message(object):
    """
    What came on a channel: `content` (a dict), `channel`, `reply_channel`.

    Reads like the dict itself. Consumers and decorators may hang what they
    need on it, as in ``message.user``.
    """
    #: Whether it is a request whose response is being streamed.
    is_streaming = False
    #: 1 when its consumer is called for the first time, and 1 more each time
    #: that the message comes again.
    attempt = 1
    #: What its route calls, for logs; None where no route was asked.
    consumer = None
    #: The id of the thread that gets back its script prefix, its URLconf and
    #: the like once the consumer has ended; None if none does.
    isolated_in = None
    #: What addresses begin with in that thread; None if it isn't known.
    script_prefix = None

    def __init__(self, content, channel_name, channel_layer):
        self.content = content
        # A test may make one for which only the content matters.
        self.channel = NoChannel() if channel_name is None else Channel(channel_name, channel_layer=channel_layer)
        self.channel_layer = channel_layer
        reply_channel = content.get('reply_channel')
        self.reply_channel = Channel(reply_channel, channel_layer=channel_layer) if reply_channel else None

    def __getitem__(self, key):
        return self.content[key]

    def __setitem__(self, key, value):
        self.content[key] = value

    def __contains__(self, key):
        return key in self.content

    def keys(self):
        return self.content.keys()

    def values(self):
        return self.content.values()

    def items(self):
        return self.content.items()

    def get(self, key, default=None):
        return self.content.get(key, default)

    def copy(self):
        """Return a message with a content of its own."""
        return type(self)(copy_message(self.content), self.channel.name, self.channel_layer)

    def __repr__(self):
        return '<Message on %s: %s>' % (self.channel, ', '.join(sorted(self.content)))


def leave_out_absent(channel, content):
    """
    Take out of a frame the kind of data that it doesn't have.

    Servers say None there, or nothing; consumers of Channels 1.x ask whether
    "text" is in the message.
    """
    if channel == 'websocket.receive':
        for kind in ('text', 'bytes'):
            if kind in content and content[kind] is None:
                del content[kind]
