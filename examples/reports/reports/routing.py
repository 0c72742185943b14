"""Which consumer takes what: the jobs, and the sockets that show them."""
from __future__ import unicode_literals

from django.channels import route
from django.channels.retries import Acknowledged, Retry
from sales import consumers

LIVE_PATH = r'^/live/$'

channel_routing = [
    # A job belongs to its worker until make_report() has returned. If that
    # raises, the job comes again after a pause; if the worker dies, at once.
    route('reports', consumers.make_report, acknowledged=Acknowledged(retry=Retry(attempts=5))),
    route('websocket.connect', consumers.connect, path=LIVE_PATH),
    route('websocket.disconnect', consumers.disconnect, path=LIVE_PATH),
]
