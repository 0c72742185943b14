"""
A view with the metrics of a layer and its processes, for any server of Django.

In a project's urls.py::

    from django.channels.monitoring.metrics import metrics_view

    urlpatterns = [
        url(r'^metrics$', metrics_view(token=os.environ['METRICS_TOKEN'])),
    ]
"""
from __future__ import absolute_import, unicode_literals

from django.http import HttpResponse
from django.utils.crypto import constant_time_compare

from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers
from . import exposition, families

_TEXT = 'text/plain; charset=utf-8'


def metrics_view(token, layer=DEFAULT_CHANNEL_LAYER):
    """
    Return a view for Prometheus: what /metrics/all of a worker has.

    `layer` is the alias of a layer. Who asks needs the header
    ``Authorization: Bearer TOKEN`` with `token` (text of ASCII), and else gets
    the status 401; 501 without the package prometheus_client, whose absence
    the body tells of. While the layer can't be reached, there is
    channels_layer_up alone, which is 0. Raise ValueError for an empty `token`:
    the names of channels are nobody's business.
    """
    if not token:
        raise ValueError('metrics_view() needs a token that Prometheus sends; this one is empty.')

    def view(request):
        if not constant_time_compare(request.META.get('HTTP_AUTHORIZATION', ''), 'Bearer %s' % token):
            response = HttpResponse('A token is needed.\n', status=401, content_type=_TEXT)
            response['WWW-Authenticate'] = 'Bearer'
            return response
        if request.method not in ('GET', 'HEAD'):
            return HttpResponse('Only GET.\n', status=405, content_type=_TEXT)
        try:
            content_type, body = exposition.render(
                request.META.get('HTTP_ACCEPT', ''),
                lambda: families.told(families.everything, channel_layers[layer], layer))
        except ImportError as error:
            return HttpResponse('%s\n' % error, status=501, content_type=_TEXT)
        response = HttpResponse(body, content_type=content_type)
        response['Cache-Control'] = 'no-store'
        return response

    return view
