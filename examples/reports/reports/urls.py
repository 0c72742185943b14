"""The page, and what its buttons do. They are plain Django views."""
from __future__ import unicode_literals

from sales import views

try:
    from django.urls import re_path
except ImportError:
    # Delete when Django < 2.0 support ends.
    from django.conf.urls import url as re_path

urlpatterns = [
    re_path(r'^$', views.page, name='page'),
    re_path(r'^start/$', views.start, name='start'),
    re_path(r'^resume/(?P<report_id>[0-9]{1,9})/$', views.resume, name='resume'),
]
