"""Workers, signals, commands, the delay server (parity A.9 and A.10)."""
from __future__ import absolute_import, unicode_literals

import json
from datetime import timedelta

from channels import Channel, Group, channel_layers, signals
from channels.delay.models import DelayedMessage
from channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection, WebsocketCloseException
from channels.log import setup_logger
from channels.management.commands.runserver import Command as RunServer
from channels.management.commands.runworker import Command as RunWorker
from channels.routing import route
from channels.worker import Worker, WorkerGroup
from django.core.management import call_command, load_command_class
from django.utils import timezone

from .cases import attempt, case, cases
from .tools import layer, received, work


def handled(consumer, channel='test', content=None, count=1, watch=('out',), **options):
    """Have a worker handle a message; return what was sent and what is still there."""
    with layer([route(channel, consumer)]) as wrapped:
        wrapped.send(channel, dict({'reply_channel': 'websocket.send!a', 'path': '/'}, **(content or {})))
        work(wrapped, count, **options)
        return [received(wrapped, name) for name in watch + ('websocket.send!a', channel)]


def raising(error):
    def consumer(message):
        Channel('out').send({'n': 1})
        raise error
    return consumer


def fail_to_send(message):
    Channel('out').send({'n': 1})
    Channel('out').send({'n': object()})


class Answer(ChannelSocketException):

    def run(self, message):
        message.reply_channel.send({'text': 'answered'}, immediately=True)


cases('Worker', {
    'a consumer that sends': lambda: handled(lambda message: Channel('out').send({'n': message['path']})),
    'a consumer that fails': lambda: handled(raising(ValueError('x')))[1:],
    'what a failing consumer has sent': lambda: handled(raising(ValueError('x')))[0],
    'a consumer that exits': lambda: attempt(handled, raising(SystemExit(1))),
    'deferred': lambda: handled(raising(ConsumeLater()))[2],
    'deferred too often': lambda: handled(raising(ConsumeLater()), count=20)[2],
    'deferred more often than it may': lambda: handled(raising(ConsumeLater()), count=3, message_retries=1)[2],
    'denied': lambda: handled(raising(DenyConnection()), 'websocket.connect')[1],
    'closed': lambda: handled(raising(WebsocketCloseException(4000)), 'websocket.receive')[1],
    'own socket exception': lambda: handled(raising(Answer()), 'websocket.receive')[1],
    'no route': lambda: _unrouted(),
    'returns are ignored': lambda: handled(lambda message: 5),
    'arguments': lambda: [
        Worker(channel_layers['default']).message_retries, Worker(channel_layers['default']).signal_handlers,
        Worker(channel_layers['default']).callback, Worker(channel_layers['default']).termed],
    'in_job': lambda: Worker(channel_layers['default']).in_job,
    'layer': lambda: Worker(channel_layer=channel_layers['default']).channel_layer.alias,
    'filters': lambda: _filtered(),
    'only': lambda: _filtered(only_channels=['a*']), 'exclude': lambda: _filtered(exclude_channels=['a*', 'c']),
    'only and exclude': lambda: _filtered(only_channels=['a*'], exclude_channels=['*2']),
    'methods': lambda: [hasattr(Worker, name) for name in (
        'install_signal_handler', 'sigterm_handler', 'apply_channel_filters', 'ready', 'run')],
    'group threads': lambda: isinstance(WorkerGroup(channel_layers['default'], n_threads=3), Worker),
    'group has the rest': lambda: hasattr(WorkerGroup(channel_layers['default'], n_threads=3), 'workers'),
})


def _unrouted():
    with layer() as wrapped:
        Worker(wrapped).apply_channel_filters(['x'])
        wrapped.router.channels.add('nobody')
        wrapped.send('nobody', {'n': 1})
        work(wrapped)
        return received(wrapped, 'nobody')


def _filtered(**options):
    return sorted(Worker(channel_layers['default'], **options).apply_channel_filters(['a1', 'a2', 'b', 'c']))


@case('Worker: the callback')
def callback():
    seen = []
    handled(lambda message: None, callback=lambda channel, message: seen.append([channel, message['path']]))
    return seen


@case('Worker: signals around a consumer')
def around():
    seen = []

    def note(name):
        return lambda sender, **kwargs: seen.append([name, sorted(set(kwargs) - {'signal'})])
    receivers = [(signals.consumer_started, note('started')), (signals.consumer_finished, note('finished'))]
    for signal, receiver in receivers:
        signal.connect(receiver)
    try:
        handled(lambda message: seen.append('consumer'))
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
    return seen


@case('Worker: signals of its own')
def ready():
    seen = []

    def note(sender, **kwargs):
        seen.append('ready')
    signals.worker_ready.connect(note)
    signals.worker_process_ready.connect(note)
    try:
        handled(lambda message: None)
        Worker(channel_layers['default']).ready()
    finally:
        signals.worker_ready.disconnect(note)
        signals.worker_process_ready.disconnect(note)
    return bool(seen)


def options(command):
    parser = command.create_parser('manage.py', 'x')
    return sorted(
        option for action in parser._actions for option in action.option_strings if option.startswith('--'))


DJANGOS = {
    '--force-color', '--help', '--no-color', '--pythonpath', '--settings', '--traceback', '--verbosity', '--version',
}
cases('commands', {
    'runworker options': lambda: sorted(set(options(RunWorker())) & {
        '--layer', '--only-channels', '--exclude-channels', '--threads'}),
    'runserver options': lambda: sorted(set(options(RunServer())) & {
        '--noworker', '--noasgi', '--http_timeout', '--websocket_handshake_timeout', '--noreload', '--nothreading',
        '--ipv6'}),
    'rundelay options': lambda: sorted(
        set(options(load_command_class('channels.delay', 'rundelay'))) & {'--layer', '--sleep'}),
    'runworker on a layer in memory': lambda: call_command('runworker'),
    'runserver attributes': lambda: RunServer.protocol,
    'runserver hooks': lambda: [hasattr(RunServer, name) for name in ('get_consumer', 'log_action', 'inner_run')],
    'worker thread': lambda: hasattr(__import__(
        'channels.management.commands.runserver', fromlist=['x']), 'WorkerThread'),
    'runworker attributes': lambda: [RunWorker.leave_locale_alone, hasattr(RunWorker, 'consumer_called')],
    'logger': lambda: [setup_logger('django.channels').name, setup_logger('x', verbosity=2).name],
})


def delayed(**fields):
    fields = dict({'channel_name': 'out', 'content': '{"n": 1}', 'delay': 0}, **fields)
    return DelayedMessage.objects.create(**fields)


def send_delayed(function, **layer_options):
    with layer(**layer_options) as wrapped:
        outcome = attempt(function, wrapped)
        return [outcome, received(wrapped, 'out'), DelayedMessage.objects.count()]


def _full(wrapped):
    wrapped.send('out', {'first': True})
    pending = delayed()
    pending.send(wrapped, 5000)
    return DelayedMessage.objects.get().due_date > timezone.now() + timedelta(seconds=4)


def _full_by_keyword(wrapped):
    wrapped.send('out', {'first': True})
    delayed().send(requeue_delay=5000)
    return DelayedMessage.objects.get().due_date > timezone.now() + timedelta(seconds=4)


def _full_by_default(wrapped):
    wrapped.send('out', {'first': True})
    delayed().send()
    return DelayedMessage.objects.get().due_date < timezone.now() + timedelta(seconds=2)


cases('DelayedMessage', {
    'send': lambda: send_delayed(lambda wrapped: delayed().send()),
    'send on a layer': lambda: send_delayed(lambda wrapped: delayed().send(wrapped)),
    'send on a layer by keyword': lambda: send_delayed(lambda wrapped: delayed().send(channel_layer=wrapped)),
    'full': lambda: send_delayed(_full, capacity=1),
    'full, delay by keyword': lambda: send_delayed(_full_by_keyword, capacity=1),
    'full, delay by default': lambda: send_delayed(_full_by_default, capacity=1),
    'due': lambda: [delayed() and DelayedMessage.objects.is_due().count()],
    'not due': lambda: [delayed(delay=60000) and DelayedMessage.objects.is_due().count()],
    'due date': lambda: abs((delayed(delay=60000).due_date - timezone.now()).total_seconds() - 60) < 2,
    'delay that was set': lambda: delayed(delay=60000).delay // 1000 in (59, 60),
    'by due date': lambda: delayed(delay=0, due_date=timezone.now()).channel_name,
    'content that is not JSON': lambda: send_delayed(lambda wrapped: delayed(content='{').send()),
    'queryset': lambda: hasattr(DelayedMessage.objects, 'is_due'),
    'fields': lambda: sorted(field.name for field in DelayedMessage._meta.fields),
    'content': lambda: json.loads(delayed().content),
})


@case('DelayedMessage: group of a name')
def groups():
    with layer() as wrapped:
        Group('x').add('out')
        delayed().send()
        return received(wrapped, 'out')
