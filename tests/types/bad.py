"""Code of a project with mistakes; each line that has one says so."""
from django.channels import Chanel, Channel, Group, route  # wrong
from django.channels.exceptions import ConsumeLater
from django.channels.generic.websockets import JsonWebsocketConsumer
from django.channels.message import Message
from django.channels.test import WSClient


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


route("websocket.connect", 3)  # wrong
WSClient().send_and_consume("websocket.connect", pth="/")  # wrong
