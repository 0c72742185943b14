"""Ways for a view or a consumer to end, by name; see test_endings.py."""
from __future__ import unicode_literals

import os
import signal
import sys
import time

from django.http import HttpResponse, StreamingHttpResponse

try:
    import asyncio
except ImportError:
    asyncio = None


class Own(BaseException):
    """No Exception, like those of some libraries."""


def _raise(error):
    raise error


def _computes():
    while True:
        pass


def _ignores():
    while True:
        try:
            time.sleep(30)
        except Exception:
            continue


def _close_all():
    # As programs do that become daemons; 0 to 2 have the log.
    os.closerange(3, 65536)
    time.sleep(3600)


def _fork():
    # The new process returns, as the old one does.
    os.fork()


def _stream(last):
    def parts():
        yield b'a part'
        # Not in the same breath, lest the first part leaves with the end.
        time.sleep(0.1)
        last()
    return StreamingHttpResponse(parts())


def _recurse():
    _recurse()


def _close_loop():
    loop = asyncio.new_event_loop()
    loop.close()
    loop.run_until_complete(None)


WAYS = {
    'ValueError': lambda: _raise(ValueError('of a view')),
    'StopIteration': lambda: _raise(StopIteration()),
    'MemoryError': lambda: _raise(MemoryError()),
    'sys.exit()': sys.exit,
    'GeneratorExit': lambda: _raise(GeneratorExit()),
    'KeyboardInterrupt, raised': lambda: _raise(KeyboardInterrupt()),
    'CancelledError': lambda: _raise(asyncio.CancelledError()),
    'its own BaseException': lambda: _raise(Own()),
    'a closed event loop': _close_loop,
    'recursion without end': _recurse,
    'os.fork(), both return': _fork,
    'os._exit(0)': lambda: os._exit(0),
    'os._exit(9)': lambda: os._exit(9),
    'os.abort()': os.abort,
    'SIGSEGV': lambda: os.kill(os.getpid(), signal.SIGSEGV),
    'SIGKILL': lambda: os.kill(os.getpid(), signal.SIGKILL),
    'waits for ever': lambda: time.sleep(3600),
    'computes for ever': _computes,
    'ignores the time limit': _ignores,
    'closes all descriptors': _close_all,
}

STREAMS = {
    'a stream raises': lambda: _raise(ValueError('of a stream')),
    'a stream is killed': lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def ending(request):
    """End as the query string says."""
    how = request.GET['how']
    if how in STREAMS:
        return _stream(STREAMS[how])
    WAYS[how]()
    return HttpResponse('It goes on.')


def ending_frame(message):
    """End as the frame says."""
    WAYS[message['text']]()


def ending_handshake(message):
    """End as the query string says; without one, open the socket."""
    how = message['query_string'].decode('ascii').replace('%20', ' ')
    if how:
        WAYS[how]()
    message.reply_channel.send({'accept': True})
