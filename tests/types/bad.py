"""Code of a project with mistakes; each line that has one says so."""
from typing import Any

from django.channels import Chanel, Channel, Group, include, route  # wrong
from django.channels.binding.websockets import WebsocketBinding
from django.channels.exceptions import ConsumeLater, WebsocketCloseException
from django.channels.generic.websockets import JsonWebsocketConsumer
from django.channels.message import Message
from django.channels.routing import Router
from django.channels.sessions import channel_session, enforce_ordering
from django.channels.test import Client, WSClient
from django.channels.worker import Worker


def consumer(message: Message) -> None:
    Chanel("x").send({})
    Channel("x").sendd({})  # wrong
    Channel("x").send("text")  # wrong
    Channel(3)  # wrong
    Group("g").add(5)  # wrong
    ConsumeLater(dely=3)  # wrong
    message.contents["text"]  # wrong
    message.reply_channel.send({"accept": True}, imediately=True)  # wrong


class Chat(JsonWebsocketConsumer):
    def connect(self, message: Message) -> None:
        self.send({}, close="yes")  # wrong
        self.path + 1  # wrong


class Users(WebsocketBinding):
    model = 5  # wrong
    stream = 5  # wrong

    def has_permission(self, user: Any, action: str) -> bool:  # wrong
        return True


async def later() -> None:
    await Channel("x").asend("text")  # wrong
    Channel("x").asend({}).wait  # wrong


route("websocket.connect", 3)  # wrong
route("websocket.connect")  # wrong
include(5)  # wrong
Router(5)  # wrong
Worker(5)  # wrong
channel_session(5)  # wrong
enforce_ordering(slight="yes")  # wrong
WebsocketCloseException("1000")  # wrong
Message({}, "x")  # wrong
Client().consume(5)  # wrong
WSClient().send_and_consume("websocket.connect", pth="/")  # wrong
