"""The page, and the admin. They are plain Django views."""
from __future__ import unicode_literals

from django.contrib import admin
from entries import views

try:
    from django.urls import re_path
except ImportError:
    # Delete when Django < 2.0 support ends.
    from django.conf.urls import url as re_path

urlpatterns = [
    re_path(r'^$', views.page, name='page'),
    re_path(r'^admin/', admin.site.urls),
]
