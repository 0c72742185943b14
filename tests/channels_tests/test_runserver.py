"""Tests of what a project's own runserver command can change."""
from __future__ import absolute_import, unicode_literals

from django.channels import channel_layers
from django.channels.compat import six
from django.channels.management.runserver import serve
from django.channels.message import Message
from django.core.management import get_commands, load_command_class
from django.test import TestCase, override_settings

from .logs import LogTestCase

LAYERS = {'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []}}


class Server(object):
    """Takes what daphne's Server takes, and has nothing to serve."""
    made = []

    def __init__(self, **options):
        self.options = options

    def run(self):
        self.made.append(self)


@override_settings(CHANNEL_LAYERS=LAYERS)
class HookTests(LogTestCase, TestCase):

    def setUp(self):
        super(HookTests, self).setUp()
        Server.made = []

    def serve(self, address, **attributes):
        """Serve with a subclass of the runserver there is; return its output."""
        kind = type(load_command_class(get_commands()['runserver'], 'runserver'))
        output = six.StringIO()
        command = type(str('Command'), (kind,), attributes)(stdout=output)
        command.addr, command.port, command.use_ipv6, command._raw_ipv6 = address, '8123', ':' in address, False
        self.assertTrue(serve(
            command, use_reloader=False, skip_checks=True, use_threading=False,
            # Those that staticfiles adds.
            use_static_handler=True, insecure_serving=False,
        ))
        return output.getvalue()

    def test_a_server_class_of_its_own_serves(self):
        def log_action(protocol, action, details):
            """Do nothing."""

        def get_consumer(command, *args, **options):
            return len

        output = self.serve(
            '127.0.0.1', server_cls=Server, protocol='https', log_action=staticmethod(log_action),
            get_consumer=get_consumer,
        )
        self.assertIn('Starting Channels development server at https://127.0.0.1:8123/', output)
        [server] = Server.made
        self.assertEqual(server.options['endpoints'], ['tcp:port=8123:interface=127.0.0.1'])
        self.assertIs(server.options['channel_layer'], channel_layers['default'])
        self.assertIs(server.options['action_logger'], log_action)
        self.assertEqual((server.options['http_timeout'], server.options['signal_handlers']), (60, True))
        layer = channel_layers['default']
        self.assertEqual(layer.router.match(Message({}, 'http.request', layer)), (len, {}))

    def test_colons_of_an_address_are_no_separators(self):
        self.serve('::1', server_cls=Server)
        self.assertEqual(Server.made[0].options['endpoints'], [r'tcp:port=8123:interface=\:\:1'])
