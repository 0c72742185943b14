"""The pages of all peers' sites."""
import bench_views

try:
    from django.urls import re_path
except ImportError:
    from django.conf.urls import url as re_path

urlpatterns = [
    re_path(r'^hello/$', bench_views.hello),
    re_path(r'^pause/$', bench_views.pause),
    re_path(r'^upload/$', bench_views.upload),
    re_path(r'^large/$', bench_views.large),
    re_path(r'^stream/$', bench_views.stream),
]
