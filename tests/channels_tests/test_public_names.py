"""
The names that projects use: all there, under both names of the package.
"""
from __future__ import absolute_import, unicode_literals

import os
import re
import unittest
import warnings
from importlib import import_module

from django.test import SimpleTestCase

from .test_how_to import pages
from .test_reference import WRITING_A_LAYER, read

#: Module below the package -> the names that applications import from it.
PUBLIC = {
    '': 'Channel Group channel_layers route route_class include DEFAULT_CHANNEL_LAYER __version__',
    'apps': 'ChannelsConfig',
    'asgi': 'ChannelLayerManager ChannelLayerWrapper InvalidChannelLayerError channel_layers get_channel_layer',
    'auth': 'channel_session_user http_session_user channel_session_user_from_http '
            'channel_and_http_session_user_from_http transfer_user',
    'binding': 'Binding',
    'binding.base': 'Binding CREATE UPDATE DELETE',
    'binding.websockets': 'WebsocketBinding WebsocketBindingWithMembers',
    'channel': 'Channel Group',
    'delay.apps': 'DelayConfig',
    'delay.management.commands.rundelay': 'Command',
    'delay.models': 'DelayedMessage',
    'exceptions': 'ConsumeLater ResponseLater RequestTimeout RequestAborted DenyConnection ChannelSocketException '
                  'WebsocketCloseException SendNotAvailableOnDemultiplexer MalformedFrame',
    'generic': 'BaseConsumer',
    'generic.base': 'BaseConsumer',
    'generic.websockets': 'WebsocketConsumer JsonWebsocketConsumer WebsocketDemultiplexer WebsocketMultiplexer',
    'handler': 'AsgiRequest AsgiHandler ViewConsumer',
    'layers.memory': 'InMemoryChannelLayer',
    'log': 'setup_logger',
    'management.commands.runworker': 'Command',
    'message': 'Message',
    'package_checks': 'check_all',
    'routing': 'route route_class include Route RouteClass Include Router null_consumer',
    'security.websockets': 'allowed_hosts_only BaseOriginValidator',
    'sessions': 'channel_session session_for_reply_channel http_session channel_and_http_session enforce_ordering',
    'signals': 'consumer_started consumer_finished worker_ready worker_process_ready handshake_refused',
    'staticfiles': 'StaticFilesConsumer StaticFilesHandler',
    'test': 'ChannelTestCase ChannelTestCaseMixin TransactionChannelTestCase ChannelLiveServerTestCase Client '
            'HttpClient WSClient apply_routes',
    'test.base': 'ChannelTestCase ChannelTestCaseMixin TransactionChannelTestCase Client apply_routes',
    'test.http': 'HttpClient',
    'test.liveserver': 'ChannelLiveServerTestCase',
    'test.websocket': 'WSClient',
    'tests': 'ChannelTestCase TransactionChannelTestCase Client HttpClient apply_routes',
    'utils': 'name_that_thing',
    'worker': 'Worker WorkerGroup',
}

#: (module, class) -> what applications use of it.
MEMBERS = {
    ('asgi', 'ChannelLayerManager'): '__getitem__ __contains__ set make_backend make_test_backend',
    ('asgi', 'ChannelLayerWrapper'): 'local_only router',
    ('channel', 'Channel'): 'send',
    ('channel', 'Group'): 'add discard send',
    ('message', 'Message'): 'get keys values items copy __getitem__ __setitem__ __contains__',
    ('routing', 'Router'): 'match add_route check_default',
    ('generic.base', 'BaseConsumer'):
        'method_mapping channel_session channel_session_user as_route get_handler dispatch channel_names',
    ('generic.websockets', 'WebsocketConsumer'):
        'connect receive disconnect send close group_send path groups connection_groups http_user '
        'http_user_and_session strict_ordering slight_ordering raw_connect raw_receive raw_disconnect',
    ('generic.websockets', 'JsonWebsocketConsumer'): 'receive send group_send encode_json decode_json',
    ('generic.websockets', 'WebsocketDemultiplexer'): 'consumers multiplexer_class',
    ('generic.websockets', 'WebsocketMultiplexer'): 'send group_send encode encode_json',
    ('binding.base', 'Binding'):
        'model fields exclude group_names has_permission serialize deserialize create update delete run_action '
        'consumer trigger_inbound get_handler register pre_save_receiver post_save_receiver pre_delete_receiver '
        'post_delete_receiver pre_change_receiver post_change_receiver send_messages channel_session '
        'channel_session_user strict_ordering',
    ('binding.websockets', 'WebsocketBinding'): 'stream serialize_data encode',
    ('binding.websockets', 'WebsocketBindingWithMembers'): 'send_members encoder',
    ('handler', 'AsgiRequest'): 'ResponseLater body_receive_timeout GET POST FILES COOKIES',
    ('handler', 'AsgiHandler'): '__call__ encode_response chunk_size load_middleware',
    ('test', 'ChannelTestCaseMixin'): 'test_channel_aliases get_next_message',
    ('test', 'Client'):
        'send consume send_and_consume receive join_group get_next_message get_consumer_by_channel',
    ('test', 'WSClient'): 'session login force_login set_cookie get_cookies set_header headers',
    ('test', 'ChannelLiveServerTestCase'): 'live_server_url live_server_ws_url serve_static worker_threads',
    ('delay.models', 'DelayedMessage'): 'send delay',
}


def load(module, package='django.channels'):
    name = '%s.%s' % (package, module) if module else package
    with warnings.catch_warnings(record=True):
        # One of them is deprecated. Python 2 would remember an ignored
        # warning, and not give it to the test that wants it.
        warnings.simplefilter('always')
        return import_module(name)


def documented():
    """Return the names that have an entry in the documentation."""
    page = read(os.path.join(os.path.dirname(WRITING_A_LAYER), 'names.txt'))
    return set(re.findall(r'``(?:[\w.]+\.)?(\w+)(?:\([\w, ]*\))?``', page))


class PublicNamesTests(SimpleTestCase):

    def test_every_name_is_there(self):
        missing = [
            '%s.%s' % (module, name) for module, names in sorted(PUBLIC.items()) for name in names.split()
            if not hasattr(load(module), name)
        ]
        self.assertEqual(missing, [])

    def test_every_name_has_an_entry_in_the_documentation(self):
        self.assertEqual([
            '%s.%s' % (module, name) for module, names in sorted(PUBLIC.items()) for name in names.split()
            if name not in documented()
        ], [])

    def test_every_name_of_the_pages_has_an_entry(self):
        names = {'disable', 'enable'}
        for page in pages():
            for imported in re.findall(r'^ *from django\.channels[\w.]* import (\([^)]*\)|.*)$', read(page), re.M):
                names.update(re.findall(r'\w+', imported))
            described = re.findall(r'^\.\. (?:class|function|exception):: ([\w.]+)', read(page), re.M)
            names.update(name.rpartition('.')[2] for name in described)
        self.assertGreater(len(names), 50)
        self.assertEqual(sorted(names - documented()), [])

    def test_every_member_is_there(self):
        missing = [
            '%s.%s.%s' % (module, kind, name) for (module, kind), names in sorted(MEMBERS.items())
            for name in names.split() if not hasattr(getattr(load(module), kind), name)
        ]
        self.assertEqual(missing, [])

    def test_what_a_module_exports_is_there(self):
        for module in PUBLIC:
            names = getattr(load(module), '__all__', [])
            self.assertEqual([name for name in names if not hasattr(load(module), name)], [], module)


class AliasTests(SimpleTestCase):

    def setUp(self):
        super(AliasTests, self).setUp()
        try:
            import_module('channels_backport')
        except ImportError:
            raise unittest.SkipTest('The alias "channels" comes with the backport, which is not installed here.')

    def test_both_packages_have_the_same_modules_and_objects(self):
        for module, names in sorted(PUBLIC.items()):
            self.assertIs(load(module, 'channels'), load(module), module)
            for name in names.split():
                self.assertIs(getattr(load(module, 'channels'), name), getattr(load(module), name))

    def test_objects_name_the_package_of_django(self):
        for module, names in sorted(PUBLIC.items()):
            for name in names.split():
                owner = getattr(getattr(load(module), name), '__module__', None)
                if owner is not None and not isinstance(getattr(load(module), name), str):
                    self.assertTrue(owner.startswith('django.'), '%s.%s: %s' % (module, name, owner))
