"""The views of all peers' sites."""
import time

from django.http import HttpResponse, StreamingHttpResponse

CHUNK = b'x' * 65536


def hello(request):
    return HttpResponse(b'Hello', content_type='text/plain')


def pause(request):
    """Five milliseconds, as a query of a database takes them."""
    time.sleep(0.005)
    return HttpResponse(b'Hello', content_type='text/plain')


def upload(request):
    return HttpResponse(str(len(request.body)), content_type='text/plain')


def large(request):
    """A megabyte at once."""
    return HttpResponse(CHUNK * 16, content_type='application/octet-stream')


def stream(request):
    """Ten megabytes, in pieces of 64 kB."""
    return StreamingHttpResponse((CHUNK for _ in range(160)), content_type='application/octet-stream')
