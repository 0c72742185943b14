"""
manage.py runworker: a process that receives messages and runs consumers.
"""
from __future__ import absolute_import

from django.core.management import BaseCommand, CommandError

from ...layers import channel_layers
from ...log import setup_logger
from ...worker import Worker
from .. import watching
from ..layers import add_layer_argument, get_shared_layer
from ..runserver import static_files_consumer


class Command(BaseCommand):
    help = (
        'Runs a worker: it receives messages from a channel layer and runs the consumers that the routing names, '
        'Django\'s views among them. Run as many as your load needs, under systemd, supervisord or the like. SIGTERM '
        'and SIGINT have it finish the messages in hand and stop.'
    )
    leave_locale_alone = True

    def add_arguments(self, parser):
        add_layer_argument(parser)
        parser.add_argument(
            '--threads', dest='threads', type=int, default=1,
            help='How many messages are handled at the same time; default: %(default)s.',
        )
        parser.add_argument(
            '--prefetch', dest='prefetch', type=int, default=16, metavar='N',
            help='How many waiting messages a thread may take from the layer at once; default: %(default)s. It takes '
                 'as many as it handles within 4 ms, and gives back those behind a consumer that takes longer than '
                 '10 ms. With 1, a worker that is killed takes no more than one message along for each thread.',
        )
        parser.add_argument(
            '--concurrency', dest='concurrency', type=int, default=2000, metavar='N',
            help='How many async consumers, views and streams may run at the same time, beside the threads; default: '
                 '%(default)s.',
        )
        parser.add_argument(
            '--shutdown-timeout', dest='shutdown_timeout', type=float, default=10.0, metavar='SECONDS',
            help='How long they have to end when the worker stops, before they are cancelled; default: %(default)s.',
        )
        parser.add_argument(
            '--only-channels', dest='only_channels', action='append', metavar='GLOB',
            help='Receive from the channels that match only, as in "http.*"; repeatable.',
        )
        parser.add_argument(
            '--exclude-channels', dest='exclude_channels', action='append', metavar='GLOB',
            help='Leave the channels that match to other workers; repeatable.',
        )
        watching.add_arguments(parser)

    def handle(self, *args, **options):
        if options['threads'] < 1:
            raise CommandError('--threads must be 1 or more.')
        for option in ('prefetch', 'concurrency'):
            if options[option] < 1:
                raise CommandError('--%s must be 1 or more.' % option)
        if options['shutdown_timeout'] < 0:
            raise CommandError('--shutdown-timeout must be 0 or more.')
        layer = self.get_layer(options['layer'])
        self.verbosity = int(options['verbosity'])
        self.logger = setup_logger('django.channels', self.verbosity)
        # While DEBUG is on, static files need no server of their own.
        layer.router.check_default(http_consumer=static_files_consumer({}))
        worker = Worker(
            layer,
            callback=self.consumer_called if self.verbosity > 1 else None,
            only_channels=options['only_channels'],
            exclude_channels=options['exclude_channels'],
            threads=options['threads'],
            prefetch=options['prefetch'],
            concurrency=options['concurrency'],
            shutdown_timeout=options['shutdown_timeout'],
        )
        if not worker.channels:
            raise CommandError(
                'No channel is left to receive from. The routing has: %s.' % ', '.join(sorted(layer.router.channels))
            )
        self.logger.info('Running worker against channel layer %s, %d thread%s.', layer, options['threads'],
                         '' if options['threads'] == 1 else 's')
        self.logger.info('Listening on: %s', ', '.join(worker.channels))
        with watching.watched(worker, options):
            worker.run()
        self.logger.info('Worker stopped.')

    def get_layer(self, alias):
        """Return the layer of that alias; raise CommandError, saying why."""
        if not channel_layers.configs:
            raise CommandError(
                'CHANNEL_LAYERS is empty, so there are no messages to work on. Configure a layer, and see "Channels" '
                'in the documentation.'
            )
        return get_shared_layer(
            alias, 'runserver, which runs workers itself, or a layer that spans processes, such as '
                   'django.channels.layers.redis.RedisChannelLayer'
        )

    def consumer_called(self, channel, message):
        self.logger.debug('%s', channel)
