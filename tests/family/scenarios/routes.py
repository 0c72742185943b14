"""Routing (parity A.4)."""
from __future__ import absolute_import, unicode_literals

import re

from channels import include, route, route_class
from channels.routing import Include, Route, RouteClass, Router, null_consumer
from channels.utils import name_that_thing

from .cases import case, cases
from .tools import message
from .urls import consume


def other(message, **kwargs):
    """Another consumer."""


class ByClass(object):

    def __init__(self, message, **kwargs):
        pass

    @classmethod
    def channel_names(cls):
        return {'test', 'more'}


class Custom(object):

    def match(self, message):
        return (other, {'custom': message.channel.name}) if message.channel.name == 'test' else None

    def channel_names(self):
        return {'test'}


def matched(routing, content=None, channel='test'):
    return Router(routing).match(message(content, channel))


PATH = {'path': '/room/tea/'}

cases('route', {
    'channel': lambda: matched([route('test', consume)]),
    'other channel': lambda: matched([route('else', consume)]),
    'list of channels': lambda: matched([route(['else', 'test'], consume)]),
    'tuple of channels': lambda: matched([route(('else', 'test'), consume)]),
    'bytes channel': lambda: matched([route([b'test'], consume)]),
    'dotted consumer': lambda: matched([route('test', 'scenarios.urls.consume')]),
    'no such consumer': lambda: matched([route('test', 'scenarios.urls.nothing')]),
    'no such module': lambda: matched([route('test', 'no.such.module')]),
    'first wins': lambda: matched([route('test', consume), route('test', other)]),
    'named groups': lambda: matched([route('test', consume, path=r'^/room/(?P<room>[^/]+)/$')], PATH),
    'bytes pattern': lambda: matched([route('test', consume, path=br'^/room/(?P<room>[^/]+)/$')], PATH),
    'compiled pattern': lambda: matched([route('test', consume, path=re.compile(r'^/ROOM/', re.I))], PATH),
    'optional group': lambda: matched([route('test', consume, path=r'^/room/(?P<room>\d+)?')], PATH),
    'optional group of another filter': lambda: matched(
        [route('test', consume, path='^/room', text='^(?P<word>x)?')], dict(PATH, text='')),
    'two optional groups': lambda: matched([route('test', consume, path='^/(?P<a>x)?(?P<b>r)?')], PATH),
    'positional group': lambda: route('test', consume, path=r'^/(room)/'),
    'group without capture': lambda: matched([route('test', consume, path=r'^/(?:room)/')], PATH),
    'two filters': lambda: matched([route('test', consume, path='^/room', method='^(?P<m>GET)$')],
                                   dict(PATH, method='GET')),
    'one of two filters': lambda: matched([route('test', consume, path='^/room', method='^GET$')],
                                          dict(PATH, method='POST')),
    'missing key': lambda: matched([route('test', consume, nothing='.*')], PATH),
    'from the start': lambda: matched([route('test', consume, path='room')], PATH),
    'not to the end': lambda: matched([route('test', consume, path='/room')], PATH),
    'bytes value': lambda: matched([route('test', consume, path='^/(?P<x>room)')], {'path': b'/room'}),
    'empty value': lambda: matched([route('test', consume, text='^$')], {'text': ''}),
    'broken pattern': lambda: route('test', consume, path='('),
    'channel names': lambda: Route(['a', 'b'], consume).channel_names(),
    'keyword arguments': lambda: Route(channels='test', consumer=consume).channels,
    'consumer attribute': lambda: route('test', consume).consumer,
    'same classes': lambda: [route is Route, route_class is RouteClass, include is Include],
    'no consumer': lambda: route('test'),
    'filters attribute': lambda: {
        name: pattern.pattern for name, pattern in route('test', consume, path='^/a', method='GET').filters.items()},
    'no filters': lambda: dict(route('test', consume).filters),
    'text form': lambda: isinstance(str(route('test', consume)), str),
})
cases('route_class', {
    'match': lambda: matched([route_class(ByClass)]),
    'second channel': lambda: matched([route_class(ByClass)], channel='more'),
    'filter': lambda: matched([route_class(ByClass, path='^/(?P<x>room)')], PATH),
    'channel names': lambda: route_class(ByClass).channel_names(),
    'dotted': lambda: matched([route_class('scenarios.routes.ByClass')]),
    'without channel names': lambda: route_class(consume),
})
cases('include', {
    'list': lambda: matched([include([route('test', consume)])]),
    'dotted': lambda: matched([include('scenarios.routes.INCLUDED')]),
    'prefix is stripped': lambda: matched([include([route('test', consume, path=r'^/tea/$')], path='^/room')], PATH),
    'prefix and group': lambda: matched(
        [include([route('test', consume, path=r'^/(?P<r>.*)/$')], path='^/(?P<kind>room)')], PATH),
    'optional group': lambda: matched(
        [include([route('test', consume)], path=r'^/(?P<kind>x)?room')], PATH),
    'inner wins': lambda: matched(
        [include([route('test', consume, path=r'^/(?P<x>tea)')], path='^/(?P<x>room)')], PATH),
    'no match': lambda: matched([include([route('test', consume)], path='^/else')], PATH),
    'nothing inside': lambda: matched([include([route('else', consume)], path='^/room')], PATH),
    'positional group': lambda: matched([include([route('test', consume)], path='^/(room|hall)')], PATH),
    'missing key': lambda: matched([include([route('test', consume)], nothing='.*')], PATH),
    'other filter': lambda: matched(
        [include([route('test', consume, method='^ET$')], method='^G')], {'method': 'GET'},
    ),
    'twice': lambda: matched(
        [include([include([route('test', consume, path='^/$')], path='^/tea')], path='^/room')], PATH),
    'channel names': lambda: include([route('a', consume), route(['b', 'c'], consume)]).channel_names(),
    'no such routing': lambda: include('scenarios.routes.NOTHING'),
    'dict': lambda: matched([include({'test': consume})]),
    'an include': lambda: include(include([route('test', consume)])) and None,
    'an include, under a path': lambda: include(include([route('test', consume)]), path='^/room') and None,
    'another include whose path has a group': lambda: matched(
        [include([include([route('test', consume)], path='^/(t|c)')], path='^/(room|hall)')], PATH),
    'prefixes attribute': lambda: {
        name: pattern.pattern for name, pattern in include([], path='^/(a|b)').prefixes.items()},
    'routing attribute': lambda: len(include([route('a', consume), route('b', consume)]).routing),
})
INCLUDED = [route('test', other)]
cases('Router', {
    'dict': lambda: matched({'test': 'scenarios.urls.consume'}),
    'dotted': lambda: matched('scenarios.routes.INCLUDED'),
    'no such path': lambda: matched('scenarios.routes.NOTHING'),
    'custom routes': lambda: matched([Custom()]),
    'empty': lambda: matched([], channel='jobs'),
    'channels': lambda: sorted(Router([route(['a', 'b'], consume)]).channels - set(DEFAULTS)),
    'null consumer': lambda: null_consumer(message(), anything=1),
})
DEFAULTS = ('http.request', 'websocket.connect', 'websocket.receive', 'websocket.disconnect')


@case('Router: a route that is added')
def added():
    router = Router([])
    router.add_route(route('late', consume))
    return ['late' in router.channels, router.match(message(channel='late'))]


@case('Router: the defaults')
def defaults():
    router = Router([])
    router.check_default()
    found = [router.match(message({'path': '/'}, channel)) is not None for channel in DEFAULTS]
    return [found, set(DEFAULTS) <= set(router.channels)]


@case('Router: another consumer of requests')
def http_consumer():
    router = Router([])
    router.check_default(http_consumer=consume)
    return router.match(message({'path': '/'}, 'http.request'))


@case('Router: the message is left as it is')
def untouched():
    asked = message(PATH)
    Router([include([route('test', consume, path='^/tea')], path='^/room')]).match(asked)
    return asked


cases('name_that_thing', {
    'function': lambda: name_that_thing(consume),
    'class': lambda: name_that_thing(Custom),
    'instance': lambda: name_that_thing(Custom()),
    'class method': lambda: name_that_thing(ByClass.channel_names),
})
