"""
Any synchronous channel layer, through threads.

One thread reads. Sending to a layer inside this process never waits, and is
done in place; other layers get a small pool of threads. What a layer can do
its flags say; see `django.channels.layers.base`.
"""
from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Optional

from ..backport import Backoff, exceptions
from ..types import Delivery, Message
from . import RETRY, AsyncLayer, Dispatch, Done, ignore
from .batches import BatchSize

logger = logging.getLogger(__name__)

#: Batches that may wait for the event loop before the thread pauses.
BATCHES_AHEAD = 2
#: Threads that send, for layers whose sending may wait.
SENDERS = 8
#: Seconds until a thread that waits in a layer looks whether it is to stop.
READ_TIMEOUT = 5.0


class ThreadedLayer(AsyncLayer):
    """Gives a synchronous `layer`, a BaseChannelLayer, to one event loop."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self._pool: Optional[concurrent.futures.ThreadPoolExecutor] = None
        if layer.spans_processes:
            self._pool = concurrent.futures.ThreadPoolExecutor(SENDERS, "interface-server-send")
        self._reader: Optional[_Reader] = None
        self._translated = (layer.ChannelFull, layer.MessageTooLarge)

    @property
    def is_reachable(self) -> bool:
        return self._reader is None or not self._reader.failed

    def send_then(self, channel: str, message: Message, done: Done) -> None:
        if self._pool is None:
            done(self._try_to_send(channel, message))
        else:
            loop = asyncio.get_running_loop()
            self._pool.submit(self._send_in_thread, loop, channel, message, done)

    def measure_then(self, channel: str, tell: Callable[[int], None]) -> None:
        # A layer that may have the loop wait for the answer is not asked this often.
        is_known = self._pool is None and "statistics" in self.layer.extensions
        tell(self.layer.channel_statistics(channel)["messages_pending"] if is_known else 0)

    async def send(self, channel: str, message: Message) -> None:
        if self._pool is None:
            self._send(channel, message)
        else:
            await super().send(channel, message)

    def _send_in_thread(
        self, loop: asyncio.AbstractEventLoop, channel: str, message: Message, done: Done
    ) -> None:
        error = self._try_to_send(channel, message)
        if done is not ignore:
            with contextlib.suppress(RuntimeError):
                # Without a loop nobody is left to be told.
                loop.call_soon_threadsafe(done, error)

    def _try_to_send(self, channel: str, message: Message) -> Optional[Exception]:
        try:
            self._send(channel, message)
        except exceptions.ChannelsError as error:
            return error  # type: ignore[no-any-return]
        return None

    def _send(self, channel: str, message: Message) -> None:
        try:
            self.layer.send(channel, message)
        except exceptions.ChannelsError:
            raise
        except self._translated as error:
            # The classes of a layer that isn't ours.
            if isinstance(error, self.layer.ChannelFull):
                raise exceptions.ChannelFull(str(error)) from error
            raise exceptions.MessageTooLarge(str(error)) from error
        except Exception as error:
            logger.exception("Sending to %s failed.", channel)
            raise exceptions.LayerUnavailable(f"Sending to {channel} failed: {error}") from error

    def throttle(self, channel: str) -> bool:
        if not self.layer.supports_throttling:
            return False
        self.layer.throttle(channel)
        return True

    def unthrottle(self, channel: str) -> None:
        self.layer.unthrottle(channel)

    @property
    def supports_presence(self) -> bool:
        return bool(self.layer.supports_presence)

    async def announce(self, process: Any, facts: dict[str, Any]) -> list[int]:
        return await self._call(self.layer.announce, process, facts)  # type: ignore[no-any-return]

    async def claim(self, process: Any, facts: dict[str, Any], project: Sequence[str]) -> list[int]:
        return await self._call(self.layer.claim, process, facts, project)  # type: ignore[no-any-return]

    async def withdraw(self, process: Any) -> None:
        await self._call(self.layer.withdraw, process)

    async def new_processes(self, known: set[str]) -> tuple[list[str], list[dict[str, Any]]]:
        return await self._call(self.layer.new_processes, known)  # type: ignore[no-any-return]

    async def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        if self._pool is None:
            return method(*args)
        # Not in the pool of those that send, who may all be waiting.
        return await asyncio.get_running_loop().run_in_executor(None, method, *args)

    async def read(self, channels: Sequence[str], dispatch: Dispatch) -> None:
        reader = self._reader = _Reader(self.layer, channels, dispatch)
        reader.start()
        try:
            await reader.ended
        finally:
            reader.stop()
            await asyncio.get_running_loop().run_in_executor(None, reader.join, 2 * READ_TIMEOUT)

    async def close(self) -> None:
        # An in-memory layer belongs to the workers beside us, too.
        if self._pool is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
            self.layer.close()


class _Reader(threading.Thread):
    """Takes messages from a layer and hands them to the event loop."""

    def __init__(self, layer: Any, channels: Sequence[str], dispatch: Dispatch) -> None:
        super().__init__(name="interface-server-read", daemon=True)
        self._layer = layer
        self._channels = list(channels)
        self._dispatch = dispatch
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._ahead = threading.Semaphore(BATCHES_AHEAD)
        #: Whether the last try to read failed.
        self.failed = False
        #: Done when the thread ends by itself, which only an error makes it.
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def stop(self) -> None:
        self._stopping.set()
        self._layer.interrupt()

    def run(self) -> None:
        retry, batch = Backoff(*RETRY), BatchSize()
        while not self._stopping.is_set():
            try:
                deliveries: Sequence[Delivery] = self._layer.receive_deliveries(
                    self._channels, batch.number, READ_TIMEOUT)
            except Exception as error:
                if not self.failed:
                    reason = str(error) or type(error).__name__
                    logger.error("The channel layer can't be read (%s); trying until it can.", reason)
                self.failed = True
                self._stopping.wait(retry.next_pause())
                continue
            if self.failed:
                logger.info("The channel layer can be read again.")
                retry.reset()
                self.failed = False
            batch.learn(deliveries)
            if deliveries and not self._hand_over(deliveries):
                return

    def _hand_over(self, deliveries: Sequence[Delivery]) -> bool:
        self._ahead.acquire()
        try:
            self._loop.call_soon_threadsafe(self._deliver, deliveries)
        except RuntimeError:
            # The loop is closed; so is every client.
            return False
        return True

    def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        self._ahead.release()
        self._dispatch(deliveries)
