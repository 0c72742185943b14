from .http.handler import ChannelHandler as ChannelHandler, ViewConsumer as ViewConsumer
from .http.request import ChannelRequest as ChannelRequest

__all__ = ["AsgiHandler", "AsgiRequest", "ChannelHandler", "ChannelRequest", "ViewConsumer", "view_consumer"]

AsgiHandler = ChannelHandler
AsgiRequest = ChannelRequest
view_consumer: ViewConsumer
