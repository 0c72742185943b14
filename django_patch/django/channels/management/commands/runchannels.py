"""
manage.py runchannels: a small production site by one command.
"""
from __future__ import absolute_import

import fcntl
import os
import socket
import sys

from django.core.management import CommandError, get_commands

from ...log import setup_logger
from ...processes import standard_streams
from ...processes.programs import Program, ProgramGroup
from ...worker import Worker
from .. import projects, worker_options
from ..ctrl_c import InterruptibleCommand
from ..layers import add_layer_argument, check_channels, check_routing, get_shared_layer
from ..listening import cannot_listen
from .runworker import Command as RunWorker

#: Connections that may wait to be accepted.
BACKLOG = 2048


class Command(InterruptibleCommand):
    help = (
        'Runs an interface server and worker processes together, and replaces those that die. On SIGTERM they stop, '
        'the server first; on SIGHUP new processes replace them, and no connection is refused meanwhile.'
    )
    leave_locale_alone = True

    def add_arguments(self, parser):
        add_layer_argument(parser)
        projects.add_arguments(parser)
        parser.add_argument('-b', '--bind', dest='bind', default='127.0.0.1', metavar='HOST',
                            help='The address to listen on; default: %(default)s.')
        parser.add_argument('-p', '--port', dest='port', type=int, default=8000,
                            help='The port to listen on; default: %(default)s.')
        parser.add_argument('--asgi', dest='asgi', metavar='MODULE:NAME',
                            help='Where the interface server finds the channel layer; default: channel_layer in the '
                                 'module asgi beside the settings.')
        parser.add_argument('--processes', dest='processes', type=int, default=2, metavar='N',
                            help='How many worker processes to run; default: %(default)s.')
        parser.add_argument('--worker-option', dest='worker_options', action='append', default=[], metavar='OPTION',
                            help='An option of runworker, as in --worker-option=--threads=4; repeatable.')
        parser.add_argument('--server-option', dest='server_options', action='append', default=[], metavar='OPTION',
                            help='An option of the interface server, as in --server-option=--http-timeout=30; '
                                 'repeatable.')
        parser.add_argument('--delay', dest='delay', action='store_true', default=False,
                            help='Run the delay server (rundelay) as well; it needs the app '
                                 'django.channels.delay.')

    def handle(self, *args, **options):
        if options['processes'] < 1:
            raise CommandError('--processes must be 1 or more.')
        if options['delay'] and 'rundelay' not in get_commands():
            raise CommandError(
                "--delay needs 'django.channels.delay' in INSTALLED_APPS, and its table: manage.py migrate."
            )
        standard_streams.occupy()
        # Each worker would end with them, again and again.
        of_workers = parse_worker_options(options['worker_options'])
        worker_options.check(of_workers)
        layer = get_shared_layer(options['layer'], 'a layer that spans processes')
        check_routing(layer)
        check_channels(Worker(
            layer, only_channels=of_workers['only_channels'], exclude_channels=of_workers['exclude_channels'],
        ))
        if not options['any_project'] and not of_workers['any_project']:
            # The server would end, and the workers begin again and again.
            projects.check_project(layer)
            layer.close()
        setup_logger('django.channels', int(options['verbosity']))
        listener = open_listener(options['bind'], options['port'])
        try:
            status = ProgramGroup(list(programs(options, listener))).run()
        finally:
            listener.close()
        if status:
            sys.exit(status)


def parse_worker_options(arguments):
    """Return what runworker makes of `arguments`; raise CommandError."""
    try:
        return vars(RunWorker().create_parser('manage.py', 'runworker').parse_args(arguments))
    except CommandError as error:
        # The parser of Django begins it with "Error: ", as it is shown anyway.
        raise CommandError('--worker-option: %s' % str(error).replace('Error: ', '', 1))


def programs(options, listener):
    """Yield the Programs that the command's `options` ask for."""
    server = os.path.join(os.path.dirname(sys.executable), 'interface-server')
    if not os.path.exists(server):
        raise CommandError('There is no %s. Install channels-interface-server in this environment.' % server)
    both = ['--any-project'] if options['any_project'] else []
    package = os.environ['DJANGO_SETTINGS_MODULE'].rpartition('.')[0]
    layer = options['asgi'] or '.'.join(filter(None, [package, 'asgi:channel_layer']))
    yield Program(
        'interface server', [server, '--fd', listener.fileno()] + both + options['server_options'] + [layer],
        [listener], is_replaced=True,
    )
    manage = [sys.executable, sys.argv[0]]
    yield Program('workers', manage + ['runworker', '--processes', options['processes'], '--layer', options['layer'],
                                       '--verbosity', options['verbosity']] + both + options['worker_options'])
    if options['delay']:
        yield Program('delay server', manage + ['rundelay', '--layer', options['layer']] + both)


def open_listener(host, port):
    """Return a socket that listens on `host` and `port`, and that programs inherit; raise CommandError."""
    if not 0 <= port <= 65535:
        # getaddrinfo() would take the remainder.
        raise CommandError('--port must be from 0 to 65535, not %d.' % port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except EnvironmentError as error:
        raise cannot_listen(error, host, port, '-p')
    fcntl.fcntl(listener.fileno(), fcntl.F_SETFD, 0)
    return listener
