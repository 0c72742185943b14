from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .http.handler import ChannelHandler as ChannelHandler, ViewConsumer as ViewConsumer

class StaticFilesHandler(ChannelHandler):
    handles_files: bool
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def get_base_url(self) -> str: ...
    def file_path(self, url: str) -> str: ...
    def serve(self, request: HttpRequest) -> HttpResponseBase: ...

class StaticFilesConsumer(ViewConsumer):
    handler_class: ClassVar[type[StaticFilesHandler]]
