"""
The exceptions of channels: one root, told apart by who has to act.
"""
from __future__ import absolute_import

from .durations import checked_number_of_seconds


class ChannelsError(Exception):
    """The root of all exceptions that channels define."""


# Layers

class ChannelFull(ChannelsError):
    """Raised when a channel is at its capacity and a message was refused."""


class MessageTooLarge(ChannelsError):
    """Raised when a layer can't carry a message of that size."""


class LayerUnavailable(ChannelsError):
    """Raised when a layer's store can't be reached."""
    #: What of several things surely didn't arrive; see what raises it.
    refused = ()


class AnotherProject(ChannelsError):
    """Raised when a process would join those of another project on a layer."""

    def __init__(self, host, pid):
        super(AnotherProject, self).__init__(
            'Processes of another project are at work on this layer (process %s on %s): each would answer requests '
            'that are for the other. Give each project a "prefix" of its own in CHANNEL_LAYERS. If it is the same '
            'project with a new SECRET_KEY, keep the old one in SECRET_KEY_FALLBACKS, or begin with --any-project.'
            % (pid, host)
        )


class MalformedMessage(ChannelsError, ValueError):
    """Raised when a message doesn't have the shape the standard gives it."""


class InvalidChannelLayerError(ChannelsError, ValueError):
    """Raised when CHANNEL_LAYERS can't be turned into a channel layer."""


class UnknownChannelLayerError(InvalidChannelLayerError, KeyError):
    """Raised when CHANNEL_LAYERS has no layer of that alias."""

    # A KeyError would quote its text.
    __str__ = ValueError.__str__


class MalformedFrame(ChannelsError, ValueError):
    """
    Raised for a client's frame that isn't what its consumer reads.

    It is the client's fault, not the consumer's: the worker logs one line, at
    WARNING, and closes the socket with `code`. That is one of RFC 6455
    section 7.4.1: 1003 for a frame of the wrong type, 1007 for one whose
    content doesn't fit.
    """

    def __init__(self, reason, code=1007):
        super(MalformedFrame, self).__init__(reason)
        self.code = code


# Outcomes that a consumer asks for by raising them

class ConsumeLater(ChannelsError):
    """
    Raised by a consumer to put its message at the back of the queue.

    On an acknowledged channel it comes again in `delay` seconds, as often as
    the channel's `deliveries` say; on any other, as soon as it is its turn,
    ten times at most. Raise ValueError for a `delay` that
    isn't a number of seconds.
    """

    def __init__(self, *args, **kwargs):
        self.delay = checked_number_of_seconds('delay', kwargs.pop('delay', 0))
        super(ConsumeLater, self).__init__(*args, **kwargs)

    #: What to call, without arguments, if the message is dropped after all.
    if_dropped = None


class ResponseLater(ChannelsError):
    """Raised by a view whose response will be sent later by other means."""


class ChannelSocketException(ChannelsError):
    """
    Raised by a consumer to have the worker act on the socket.

    Subclasses say what happens in run().
    """

    def run(self, message):
        """Act on `message`, the message that was being consumed."""
        raise NotImplementedError('subclasses of ChannelSocketException must provide a run() method')


class DenyConnection(ChannelSocketException):
    """Raised in a websocket.connect consumer to refuse the handshake."""

    def run(self, message):
        if message.channel.name != 'websocket.connect':
            raise ValueError(
                'DenyConnection refuses a handshake, and %s comes after it: raise WebsocketCloseException to close '
                'an open socket.' % message.channel.name
            )
        message.reply_channel.send({'close': True}, immediately=True)


class WebsocketCloseException(ChannelSocketException):
    """
    Raised by a consumer to close its WebSocket with a status code.

    `code` is 1000 or one of 3000-4999, the codes that RFC 6455 section 7.4
    leaves to applications; any other raises ValueError. None is 1000.
    """

    def __init__(self, code=None):
        code = 1000 if code is None else code
        # bool is an int, and True is not a status code.
        valid = isinstance(code, int) and not isinstance(code, bool) and (code == 1000 or 3000 <= code <= 4999)
        if not valid:
            raise ValueError('%r is not a close code that an application may send: use 1000 or 3000-4999.' % (code,))
        super(WebsocketCloseException, self).__init__(code)
        self.code = code

    def run(self, message):
        if not message.channel.name.startswith('websocket.'):
            raise ValueError('WebsocketCloseException needs a WebSocket message, not %s.' % message.channel.name)
        message.reply_channel.send({'close': self.code}, immediately=True)


class SendNotAvailableOnDemultiplexer(ChannelsError):
    """Raised when a demultiplexer, which has no stream, is asked to send."""


# HTTP request bodies

# Both are ``IOError``: what a view gets from a broken connection under WSGI.

class RequestTimeout(ChannelsError, IOError):
    """Raised when the rest of a request's body didn't come in time."""


class RequestAborted(ChannelsError, IOError):
    """Raised when the client went away in the middle of its request."""


# Consumers

class TimeLimitExceeded(ChannelsError):
    """Raised in a consumer or view that takes longer than the worker's --time-limit."""


class TaskLost(ChannelsError):
    """What a result of Django's tasks names if a task ended without it: its workers died each time, for example."""


class NotAMessageError(ChannelsError, TypeError, ValueError):
    """Raised when a decorated consumer is called without a message."""
