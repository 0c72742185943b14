from collections.abc import Iterable
from typing import ClassVar

from django.test.testcases import TransactionTestCase

class ChannelLiveServerTestCase(TransactionTestCase):
    host: ClassVar[str]
    serve_static: ClassVar[bool]
    worker_threads: ClassVar[int]
    in_threads: ClassVar[bool | None]
    test_channel_aliases: ClassVar[Iterable[str]]
    @property
    def live_server_url(self) -> str: ...
    @property
    def live_server_ws_url(self) -> str: ...
