"""
The development server when channel layers are configured.

serve() runs an interface server and worker threads in this process. Which
command calls it differs: a patched Django's own runserver, or the one of
this app where Django has none that knows of channels.
"""
from __future__ import absolute_import

import errno
import os
import sys
import threading
from datetime import datetime

from django.conf import settings
from django.core.management import CommandError
from django.utils import autoreload
from django.utils.encoding import force_str

from ..compat import six
from ..compat.text import native_from_text
from ..conf import conf
from ..exceptions import AnotherProject, InvalidChannelLayerError
from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers
from ..log import setup_logger
from ..signals import handshake_refused
from ..worker import Worker
from . import projects, watching
from .layers import check_routing
from .servers import HOW_TO_INSTALL, find_server

#: Worker threads beside the server.
WORKER_THREADS = 4
#: Seconds that Ctrl-C gives the consumers to finish.
SHUTDOWN_TIMEOUT = 5
#: Why a handshake was refused where nobody told.
CONSUMER_REFUSED = 'Its consumer sent {"close": True} or {"accept": False}.'
#: How many reasons of refusals may wait for their line. Those whose client
#: left first are never asked for.
MAX_REASONS = 1000

_ERRORS = {
    errno.EACCES: "You don't have permission to access that port.",
    errno.EADDRINUSE: 'That port is already in use.',
    errno.EADDRNOTAVAIL: "That IP address can't be assigned to.",
    errno.EINVAL: 'Ports are from 0 to 65535.',
}


def add_arguments(parser):
    """Add the options of the channels server to runserver's `parser`."""
    parser.add_argument(
        '--noasgi', action='store_false', dest='use_asgi', default=True,
        help='Serve with WSGI, even though channel layers are configured.',
    )
    parser.add_argument(
        '--noworker', action='store_false', dest='run_worker', default=True,
        help='Run no worker threads: start "manage.py runworker" yourself (not with an in-memory layer).',
    )
    projects.add_arguments(parser)
    parser.add_argument(
        '--http_timeout', dest='http_timeout', type=int, default=60, metavar='SECONDS',
        help='Answer with 503 if no worker has responded within this time; default: %(default)s.',
    )
    parser.add_argument(
        '--websocket_handshake_timeout', dest='websocket_handshake_timeout', type=int, default=5, metavar='SECONDS',
        help='Refuse a WebSocket that no worker has accepted within this time; default: %(default)s.',
    )


def serve(command, *args, **options):
    """
    Serve through channels; return whether it was done, or WSGI has to.

    `command` is the running runserver command, `options` are its options.
    """
    if not options.get('use_asgi', True):
        return False
    server = find_server(getattr(command, 'server_cls', None))
    if server is None:
        command.stdout.write(
            'CHANNEL_LAYERS is set, but no interface server is installed, so this is a WSGI server without '
            'WebSockets. To get one: %s\n' % HOW_TO_INSTALL
        )
        return False
    autoreload.raise_last_exception()
    if not options.get('skip_checks'):
        command.stdout.write('Performing system checks...\n\n')
        command.check(display_num_errors=True)
    command.check_migrations()
    layer = _get_layer(command, options)
    layer.router.check_default(http_consumer=_http_consumer(command, *args, **options))
    setup_logger('django.channels', int(options.get('verbosity', 1)))
    command.stdout.write(_banner(command, layer))
    worker = _start_worker(command, layer, options)
    action_log = ActionLog.of(command)
    handshake_refused.connect(action_log.note_refusal)
    try:
        server(
            layer, command.addr, int(command.port),
            ipv6=command.use_ipv6,
            signal_handlers=not options.get('use_reloader'),
            http_timeout=options.get('http_timeout', 60),
            websocket_handshake_timeout=options.get('websocket_handshake_timeout', 5),
            ws_protocols=conf.websocket_protocols,
            root_path=conf.force_script_name or '',
            action_logger=getattr(command, 'log_action', action_log),
            any_project=options.get('any_project', False),
        )
    except AnotherProject as error:
        _refuse(command, error)
    except EnvironmentError as error:
        if error.errno not in _ERRORS:
            raise
        _refuse(command, _ERRORS[error.errno])
    except KeyboardInterrupt:
        pass
    finally:
        if worker is not None:
            worker.stop()
            worker.thread.join(SHUTDOWN_TIMEOUT)
    if options.get('shutdown_message'):
        command.stdout.write(options['shutdown_message'])
    return True


def _get_layer(command, options):
    try:
        layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    except InvalidChannelLayerError as error:
        _refuse(command, error)
    if layer.local_only() and not options.get('run_worker', True):
        _refuse(
            command,
            'With --noworker nothing would ever answer: the channel layer %s lives inside this process, where no '
            'other worker sees it. Leave the option out, or use a layer that spans processes.' % layer
        )
    # The reloader waits for the next change, instead of ending here.
    check_routing(layer)
    if not options.get('any_project'):
        try:
            projects.check_project(layer)
        except CommandError as error:
            _refuse(command, error)
        except KeyboardInterrupt:
            # It ends like that at any time.
            sys.exit(0)
    return layer


def _refuse(command, reason):
    command.stderr.write('Error: %s' % reason)
    # Under the reloader this isn't the main thread, where sys.exit() would
    # be enough.
    os._exit(1)


def _http_consumer(command, *args, **options):
    get_consumer = getattr(command, 'get_consumer', None)
    return None if get_consumer is None else get_consumer(*args, **options)


def _banner(command, layer):
    return (
        '%(now)s\n'
        'Django version %(version)s, using settings %(settings)r\n'
        'Starting Channels development server at %(protocol)s://%(addr)s:%(port)s/\n'
        'Channel layer %(layer)s\n'
        'Quit the server with %(quit)s.\n'
    ) % {
        'now': force_str(datetime.now().strftime('%B %d, %Y - %X'), errors='replace'),
        'version': command.get_version(),
        'settings': str(settings.SETTINGS_MODULE),
        'protocol': getattr(command, 'protocol', 'http'),
        'addr': '[%s]' % command.addr if command._raw_ipv6 else command.addr,
        'port': command.port,
        'layer': layer,
        'quit': 'CTRL-BREAK' if sys.platform == 'win32' else 'CONTROL-C',
    }


def _start_worker(command, layer, options):
    if not options.get('run_worker', True):
        return None
    worker = Worker(
        layer, signal_handlers=False, threads=WORKER_THREADS if options.get('use_threading', True) else 1,
    )
    worker.thread = threading.Thread(target=_work, args=(worker, command, options), name='runserver-worker')
    worker.thread.daemon = True
    worker.thread.start()
    return worker


def _work(worker, command, options):
    # The admin's pages show it, and what it does.
    watched = watching.watched(worker, {
        'layer': DEFAULT_CHANNEL_LAYER, 'any_project': options.get('any_project', False),
    })
    try:
        with watched:
            worker.run()
    except CommandError as error:
        _refuse(command, error)


def _unquoted(path):
    """Return a path as text: of one server it comes as the client sent it, of another as messages have it."""
    if isinstance(path, bytes):
        path = path.decode('utf-8', 'replace')
    path = six.moves.urllib.parse.unquote(native_from_text(path))
    return path.decode('utf-8', 'replace') if isinstance(path, bytes) else path


class ActionLog(object):
    """Writes a line for each request and socket, colored as Django's."""

    def __init__(self, command):
        self.command = command
        self._reasons = {}

    @classmethod
    def of(cls, command):
        """Return the one of `command`, whose lines have the reasons that it was told."""
        return command.__dict__.setdefault('_channels_action_log', cls(command))

    def note_refusal(self, message, reason, **kwargs):
        """Remember why a handshake was refused, for its line; a receiver of handshake_refused."""
        client = message.get('client')
        if client and len(self._reasons) < MAX_REASONS:
            self._reasons['%s:%s' % tuple(client), _unquoted(message.get('path', ''))] = reason

    def __call__(self, protocol, action, details):
        line = '[%s] ' % datetime.now().strftime('%d/%b/%Y %H:%M:%S')
        style = self.command.style
        if protocol == 'http' and action == 'complete':
            details = dict(details, method=details.get('method') or '')
            line += 'HTTP %(method)s %(path)s %(status)s [%(time_taken).2f, %(client)s]' % details
            colour = self._http_colour(int(details['status']))
        else:
            words = {'connected': 'CONNECT', 'disconnected': 'DISCONNECT', 'connecting': 'HANDSHAKING',
                     'rejected': 'REJECT'}
            path, client = _unquoted(details['path']), details['client']
            line += 'WebSocket %s %s [%s]' % (words.get(action, action), path, client)
            # A worker may be faster than the line before this one.
            if action == 'rejected':
                line += ' ' + self._reasons.pop((client, path), CONSUMER_REFUSED)
            colour = {
                'connected': style.HTTP_SUCCESS, 'disconnected': style.WARNING, 'rejected': style.HTTP_BAD_REQUEST,
            }.get(action, style.HTTP_INFO)
        self.command.stderr.write(line, colour)

    def _http_colour(self, status):
        style = self.command.style
        if status >= 500:
            return style.HTTP_SERVER_ERROR
        if status == 404:
            return style.HTTP_NOT_FOUND
        if status >= 400:
            return style.HTTP_BAD_REQUEST
        if status == 304:
            return style.HTTP_NOT_MODIFIED
        if status >= 300:
            return style.HTTP_REDIRECT
        return style.HTTP_SUCCESS if status >= 200 else style.HTTP_INFO
