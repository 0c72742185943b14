"""Views and consumers as a project of the 1.x family has them."""
from __future__ import unicode_literals

from channels import Channel, Group, route, route_class
from channels.auth import channel_session_user, channel_session_user_from_http
from channels.generic.websockets import JsonWebsocketConsumer
from django.conf import settings
from django.conf.urls import url
from django.contrib.auth import get_user_model
from django.http import HttpResponse


def names(request):
    return HttpResponse(' '.join(sorted(get_user_model().objects.values_list('username', flat=True))))


def create(request):
    get_user_model().objects.create_user('viewed')
    Channel('create').send({'name': 'worked'})
    return HttpResponse('created')


def site(request):
    return HttpResponse(settings.SITE_NAME)


def fails(request):
    raise ValueError('It fails.')


urlpatterns = [url('^names$', names), url('^create$', create), url('^site$', site), url('^fails$', fails)]


def create_named(message):
    get_user_model().objects.create_user(message['name'])


@channel_session_user_from_http
def connect(message):
    message.reply_channel.send({'accept': True})
    Group('chat').add(message.reply_channel)


@channel_session_user
def receive(message):
    Group('chat').send({'text': '%s: %s' % (message.user.username or 'nobody', message['text'])})


@channel_session_user
def disconnect(message):
    Group('chat').discard(message.reply_channel)


class Sums(JsonWebsocketConsumer):
    def receive(self, content, **kwargs):
        if content is None:
            self.close(4001)
        else:
            self.send({'sum': sum(content)})


def refuse(message):
    message.reply_channel.send({'close': True})


channel_routing = [
    route('create', create_named),
    route('websocket.connect', connect, path='^/chat$'), route('websocket.receive', receive, path='^/chat$'),
    route('websocket.disconnect', disconnect, path='^/chat$'),
    route('websocket.connect', refuse, path='^/refuse$'), route_class(Sums, path='^/sums$'),
]
