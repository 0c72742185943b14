"""The page, and the stream that it reads."""
from __future__ import unicode_literals

from headlines import views

try:
    from django.urls import re_path
except ImportError:
    # Delete when Django < 2.0 support ends.
    from django.conf.urls import url as re_path

urlpatterns = [
    re_path(r'^$', views.page, name='page'),
    re_path(r'^events/$', views.events, name='events'),
]
