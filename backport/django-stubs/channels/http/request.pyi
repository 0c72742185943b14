from typing import Any

from django.core.handlers.wsgi import WSGIRequest

from .. import exceptions
from ..channel import Channel
from ..message import Message

class ChannelRequest(WSGIRequest):
    ResponseLater: type[exceptions.ResponseLater]
    RequestTimeout: type[exceptions.RequestTimeout]
    RequestAborted: type[exceptions.RequestAborted]
    body_receive_timeout: float
    message: Message
    reply_channel: Channel
    user: Any
    def __init__(self, message: Message) -> None: ...
