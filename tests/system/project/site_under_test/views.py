"""Views that tell the tests what arrived, and where."""
from __future__ import unicode_literals

import hashlib
import os
import sys
import time

import django
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse


def hello(request):
    """Greet the one named in the query string."""
    return HttpResponse('Hello, %s!' % request.GET.get('name', 'nobody'), content_type='text/plain; charset=utf-8')


def form(request):
    """Return the fields of a posted form, lists as they came."""
    return JsonResponse({'method': request.method, 'fields': {key: request.POST.getlist(key) for key in request.POST}})


def upload(request):
    """Return name, size and hash of the file called "file"."""
    file = request.FILES['file']
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse({
        'name': file.name, 'size': file.size, 'sha256': digest.hexdigest(), 'note': request.POST.get('note'),
    })


def announce(request):
    """Send the text in the query string to the sockets of a group."""
    from django.channels import Group  # not in a project that never heard of it
    Group(request.GET['group']).send({'text': request.GET['text']})
    return where(request)


def where(request):
    """Tell which process answers, and whether through a channel."""
    return JsonResponse({
        'pid': os.getpid(),
        'python': list(sys.version_info[:2]),
        'django': django.get_version(),
        'channel': getattr(getattr(request, 'reply_channel', None), 'name', None),
        'wsgi_server': 'wsgi.file_wrapper' in request.META,
    })


def wait(request):
    """Say on standard error that it waits, and do so for half a minute."""
    sys.stderr.write('A view waits.\n')
    sys.stderr.flush()
    time.sleep(30)
    return HttpResponse()


def mirror(request, stream):
    """Return the body, in pieces if `stream`; see tests/conformance."""
    if stream:
        return StreamingHttpResponse(iter(lambda: request.read(65536), b''), content_type='application/octet-stream')
    return HttpResponse(request.body, content_type='application/octet-stream')


def stream(request):
    """Stream 40 pieces of 50,000 bytes."""
    return StreamingHttpResponse((b'%c' % (65 + number % 26)) * 50000 for number in range(40))


def big(request):
    """Stream as many megabytes as the query string says."""
    return StreamingHttpResponse(b'x' * 65536 for number in range(int(request.GET['megabytes']) * 16))


def endless(request):
    """Stream until somebody stops it, and then write the file in the query string."""
    def parts():
        try:
            while True:
                yield b'x' * 1000
                time.sleep(0.01)
        finally:
            open(request.GET['file'], 'w').close()
    return StreamingHttpResponse(parts())


def meta(request):
    """Return request.META, each value with its type. A copy, so that no key warns."""
    return JsonResponse({
        key: '%s %s' % (type(value).__name__, value.decode('latin-1') if isinstance(value, bytes) else value)
        for key, value in dict(request.META).items()
    })
