"""
manage.py rundelay: the delay server.
"""
from __future__ import absolute_import

import threading

from django.core.management import CommandError
from django.db import close_old_connections

from ....acknowledged_options import MAX_DELIVERIES
from ....exceptions import LayerUnavailable
from ....layers import ChannelLayerWrapper
from ....log import setup_logger
from ....management import projects, watching
from ....management.ctrl_c import InterruptibleCommand
from ....management.layers import add_layer_argument, get_shared_layer
from ....processes import standard_streams
from ....retries import Acknowledged
from ....routing import route
from ....worker import Worker
from ... import consumers

#: Never reached.
ANY_NUMBER = 2 ** 31 - 1


class Command(InterruptibleCommand):
    help = (
        'Runs the delay server: it stores the messages sent to asgi.delay in the database, and sends each when it is '
        'due. One is enough; several share the work.'
    )
    leave_locale_alone = True

    def is_stopping(self):
        """Return whether the process is about to end."""
        return False

    def add_arguments(self, parser):
        add_layer_argument(parser)
        projects.add_arguments(parser)
        parser.add_argument(
            '--sleep', dest='sleep', type=float, default=1, metavar='SECONDS',
            help='Seconds between two looks for messages that are due; default: %(default)s.',
        )

    def handle(self, *args, **options):
        if not options['sleep'] > 0:
            raise CommandError('--sleep must be more than 0.')
        standard_streams.occupy()
        self.logger = setup_logger('django.channels', int(options['verbosity']))
        layer = self.get_layer(options['layer'])
        # While the database is away, a message may be put back any number of
        # times.
        worker = Worker(layer, only_channels=[consumers.CHANNEL], message_retries=ANY_NUMBER)
        self.is_stopping = lambda: worker.termed
        self.logger.info('Running delay server against channel layer %s.', layer)
        # The bare layer, since this routing has nobody else's channels, and
        # would warn of each.
        sender = DueSender(layer.channel_layer, options['sleep'], self.logger)
        with watching.watched(worker, options):
            # Not before: the layer may be another project's.
            sender.start()
            try:
                worker.run()
            finally:
                sender.stop()
        self.logger.info('Delay server stopped.')

    def get_layer(self, alias):
        """
        Return the layer of that alias, with the delay server's routing.

        Raise CommandError, saying why, if there can't be one.
        """
        layer = get_shared_layer(
            alias, 'a layer that spans processes, such as django.channels.layers.redis.RedisChannelLayer'
        )
        consumer = consumers.PatientConsumer(lambda: self.is_stopping())
        # Where the layer can, what it has taken and not kept outlives it.
        acknowledged = Acknowledged(deliveries=MAX_DELIVERIES)
        return ChannelLayerWrapper(layer.channel_layer, alias, [
            route(consumers.CHANNEL, consumer, acknowledged=acknowledged)
        ])


class DueSender(threading.Thread):
    """Sends the due messages to `layer`, every `seconds` seconds."""

    def __init__(self, layer, seconds, logger):
        super(DueSender, self).__init__(name='rundelay-sender')
        # Only the signals' thread decides when the process ends.
        self.daemon = True
        self.layer = layer
        self.seconds = seconds
        self.logger = logger
        self.ended = threading.Event()

    def run(self):
        failing = False
        while not self.ended.is_set():
            try:
                sent = consumers.send_due(self.layer)
                failing = False
            except Exception as error:
                # The layer or the database failed. It is said once an
                # outage, with the traceback of what nobody expects.
                sent = 0
                if not failing:
                    self.logger.error('Sending what is due failed, trying again: %s', error,
                                      exc_info=not isinstance(error, LayerUnavailable))
                failing = True
            finally:
                close_old_connections()
            if sent < consumers.BATCH:
                self.ended.wait(self.seconds)

    def stop(self):
        """Have run() return after the message in progress, and wait for that."""
        self.ended.set()
        self.join()
