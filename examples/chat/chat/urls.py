"""The pages. They are plain Django views, served through channels."""
from __future__ import unicode_literals

from rooms import views

from .compat import login_view, re_path

urlpatterns = [
    re_path(r'^$', views.room_list, name='rooms'),
    re_path(r'^room/(?P<room_id>[0-9]{1,9})/$', views.room, name='room'),
    re_path(r'^login/$', login_view, name='login'),
    re_path(r'^logout/$', views.logout, name='logout'),
    re_path(r'^signup/$', views.signup, name='signup'),
]
