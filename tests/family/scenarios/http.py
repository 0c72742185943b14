# -*- coding: utf-8 -*-
"""Requests and responses over channels (parity A.8)."""
from __future__ import absolute_import, unicode_literals

from channels import exceptions
from channels.handler import AsgiHandler, AsgiRequest, ViewConsumer
from channels.staticfiles import StaticFilesConsumer, StaticFilesHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from .cases import attempt, case, cases
from .tools import layer, message, received

BASE = {
    'http_version': '1.1', 'method': 'GET', 'path': '/show/', 'headers': [[b'host', b'testserver']],
    'query_string': b'', 'body': b'', 'client': ['192.0.2.1', 5000], 'server': ['testserver', 80], 'scheme': 'http',
}


def request(**content):
    return AsgiRequest(message(dict(BASE, **content), 'http.request'))


def headers(*pairs):
    return [[b'host', b'testserver']] + [list(pair) for pair in pairs]


META = (
    'REQUEST_METHOD', 'QUERY_STRING', 'SCRIPT_NAME', 'PATH_INFO', 'REMOTE_ADDR', 'REMOTE_HOST', 'SERVER_NAME',
    'SERVER_PORT', 'HTTP_HOST',
)
cases('AsgiRequest', {
    'method': lambda: request(method='post').method, 'path': lambda: request().path,
    'path below a root': lambda: [request(path='/app/show/', root_path='/app').path_info,
                                  request(path='/app/show/', root_path='/app').script_name],
    'message and reply channel': lambda: [request().message['path'], request().reply_channel],
    'META': lambda: {name: request().META[name] for name in META},
    'META without client and server': lambda: [
        request(client=None, server=None).META.get(name) for name in ('SERVER_NAME', 'SERVER_PORT')],
    'META without an address': lambda: 'REMOTE_ADDR' in request(client=None).META,
    'META port of the client': lambda: request().META['REMOTE_PORT'],
    'META wsgi keys': lambda: [request().META['wsgi.multithread'], request().META['wsgi.multiprocess']],
    'META has no environment': lambda: 'PATH' in request().META,
    'content type attributes': lambda: [
        request(headers=headers((b'content-type', b'text/plain; charset=latin-1'))).content_type,
        request(headers=headers((b'content-type', b'text/plain; charset=latin-1'))).content_params,
        request().content_type, request().content_params],
    'header': lambda: request(headers=headers((b'x-one', b'1'))).META['HTTP_X_ONE'],
    'header twice': lambda: request(headers=headers((b'x-one', b'1'), (b'x-one', b'2'))).META['HTTP_X_ONE'],
    'headers as a dict': lambda: request(headers={'host': b'testserver', 'x-one': b'1'}).META['HTTP_X_ONE'],
    'a cookie in a dict': lambda: request(headers={'cookie': b'a=1'}).COOKIES,
    'no headers': lambda: request(headers=[]).META.get('HTTP_HOST'),
    'query': lambda: sorted(request(query_string=b'a=1&b=%C3%A4').GET.items()),
    'query as text': lambda: sorted(request(query_string='a=1').GET.items()),
    'no query': lambda: sorted(_without('query_string').GET.items()),
    'cookies': lambda: request(headers=headers((b'cookie', b'a=1; b=2'))).COOKIES,
    'scheme': lambda: [request().scheme, request(scheme='https').scheme, request(scheme='https').is_secure()],
    'no scheme': lambda: _without('scheme').scheme,
    'host': lambda: request().get_host(),
    'full path': lambda: request(query_string=b'a=1').get_full_path(),
    'absolute address': lambda: request().build_absolute_uri(),
    'content type': lambda: request(headers=headers((b'content-type', b'text/plain; charset=latin-1'))).encoding,
    'body': lambda: request(body=b'abc', method='POST').body,
    'read': lambda: request(body=b'abc', method='POST').read(2),
    'form': lambda: sorted(request(
        method='POST', body=b'a=1&b=2',
        headers=headers((b'content-type', b'application/x-www-form-urlencoded'))).POST.items()),
    'a form in a GET': lambda: sorted(request(
        body=b'a=1', headers=headers((b'content-type', b'application/x-www-form-urlencoded'))).POST.items()),
    'ResponseLater': lambda: issubclass(AsgiRequest.ResponseLater, exceptions.ResponseLater),
    'timeout': lambda: AsgiRequest.body_receive_timeout,
    'without a method': lambda: _without('method'), 'without a path': lambda: _without('path'),
    'from a socket by the fake method': lambda: AsgiRequest(message(
        {'path': '/x', 'method': 'FAKE', 'headers': [], 'query_string': b'a=1'}, 'websocket.connect')).GET['a'],
    'text as body': lambda: request(body='text', method='POST').body,
    'multipart': lambda: _multipart(),
    'resolver match': lambda: request().resolver_match, 'user agent': lambda: request().META.get('HTTP_USER_AGENT'),
})


def _without(key):
    content = dict(BASE)
    del content[key]
    return AsgiRequest(message(content, 'http.request'))


def _multipart():
    body = (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\n'
            b'Content-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\ncontent\r\n--x--\r\n')
    asked = request(method='POST', body=body, headers=headers(
        (b'content-type', b'multipart/form-data; boundary=x'), (b'content-length', str(len(body)).encode('ascii'))))
    return [asked.POST['a'], asked.FILES['f'].name, asked.FILES['f'].read()]


def in_pieces(*chunks):
    with layer() as wrapped:
        for chunk in chunks:
            wrapped.send('http.request.body?x', chunk)
        asked = AsgiRequest(message(
            dict(BASE, method='POST', body=b'a', body_channel='http.request.body?x'), 'http.request', wrapped))
        return asked.body


cases('body in pieces', {
    'two': lambda: in_pieces({'content': b'b', 'more_content': True}, {'content': b'c', 'more_content': False}),
    'last without a flag': lambda: in_pieces({'content': b'b'}),
    'closed': lambda: attempt(in_pieces, {'closed': True})['raised'] != [],
    'nothing in it': lambda: in_pieces({'more_content': False}),
    'closed, when the request is made': lambda: broken_off({'closed': True}) and None,
    'closed, when the body is read': lambda: broken_off({'closed': True}).body,
    'late, when the request is made': lambda: broken_off() and None,
    'late, when the body is read': lambda: broken_off().body,
})


class Impatient(AsgiRequest):
    body_receive_timeout = 0.001


def broken_off(*chunks):
    """Return a request whose body doesn't come to its end."""
    with layer() as wrapped:
        for chunk in chunks:
            wrapped.send('http.request.body?x', chunk)
        asked = Impatient(message(
            dict(BASE, method='POST', body=b'a', body_channel='http.request.body?x'), 'http.request', wrapped))
        attempt(lambda: asked.body)
        return asked


def ask(path='/show/', handler=AsgiHandler, **content):
    """Return the messages that answer a request, put together."""
    replies = list(handler()(message(dict(BASE, path=path, **content), 'http.request')))
    return together(replies)


def together(replies):
    if not replies:
        return []
    first = replies[0]
    named = sorted([bytes(name).lower().decode('latin-1'), bytes(value).decode('latin-1').strip()]
                   for name, value in first.get('headers', ()))
    return [first.get('status'), [pair for pair in named if pair[0] not in ('content-length', 'x-frame-options')],
            b''.join(reply.get('content', b'') for reply in replies), replies[-1].get('more_content', False)]


cases('AsgiHandler', {
    'view': lambda: ask(), 'query': lambda: ask(query_string=b'a=1'), 'post': lambda: ask(method='POST'),
    'not found': lambda: ask('/nothing/')[0], 'wrong host': lambda: ask(headers=[[b'host', b'evil.example']])[0],
    'later': lambda: ask('/later/'), 'error': lambda: ask('/fail/')[0], 'stream': lambda: ask('/stream/'),
    'body': lambda: ask('/body/', method='POST', body=b'\x00abc'),
    'form': lambda: ask('/post/', method='POST', body=b'a=1', headers=headers(
        (b'content-type', b'application/x-www-form-urlencoded'), (b'content-length', b'3'))),
    'below a root': lambda: ask('/app/show/', root_path='/app'),
    'path that is not UTF-8': lambda: ask('/show/\udce9' if False else '/show/x')[0],
    'chunk size': lambda: AsgiHandler.chunk_size, 'request class': lambda: AsgiHandler.request_class is AsgiRequest,
    'head': lambda: ask(method='HEAD')[0],
})


def encoded(response):
    return together(list(AsgiHandler.encode_response(response)))


def _with_cookie():
    response = HttpResponse('x')
    response.set_cookie('a', '1')
    response['X-One'] = '1'
    return response


cases('encode_response', {
    'plain': lambda: encoded(HttpResponse('text')), 'status': lambda: encoded(HttpResponse(status=204)),
    'cookies and headers': lambda: encoded(_with_cookie()),
    'stream': lambda: encoded(StreamingHttpResponse(iter([b'a', b'b']))),
    'empty stream': lambda: encoded(StreamingHttpResponse(iter([]))),
    'file': lambda: encoded(FileResponse(iter([b'a']))),
    'large': lambda: [len(reply['content']) for reply in AsgiHandler.encode_response(HttpResponse(b'x' * 1200000))],
    'non-ASCII': lambda: encoded(HttpResponse('ä')),
    'form of a header': lambda: type(list(AsgiHandler.encode_response(HttpResponse('x')))[0]['headers'][0]).__name__,
})
cases('chunk_bytes', {
    'small': lambda: list(AsgiHandler.chunk_bytes(b'abc')), 'empty': lambda: list(AsgiHandler.chunk_bytes(b'')),
    'large': lambda: [[len(chunk), last] for chunk, last in AsgiHandler.chunk_bytes(b'x' * (512 * 1024 + 1))],
})


@case('ViewConsumer: it answers on the reply channel')
def view_consumer():
    with layer() as wrapped:
        ViewConsumer()(message(dict(BASE), 'http.request', wrapped))
        return together(received(wrapped, 'reply!a'))


cases('ViewConsumer', {
    'handler class': lambda: ViewConsumer.handler_class is AsgiHandler,
    'handler': lambda: type(ViewConsumer().handler).__name__ == AsgiHandler.__name__,
    'static files': lambda: StaticFilesConsumer.handler_class is StaticFilesHandler,
    'static handler is a handler': lambda: issubclass(StaticFilesHandler, AsgiHandler),
    'a static file': lambda: ask('/static/admin/nothing.css', StaticFilesHandler)[0],
    'beside static files': lambda: ask('/show/', StaticFilesHandler)[0],
    'base url': lambda: StaticFilesHandler().get_base_url(),
    'file path': lambda: StaticFilesHandler().file_path('/static/x/y.css'),
})
