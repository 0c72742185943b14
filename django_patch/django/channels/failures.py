"""
The answer to a client whose message came to nothing.

Without one, a browser waits until the interface server's time is over.
"""
from __future__ import absolute_import

import logging
import signal
import threading

from .compat.text import text_of_error, text_of_traceback
from .exceptions import ChannelsError, LayerUnavailable
from .layers.late_answers import LATE_ANSWERS

logger = logging.getLogger('django.channels')

#: The close code of RFC 6455 section 7.4.1 for a condition that kept the
#: server from fulfilling the request.
INTERNAL_ERROR = 1011

#: Characters of a traceback that are kept.
MAX_TRACEBACK = 8000

#: How the reply channels of daphne 1.x begin. It ignores a reply to a
#: WebSocket with a `status`, and has no close codes but those of applications.
_DAPHNE = 'daphne.response.'

#: When to come again that found a layer away: as the bridge's AWAY_SECONDS.
_RETRY_AFTER = [b'Retry-After', b'2']

_REASONS = {500: b'Internal Server Error', 503: b'Service Unavailable'}


def reply_to(channel, status):
    """
    Return the reply that ends what came on `channel`, or None if none is due.

    `status` is the HTTP status for a request or a handshake.
    """
    if channel == 'http.request':
        return {
            'status': status, 'headers': [[b'Content-Type', b'text/plain; charset=utf-8']],
            'content': _REASONS[status], 'more_content': False,
        }
    if channel == 'websocket.connect':
        return {'close': True, 'status': status}
    if channel == 'websocket.receive':
        return {'close': INTERNAL_ERROR}
    return None


def answer(message, status=500, error=None):
    """
    Answer the client of `message`, if it waits for an answer.

    If `error`, an exception, says that a layer is away, it is told to come
    again, whatever the `status`.

    A layer that is away, or has no memory left, gets the answer later. What it
    refuses is logged: the client's own time limit is left then.
    """
    is_away = isinstance(error, LayerUnavailable)
    reply = reply_to(message.channel.name, 503 if is_away else status)
    if is_away and reply is not None and 'headers' in reply:
        reply['headers'].append(_RETRY_AFTER)
    if reply is not None and message.is_streaming:
        # A response that has begun is broken off.
        reply['closed'] = True
    _send(message, reply)


def close(message, code):
    """Close the socket that `message` came from with `code`, as answer() does."""
    _send(message, {'close': code})


def _send(message, reply):
    if reply is None or message.reply_channel is None:
        return
    if 'close' in reply and message.reply_channel.name.startswith(_DAPHNE):
        reply = {'close': True}
    try:
        message.reply_channel.send(reply, immediately=True)
    except (ChannelsError, message.channel_layer.ChannelFull) as error:
        is_late = isinstance(error, LayerUnavailable) and LATE_ANSWERS.add(
            message.channel_layer, message.reply_channel.name, reply)
        logger.error('The client of a message on %s could not be told that it failed%s: %s', message.channel,
                     '; it is told once the layer takes it' if is_late else '', error)


def formatted(exc_info):
    """Return the traceback of `exc_info`, as sys.exc_info() has it, as text: its end, where it is long."""
    text = text_of_traceback(exc_info)
    return text if len(text) <= MAX_TRACEBACK else '...\n' + text[-MAX_TRACEBACK:]


def described(error):
    """Return the class of `error`, an exception, and what it says, as text."""
    return '%s: %s' % (type(error).__name__, text_of_error(error))


def is_of_operator(error):
    """
    Return whether `error` is a KeyboardInterrupt of who runs the program.

    Python raises it in the main thread, where nothing else handles SIGINT.
    Any other was raised by a consumer, as an exception like others.
    """
    return (
        isinstance(error, KeyboardInterrupt) and
        # By its name, for Python 2 knows no main_thread().
        threading.current_thread().name == 'MainThread' and
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
