"""
manage.py runworker: processes that receive messages and run consumers.
"""
from __future__ import absolute_import

from django.core.management import CommandError

from ...compat.command_checks import without_command_checks
from ...compat.reloader import raise_last_exception, run_with_reloader
from ...layers import channel_layers
from ...layers.kept_memory import keep_memory
from ...log import setup_logger
from ...processes import standard_streams
from ...worker import Worker
from .. import projects, watching, worker_options
from ..ctrl_c import InterruptibleCommand
from ..layers import check_channels, check_routing, get_shared_layer
from ..static_files import static_files_consumer
from ..worker_processes import load_ahead, run_alone, run_supervised


class Command(InterruptibleCommand):
    help = (
        'Runs workers: they receive messages from a channel layer and run the consumers that the routing names, '
        'Django\'s views among them. Run as many as your load needs: with --processes, or under systemd, supervisord '
        'or the like. On SIGTERM and SIGINT they finish the messages in progress and stop; on SIGUSR1 they log what '
        'they are doing; with --processes, SIGHUP replaces them one by one with processes that run the new code.'
    )
    leave_locale_alone = True
    #: Whether system checks are left to work().
    _are_checks_due = False

    def add_arguments(self, parser):
        worker_options.add_arguments(parser)
        watching.add_arguments(parser)
        projects.add_arguments(parser)

    def execute(self, *args, **options):
        # Under the reloader what they find waits for the next change.
        self._are_checks_due = options.get('reload') and not options.get('skip_checks')
        if self._are_checks_due:
            options['skip_checks'] = True
        return super(Command, self).execute(*args, **options)

    def check(self, *args, **kwargs):
        with without_command_checks():
            return super(Command, self).check(*args, **kwargs)

    def handle(self, *args, **options):
        standard_streams.occupy()
        worker_options.check(options)
        watching.check(options)
        if not options['reload']:
            self.work(options)
            return
        run_with_reloader(self.work, options)

    def work(self, options):
        """Run workers as the `options` say, until a signal comes."""
        if options['reload']:
            raise_last_exception()
        if self._are_checks_due:
            self.check()
        keep_memory()
        layer = self.get_layer(options['layer'])
        self.verbosity = int(options['verbosity'])
        self.logger = setup_logger('django.channels', self.verbosity)
        check_routing(layer)
        # While DEBUG is on, static files need no server of their own.
        layer.router.check_default(http_consumer=static_files_consumer({}))
        if not options.get('any_project'):
            projects.check_project(layer)
        worker = self.make_worker(layer, options)
        check_channels(worker)
        load_ahead(worker)
        if options['processes'] is None:
            self.announce(worker, options)
            run_alone(worker, lambda: watching.watched(worker, options), is_embedded=options['reload'],
                      is_program=self._called_from_command_line)
            self.logger.info('Worker stopped.')
        else:
            # What was asked of the layer so far has opened a connection, and
            # that isn't for several processes.
            layer.close()
            run_supervised(options['processes'], lambda: self.make_worker(layer, options),
                           lambda worker, index: watching.watched(worker, watching.of_process(options, index)),
                           lambda: self.announce(worker, options))

    def make_worker(self, layer, options):
        """Return a Worker of `layer`."""
        return Worker(
            layer,
            callback=self.consumer_called if self.verbosity > 1 else None,
            signal_handlers=not options['reload'],
            only_channels=options['only_channels'],
            exclude_channels=options['exclude_channels'],
            threads=options['threads'],
            prefetch=options['prefetch'],
            concurrency=options['concurrency'],
            shutdown_timeout=options['shutdown_timeout'],
            limits=worker_options.limits(options),
        )

    def announce(self, worker, options):
        """Log what runs."""
        number = options['threads']
        self.logger.info('Running worker against channel layer %s, %d thread%s%s.', worker.channel_layer, number,
                         '' if number == 1 else 's',
                         '' if options['processes'] is None else ', %d processes' % options['processes'])
        self.logger.info('Listening on: %s', ', '.join(worker.channels))

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
