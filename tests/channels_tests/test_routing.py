"""Tests of which consumer gets a message."""
from __future__ import absolute_import, unicode_literals

import os
import shutil
import tempfile

from django.channels import include, route, route_class
from django.channels.channel_sessions import end_session
from django.channels.checks import check_channel_layers
from django.channels.exceptions import DenyConnection
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.registry import ChannelLayerWrapper
from django.channels.message import Message
from django.channels.routing import Router, ignore
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase
from django.test.utils import extend_sys_path, override_settings


def consumer_1(message, **kwargs):
    """A consumer that routes name."""


def consumer_2(message, **kwargs):
    """Another one."""


class ClassConsumer(object):

    @classmethod
    def channel_names(cls):
        return {'custom.a', 'custom.b'}


nested = [
    route('websocket.connect', consumer_1, path=r'^/room/(?P<room>\w+)/$'),
    route('websocket.connect', consumer_2, path=r'^/$'),
]
as_dict = {'custom': consumer_1, 'other': __name__ + '.consumer_2'}
not_a_routing = 5


class RoutingTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()

    def match(self, routing, channel, **content):
        return Router(routing).match(Message(content, channel, self.layer))

    def test_a_route_takes_its_channels(self):
        routing = [route('a', consumer_1), route(['b', 'c'], consumer_2)]
        for channel, expected in (('a', consumer_1), ('b', consumer_2), ('c', consumer_2)):
            self.assertEqual(self.match(routing, channel), (expected, {}))
        self.assertIsNone(self.match(routing, 'd'))

    def test_the_first_route_that_fits_wins(self):
        routing = [route('a', consumer_1, n='^1$'), route('a', consumer_2)]
        self.assertEqual(self.match(routing, 'a', n='1')[0], consumer_1)
        self.assertEqual(self.match(routing, 'a', n='2')[0], consumer_2)

    def test_all_filters_have_to_match_from_the_start(self):
        routing = [route('a', consumer_1, method='POST', path='/x')]
        for content, fits in (
            ({'method': 'POST', 'path': '/x/y'}, True),
            ({'method': 'POST', 'path': '/y/x'}, False),
            ({'method': 'GET', 'path': '/x'}, False),
            ({'method': 'POST'}, False),
            ({'method': b'POST', 'path': '/x'}, True),
        ):
            self.assertEqual(self.match(routing, 'a', **content) is not None, fits, content)

    def test_named_groups_become_keyword_arguments(self):
        routing = [route('a', consumer_1, path=r'^/(?P<year>\d+)/(?P<rest>x)?', method='(?P<verb>.*)')]
        self.assertEqual(
            self.match(routing, 'a', path='/2016/', method='GET'),
            (consumer_1, {'year': '2016', 'rest': None, 'verb': 'GET'})
        )

    def test_a_group_that_takes_no_part_is_none_under_an_include_too(self):
        routing = [include([route('a', consumer_1, path=r'^(?P<room>\w+)?$')], path=r'^/(?P<site>x)?/?')]
        self.assertEqual(self.match(routing, 'a', path='/'), (consumer_1, {'site': None, 'room': None}))

    def test_a_prefix_may_have_groups_without_names(self):
        for prefix in (r'^/(api|v1)/', r'^/((api)|v(1))/'):
            routing = [include([route('a', consumer_1, path=r'^chat$')], path=prefix)]
            self.assertEqual(self.match(routing, 'a', path='/v1/chat'), (consumer_1, {}))

    def test_an_include_can_be_included(self):
        inner = include([route('a', consumer_1, path=r'^/chat$')], path=r'^/v1')
        self.assertEqual(self.match([include(inner, path=r'^/api')], 'a', path='/api/v1/chat'), (consumer_1, {}))
        self.assertEqual([each.channels for each in inner.routing], [['a']])

    def test_patterns_may_be_bytes(self):
        for path in ('/chat', b'/chat'):
            self.assertEqual(self.match([route('a', consumer_1, path=b'^/(?P<x>chat)')], 'a', path=path),
                             (consumer_1, {'x': 'chat'}))

    def test_a_path_is_what_lies_below_the_root_path(self):
        for path, pattern, root in (
            ('/app/chat/', r'^/chat/$', '/app'),
            ('/app/chat/', r'^/chat/$', '/app/'),
            ('/app', r'^/$', '/app'),
            # Stripped by the server in front.
            ('/chat/', r'^/chat/$', '/app'),
            # Written for a server that told nothing of a root path.
            ('/app/chat/', r'^/app/chat/$', '/app'),
            ('/chat/', r'^/chat/$', ''),
            ('/chat/', r'^/chat/$', None),
        ):
            for channel in ('websocket.connect', 'http.request'):
                match = self.match([route(channel, consumer_1, path=pattern)], channel, path=path, root_path=root)
                self.assertEqual(match, (consumer_1, {}), (path, pattern, root))

    def test_a_root_path_is_taken_off_once(self):
        for path, prefix, pattern, fits in (
            ('/app/app/chat', r'^/app', r'^/chat$', True),
            ('/app/app/app/chat', r'^/app', r'^/app/chat$', True),
            ('/app/app/app/chat', r'^/app', r'^/chat$', False),
            ('/apples/chat', r'^/app', r'^/chat$', False),
        ):
            routing = [include([route('a', consumer_1, path=pattern)], path=prefix)]
            match = self.match(routing, 'a', path=path, root_path='/app')
            self.assertEqual(match is not None, fits, path)

    def test_positional_groups_are_refused(self):
        with self.assertRaisesMessage(ValueError, 'has a group without a name'):
            route('a', consumer_1, path=r'^/(\d+)/')
        route('a', consumer_1, path=r'^/(?:\d+)/')

    def test_a_filter_that_is_no_regular_expression_is_named(self):
        for broken in (lambda: route('a', consumer_1, path='('), lambda: include(nested, path='(')):
            with self.assertRaisesMessage(ValueError, 'The filter path='):
                broken()
        for broken in (None, 5, [], object()):
            with self.assertRaisesMessage(TypeError, 'The filter path='):
                route('a', consumer_1, path=broken)

    def test_acknowledged_may_be_what_a_setting_says(self):
        for value in (False, None):
            self.assertEqual(route('a', consumer_1, acknowledged=value).acknowledged_channels(), {})
        self.assertEqual(list(route('a', consumer_1, acknowledged=True).acknowledged_channels()), ['a'])
        with self.assertRaisesMessage(TypeError, 'The filter acknowledged=1'):
            route('a', consumer_1, acknowledged=1)

    def test_channels_that_no_worker_could_receive_from_are_refused(self):
        for channels, kind, text in (
            ('with space', ValueError, 'is not a valid channel name'),
            (['a', 'b?c?d'], ValueError, 'is not a valid channel name'),
            ('process!client', ValueError, "wait on 'process!'"),
            (5, TypeError, 'A channel name must be a string, not int (5).'),
            ([None], TypeError, 'A channel name must be a string'),
        ):
            with self.assertRaisesMessage(kind, text):
                route(channels, consumer_1)
        with self.assertRaisesMessage(ValueError, 'is not a valid channel name'):
            Router({'with space': consumer_1})
        self.assertEqual(route({'a', 'b'}, consumer_1).channel_names(), {'a', 'b'})

    def test_include_takes_its_prefix_off(self):
        routing = [include(nested, path=r'^/chat/(?P<site>\w+)')]
        self.assertEqual(
            self.match(routing, 'websocket.connect', path='/chat/x/room/red/'),
            (consumer_1, {'site': 'x', 'room': 'red'})
        )
        self.assertEqual(self.match(routing, 'websocket.connect', path='/chat/x/')[0], consumer_2)

    def test_include_leaves_the_message_as_it_was(self):
        message = Message({'path': '/chat/x/'}, 'websocket.connect', self.layer)
        Router([include(nested, path='^/chat/x')]).match(message)
        self.assertEqual(message['path'], '/chat/x/')

    def test_inner_keyword_arguments_win(self):
        inner = [route('a', consumer_1, path=r'^/(?P<name>\w+)')]
        self.assertEqual(
            self.match([include(inner, path=r'^/(?P<name>\w+)')], 'a', path='/outer/inner')[1], {'name': 'inner'}
        )

    def test_dotted_paths_are_imported_when_needed(self):
        self.assertEqual(self.match([route('a', __name__ + '.consumer_1')], 'a')[0], consumer_1)
        self.assertEqual(
            self.match([include(__name__ + '.nested')], 'websocket.connect', path='/')[0], consumer_2
        )
        Router([route('a', 'no.such.consumer')])
        with self.assertRaisesMessage(ImproperlyConfigured, "The consumer no.such.consumer can't be imported"):
            self.match([route('a', 'no.such.consumer')], 'a')

    def test_a_dict_and_a_dotted_path_are_routings(self):
        for routing in (as_dict, __name__ + '.as_dict'):
            self.assertEqual(self.match(routing, 'other'), (consumer_2, {}))
            self.assertLessEqual({'custom', 'other'}, Router(routing).channels)

    def test_what_is_no_routing_is_refused_with_an_example(self):
        for routing, text in (
            ('no.such.routing', "The routing no.such.routing can't be imported"),
            (__name__ + '.not_a_routing', 'A routing is a list of route()'),
            (['a'], 'is not a route: write route("channel", consumer)'),
        ):
            with self.assertRaisesMessage(ImproperlyConfigured, text):
                Router(routing)

    def test_what_is_misspelt_in_a_routing_is_named(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(folder, 'misspelt_routing.py'), 'w') as module:
            module.write('import os\nroutes = [os.no_such_consumer]\n')
        layers = {'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer'}}
        for routing in ('misspelt_routing.routes', [route('a', 'misspelt_routing.consumer')]):
            layers['default']['ROUTING'] = routing
            with extend_sys_path(folder), self.assertRaisesMessage(AttributeError, 'no_such_consumer'):
                with override_settings(CHANNEL_LAYERS=layers):
                    check_channel_layers()

    def test_a_class_knows_its_channels(self):
        routing = [route_class(ClassConsumer, path='^/x')]
        self.assertEqual(self.match(routing, 'custom.b', path='/x')[0], ClassConsumer)
        self.assertLessEqual({'custom.a', 'custom.b'}, Router(routing).channels)

    def test_anything_with_match_and_channel_names_is_a_route(self):
        class Custom(object):
            def channel_names(self):
                return {'odd'}

            def match(self, message):
                return (consumer_1, {'n': 1}) if message.channel.name == 'odd' else None

        self.assertEqual(self.match([Custom()], 'odd'), (consumer_1, {'n': 1}))
        self.assertIn('odd', Router([Custom()]).channels)

    def test_routes_can_be_added(self):
        router = Router([])
        router.add_route(route('late', consumer_1))
        self.assertIn('late', router.channels)
        self.assertEqual(router.match(Message({}, 'late', self.layer)), (consumer_1, {}))

    def test_what_a_route_has_can_be_replaced(self):
        """As tools do that log or count."""
        replaced = route('a', 'no.such.consumer')
        replaced.consumer = consumer_1
        replaced.channels.append('b')
        inside = include([])
        inside.routing = [replaced]
        for channel in ('a', 'b'):
            self.assertEqual(self.match([inside], channel), (consumer_1, {}))
        router = Router([])
        router.root = inside
        self.assertEqual(router.match(Message({}, 'a', self.layer)), (consumer_1, {}))

    def test_a_tool_may_replace_how_the_root_matches(self):
        """As a debugging panel for Channels 1.x does, to wrap the consumers."""
        router = Router([route('a', consumer_1)])
        router.check_default()
        match = router.root.match
        router.root.match = lambda message: match(message) and (consumer_2, {'wrapped': match(message)[0]})
        self.assertEqual(router.match(Message({}, 'a', self.layer)), (consumer_2, {'wrapped': consumer_1}))
        self.assertIs(router.match(Message({}, 'websocket.receive', self.layer))[0], ignore)

    def test_a_repr_names_the_consumer(self):
        self.assertEqual(repr(route(['a', 'b'], consumer_1)), '<Route a/b -> consumer_1>')


class DefaultRouteTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()

    def match(self, routing, channel, **content):
        content.setdefault('reply_channel', 'p!a')
        message = Message(content, channel, self.layer)
        router = Router(routing)
        router.check_default()
        return message, router.match(message)[0]

    def test_requests_go_to_the_views(self):
        from django.channels.handler import ViewConsumer
        self.assertIsInstance(self.match([], 'http.request')[1], ViewConsumer)

    def test_another_consumer_can_be_put_before_the_views(self):
        router = Router([])
        router.check_default(http_consumer=consumer_1)
        self.assertEqual(router.match(Message({}, 'http.request', self.layer)), (consumer_1, {}))

    def test_a_websocket_nobody_routes_is_refused(self):
        message, consumer = self.match([], 'websocket.connect', path='/secret/')
        with self.assertRaisesMessage(DenyConnection, 'No route for WebSockets at /secret/.'):
            consumer(message)

    def test_a_websocket_is_refused_on_paths_that_no_route_has(self):
        routing = [route('websocket.receive', consumer_1, path='^/echo/')]
        message, consumer = self.match(routing, 'websocket.connect', path='/other/')
        with self.assertRaises(DenyConnection):
            consumer(message)

    def test_a_websocket_is_accepted_where_only_its_frames_are_routed(self):
        routing = [route('websocket.receive', consumer_1, path='^/echo/')]
        message, consumer = self.match(routing, 'websocket.connect', path='/echo/')
        consumer(message)
        self.assertEqual(self.layer.receive(['p!']), ('p!a', {'accept': True}))

    def test_frames_and_disconnects_may_be_left_alone(self):
        for channel, consumer in (('websocket.receive', ignore), ('websocket.disconnect', end_session)):
            self.assertIs(self.match([], channel)[1], consumer)

    def test_the_names_to_receive_from_include_the_defaults(self):
        router = Router([])
        router.check_default()
        self.assertEqual(
            router.channels, {'http.request', 'websocket.connect', 'websocket.receive', 'websocket.disconnect'}
        )

    def test_a_router_by_itself_has_none(self):
        router = Router([route('websocket.connect', consumer_1, path='^/chat/')])
        self.assertEqual(router.channels, {'websocket.connect'})
        for path, expected in (('/chat/', (consumer_1, {})), ('/', None)):
            self.assertEqual(router.match(Message({'path': path}, 'websocket.connect', self.layer)), expected)

    def test_the_router_of_a_layer_has_them(self):
        wrapper = ChannelLayerWrapper(self.layer, 'default', [])
        self.assertIn('http.request', wrapper.router.channels)

    def test_the_router_of_a_layer_can_be_replaced(self):
        wrapper = ChannelLayerWrapper(self.layer, 'default', [route('a', consumer_1)])
        wrapper.router = router = Router([route('b', consumer_1, acknowledged=True)])
        self.assertIs(wrapper.router, router)
        self.assertEqual(sorted(wrapper.router.channels), ['b'])
        self.assertTrue(wrapper.options_of('b'))
