"""
The site of slopes.py: settings, URLs, routing and consumers in one module.
"""
import os

from django.http import HttpResponse

SECRET_KEY = 'slopes'
ALLOWED_HOSTS = ['*']
DATABASES = {}
INSTALLED_APPS = ['channels']
MIDDLEWARE = []
ROOT_URLCONF = __name__
CHANNEL_LAYERS = {'default': {
    'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': __name__ + '.ROUTING',
    'CONFIG': {'hosts': os.environ['SLOPES_HOSTS'].split(',')},
}}
GROUP = 'slopes'


def connect(message):
    from django.channels import Group
    if message['path'] == '/member/':
        Group(GROUP).add(message.reply_channel)
    message.reply_channel.send({'accept': True})


def echo(message):
    message.reply_channel.send({'text': message['text']})


def ignore(message):
    pass


ROUTING = {'websocket.connect': connect, 'websocket.receive': echo, 'websocket.disconnect': ignore}


def view(request):
    return HttpResponse('ok')


try:
    from django.urls import re_path
except ImportError:
    from django.conf.urls import url as re_path

urlpatterns = [re_path(r'^$', view)]
