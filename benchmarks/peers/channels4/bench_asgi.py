"""The application of Channels 4: views and consumers in the server's process."""
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

views = get_asgi_application()


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data)


class Broadcast(AsyncWebsocketConsumer):
    groups = ['everybody']

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send('everybody', {'type': 'news', 'text': text_data})

    async def news(self, event):
        await self.send(text_data=event['text'])


application = ProtocolTypeRouter({
    'http': views,
    'websocket': URLRouter([re_path(r'^echo/', Echo.as_asgi()), re_path(r'^broadcast/', Broadcast.as_asgi())]),
})
