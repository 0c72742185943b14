"""Code of a project that type checkers have nothing to say about."""
from typing import Any, Optional

from django.channels import Channel, Group, channel_layers, include, route, route_class
from django.channels.auth import channel_session_user, channel_session_user_from_http, close_user_sockets
from django.channels.binding.websockets import WebsocketBinding
from django.channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection
from django.channels.generic import BaseConsumer
from django.channels.generic.websockets import (
    JsonWebsocketConsumer, WebsocketConsumer, WebsocketDemultiplexer, WebsocketMultiplexer,
)
from django.channels.handler import AsgiRequest, ViewConsumer
from django.channels.message import Message
from django.channels.routing import Router, null_consumer
from django.channels.security.websockets import BaseOriginValidator, allowed_hosts_only
from django.channels.sessions import channel_session, enforce_ordering
from django.channels.test import ChannelTestCase, WSClient, apply_routes
from django.channels.worker import Worker


@allowed_hosts_only
@channel_session_user_from_http
def connect(message: Message, room: str) -> None:
    if message.user.pk is None:
        raise DenyConnection("Log in.")
    message.channel_session["room"] = room
    Group("room-" + room).add(message.reply_channel)
    message.reply_channel.send({"accept": True})


@enforce_ordering
@channel_session_user
def receive(message: Message, room: str) -> None:
    text: str = message["text"]
    if not text:
        raise ConsumeLater(delay=2.5)
    Group("room-%s" % room).send({"text": text}, immediately=True)


@enforce_ordering(slight=False)
@channel_session
def job(message: Message) -> None:
    close_user_sockets(message.content["user"], code=4001)


async def awaited(message: Message) -> None:
    await Channel("jobs").asend({"n": 1})
    await Group("room-1").aadd(message.reply_channel)


class NotFrom(BaseOriginValidator):
    def validate_origin(self, message: Message, origin: str) -> bool:
        return origin != "http://evil.example"


class Chat(JsonWebsocketConsumer):
    http_user = True
    strict_ordering = True
    groups = ["chat"]

    # A consumer may name what its route makes of the path, or take all.
    def connect(self, message: Message, room: str) -> None:
        self.send({"hello": self.message.user.pk, "path": self.path})

    def receive(self, content: Any, **kwargs: Any) -> None:
        self.group_send("chat", content, close=True)


class Plain(WebsocketConsumer):
    def connection_groups(self, room: str) -> list[str]:
        return ["room-" + room]

    def receive(self, text: Optional[str] = None, bytes: Optional[bytes] = None, **kwargs: Any) -> None:
        self.send(text=text, bytes=bytes, close=4000)


class Later(WebsocketConsumer):
    async def receive(self, text: Optional[str] = None, **kwargs: Any) -> None:
        self.close()


class Streams(WebsocketDemultiplexer):
    consumers = {"chat": Chat}


class Mine(ChannelSocketException):
    def run(self, message: Message) -> None:
        message.reply_channel.send({"text": "gone", "close": True})


class Jobs(BaseConsumer):
    method_mapping = {"jobs.mail": "mail", "jobs.log": "log"}
    channel_session = True

    def mail(self, message: Message, **kwargs: Any) -> None:
        message.channel_session["n"] = message.get("n", 0) + 1

    def log(self, message: Message) -> None:
        print(self.kwargs, self.message.content, "x" in message, dict(message.items()))


class Around(WebsocketConsumer):
    method_mapping = dict(WebsocketConsumer.method_mapping, other="other")
    groups = ("a", "b")

    def raw_connect(self, message: Message, **kwargs: Any) -> None:
        super().raw_connect(message, **kwargs)

    def get_handler(self, message: Message, **kwargs: Any) -> Any:
        self.path = message["path"]
        return channel_session(super().get_handler(message, **kwargs))

    def other(self, message: Message) -> None:
        WebsocketMultiplexer("s", message.reply_channel).send({"a": 1})


class Rooms(WebsocketBinding):
    model = "chat.Room"
    stream = "rooms"
    exclude = ("secret",)

    @classmethod
    def group_names(cls, instance: Any) -> set[str]:
        return {"rooms"}

    def has_permission(self, user: Any, action: str, pk: Any) -> bool:
        return self.action == action and self.pk is None

    @classmethod
    def post_save_receiver(cls, instance: Any, created: bool, **kwargs: Any) -> None:
        if created:
            super().post_save_receiver(instance, created, **kwargs)

    def serialize(self, instance: Any, action: str) -> dict[str, Any]:
        return {"pk": self.instance.pk, "model": self.model_label, "kwargs": self.signal_kwargs}

    def create(self, data: dict[str, Any]) -> None:
        super().create(dict(data, user=self.user.pk))


class Users(WebsocketBinding):
    model = "auth.User"
    stream = "users"
    fields = ["username"]

    @classmethod
    def group_names(cls, instance: Any) -> list[str]:
        return ["users"]

    def has_permission(self, user: Any, action: str, pk: Any) -> bool:
        return bool(user.is_staff)


routing = [
    route("websocket.connect", connect, path=r"^/(?P<room>\w+)/$"),
    route(["jobs", "more-jobs"], "project.consumers.job"),
    route_class(Plain, path="^/plain/"),
    Chat.as_route(path="^/chat/", attrs={"groups": ["other"]}),
    include("project.more.routing", path="^/more"),
]


logged = route("x", "project.consumers.job")
logged.consumer = null_consumer
logged.channels.append("y")
inside = include([logged], path="^/")
inside.routing = [logged]
router = Router([logged, inside])
router.check_default(http_consumer=ViewConsumer())
channel_layers.backends.clear()
layer = channel_layers["default"]
layer.router = router
worker = Worker(layer, callback=lambda channel, message: None, only_channels=["a*"])
worker.callback = None
worker.message_retries = 3
request = AsgiRequest(Message({"path": "/"}, "websocket.connect", layer))
print(request.GET, request.message.content, request.reply_channel.name)


@apply_routes(routing)
class ChatTests(ChannelTestCase):
    def test_it(self) -> None:
        client = WSClient(ordered=True)
        client.send_and_consume("websocket.connect", path="/chat/")
        client.session["a"] = 1
        message = self.get_next_message("jobs", require=True)
        print(message["n"], client.receive(), channel_layers["default"].router.channels)
