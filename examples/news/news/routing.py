"""What is a message beside the requests, which go to the views in urls.py."""
from __future__ import unicode_literals

from django.channels import route
from headlines import views

channel_routing = [
    route('http.disconnect', views.reader_left, path=r'^/events/$'),
]
