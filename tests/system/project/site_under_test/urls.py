"""URLs of the project under test."""
from __future__ import unicode_literals

import django
from django.apps import apps

from . import endings, views

try:
    from django.urls import re_path
except ImportError:
    from django.conf.urls import url as re_path

urlpatterns = [
    re_path(r'^hello/$', views.hello),
    re_path(r'^form/$', views.form),
    re_path(r'^upload/$', views.upload),
    re_path(r'^where/$', views.where),
    re_path(r'^mirror(/stream)?$', views.mirror),
    re_path(r'^announce/$', views.announce),
    re_path(r'^stream/$', views.stream),
    re_path(r'^big/$', views.big),
    re_path(r'^endless/$', views.endless),
    re_path(r'^meta/', views.meta),
    re_path(r'^wait/$', views.wait),
    re_path(r'^ending/$', endings.ending),
]

if apps.is_installed('django.contrib.admin'):
    from django.contrib import admin
    admin.autodiscover()
    urlpatterns.append(re_path(r'^admin/', admin.site.urls))

if django.VERSION >= (4, 2):
    # Streams from async iterators are younger than async views.
    from . import asynchronous
    urlpatterns += [
        re_path(r'^async/ending/$', asynchronous.ending),
        re_path(r'^async/nap/$', asynchronous.nap),
        re_path(r'^async/events/$', asynchronous.events),
        re_path(r'^async/counts/$', asynchronous.counts),
    ]
