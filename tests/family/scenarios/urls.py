"""Views and a routing for both sides."""
from channels.exceptions import ResponseLater
from django.conf.urls import url
from django.http import HttpResponse, StreamingHttpResponse


def show(request):
    """Answer with what the view was told."""
    response = HttpResponse('%s %s %s' % (request.method, request.path, sorted(request.GET.items())))
    response.set_cookie('seen', 'yes')
    return response


def stream(request):
    return StreamingHttpResponse(iter([b'one', b'two']))


def later(request):
    raise ResponseLater()


def fail(request):
    raise KeyError('of the view')


def body(request):
    return HttpResponse(request.body)


def post(request):
    return HttpResponse(repr(sorted((str(key), str(value)) for key, value in request.POST.items())))


urlpatterns = [
    url(r'^show/', show), url(r'^stream/', stream), url(r'^later/', later), url(r'^fail/', fail),
    url(r'^body/', body), url(r'^post/', post),
]


def consume(message, **kwargs):
    """What the routing leads to."""


channel_routing = []
