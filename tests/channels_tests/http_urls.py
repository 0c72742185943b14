"""
Views that the tests of the HTTP handler call.
"""
from __future__ import absolute_import

import django
from django.channels import Channel
from django.channels.exceptions import ResponseLater
from django.channels.http.handler import urls
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse

try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url

#: Objects that views leave for their test.
seen = []


def hello(request):
    return HttpResponse('hello', content_type='text/plain')


def echo(request):
    return HttpResponse(request.body, content_type='text/plain')


def upload(request):
    seen.extend(request.FILES.values())
    return HttpResponse('%s' % sum(file.size for file in request.FILES.values()), content_type='text/plain')


def path_of(request):
    paths = (request.path, request.path_info, urls.reverse('path'))
    return HttpResponse('%s %s %s' % paths, content_type='text/plain')


def fail(request):
    raise ValueError('the view failed')


def announce(request):
    Channel('news', channel_layer=request.message.channel_layer).send({'method': request.method})
    if request.method == 'POST':
        raise ValueError('the view failed')
    return HttpResponse('announced', content_type='text/plain')


def missing(request):
    raise Http404('not here')


def forbidden(request):
    raise PermissionDenied('not you')


def stream_leaves(request):
    def parts():
        yield b'first'
        raise SystemExit(1)
    return StreamingHttpResponse(parts())


def leave(request):
    raise SystemExit(3)


def later(request):
    seen.append(request)
    raise ResponseLater()


def promise(request):
    """Save something, and answer later; in vain if the query string says so."""
    ContentType.objects.create(app_label='promises', model='promise')
    if request.GET:
        raise ValueError('the view failed')
    raise ResponseLater()


@transaction.non_atomic_requests
def promise_alone(request):
    return promise(request)


def stream(request):
    def parts():
        try:
            for number in range(5):
                yield 'part %d' % number
        finally:
            seen.append('closed')
    return StreamingHttpResponse(parts(), content_type='text/plain')


def broken_stream(request):
    def parts():
        if 'early' not in request.GET:
            yield b'beginning'
        raise ValueError('the stream failed')
    return StreamingHttpResponse(parts(), content_type='text/plain')


def swallow(request):
    """A view that copes with a body that never comes."""
    try:
        request.body
    except IOError:
        return HttpResponse('never mind', content_type='text/plain')


def handler500(request, *args, **kwargs):
    seen.append('handler500')
    if 'twice' in request.GET:
        raise RuntimeError('the handler of errors failed')
    return HttpResponse('sorry', status=500, content_type='text/plain')


urlpatterns = [
    url(r'^$', hello),
    url(r'^echo/$', echo),
    url(r'^upload/$', upload),
    url(r'^path/$', path_of, name='path'),
    url(r'^fail/$', fail),
    url(r'^announce/$', announce),
    url(r'^missing/$', missing),
    url(r'^forbidden/$', forbidden),
    url(r'^leave/$', leave),
    url(r'^stream-leaves/$', stream_leaves),
    url(r'^later/$', later),
    url(r'^promise/$', promise),
    url(r'^promise/alone/$', promise_alone),
    url(r'^stream/$', stream),
    url(r'^broken/$', broken_stream),
    url(r'^swallow/$', swallow),
]

if django.VERSION < (1, 10):
    #: A middleware class of that Django.
    MIDDLEWARE = 'MIDDLEWARE_CLASSES'
else:
    MIDDLEWARE = 'MIDDLEWARE'


class Counting(object):
    """Middleware, of the old kind and of the new, that counts what it does."""
    made = 0
    fail = False

    def __init__(self, get_response=None):
        self.get_response = get_response
        Counting.made += 1

    def __call__(self, request):
        return self.process_response(request, self.get_response(request))

    def process_response(self, request, response):
        if Counting.fail:
            raise ValueError('the middleware failed')
        response['X-Counted'] = '1'
        return response

    def process_exception(self, request, exception):
        seen.append(exception)
