"""
Any synchronous channel layer, through threads.

One thread reads; how depends on what the layer can do: take many messages at
once (ours), wait for one (asgi_redis), or neither, in which case it is asked
again and again. Sending to a layer inside this process never waits, and is
done in place; other layers get a small pool of threads.
"""
from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Optional

from ..backport import exceptions
from ..types import Delivery, Message
from . import AsyncLayer, Dispatch, Done, ignore

logger = logging.getLogger(__name__)

#: Messages taken from the layer at once.
BATCH = 100
#: Batches that may wait for the event loop before the thread pauses.
BATCHES_AHEAD = 2
#: Threads that send, for layers whose sending may wait.
SENDERS = 8
#: Seconds until a thread that waits in a layer looks whether it is to stop.
READ_TIMEOUT = 5.0
#: Seconds between two questions to a layer that can't wait, first and last.
FIRST_POLL, LAST_POLL = 0.001, 0.02
#: Seconds between two tries after the layer failed, first and last.
FIRST_RETRY, LAST_RETRY = 0.1, 5.0


class ThreadedLayer(AsyncLayer):
    """Gives a synchronous `layer` to one event loop."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self._pool: Optional[concurrent.futures.ThreadPoolExecutor] = None
        if getattr(layer, "spans_processes", True):
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
        if not hasattr(self.layer, "throttle"):
            return False
        self.layer.throttle(channel)
        return True

    def unthrottle(self, channel: str) -> None:
        if hasattr(self.layer, "unthrottle"):
            self.layer.unthrottle(channel)

    async def read(self, channels: Sequence[str], dispatch: Dispatch) -> None:
        reader = self._reader = _Reader(self.layer, channels, dispatch)
        reader.start()
        try:
            await reader.ended
        finally:
            reader.stop()
            await asyncio.get_running_loop().run_in_executor(None, reader.join, 2 * READ_TIMEOUT)

    async def close(self) -> None:
        if self._pool is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
        close = getattr(self.layer, "close", None)
        # An in-memory layer belongs to the workers beside us, too.
        if close is not None and self._pool is not None:
            close()


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
        self._poll = FIRST_POLL
        #: Whether the last try to read failed.
        self.failed = False
        #: Done when the thread ends by itself, which only an error makes it.
        self.ended: asyncio.Future[None] = self._loop.create_future()
        if hasattr(layer, "receive_deliveries"):
            self._receive = self._receive_deliveries
        else:
            self._receive = self._receive_one

    def stop(self) -> None:
        self._stopping.set()
        interrupt = getattr(self._layer, "interrupt", None)
        if interrupt is not None:
            interrupt()

    def run(self) -> None:
        retry = FIRST_RETRY
        while not self._stopping.is_set():
            try:
                deliveries = self._receive()
            except Exception as error:
                if retry == FIRST_RETRY:
                    logger.error("The channel layer can't be read (%s); trying until it can.", error)
                self.failed = True
                self._stopping.wait(retry)
                retry = min(retry * 2, LAST_RETRY)
                continue
            if retry > FIRST_RETRY:
                logger.info("The channel layer can be read again.")
                retry, self.failed = FIRST_RETRY, False
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

    def _receive_deliveries(self) -> Sequence[Delivery]:
        deliveries: Sequence[Delivery] = self._layer.receive_deliveries(self._channels, BATCH, READ_TIMEOUT)
        return deliveries

    def _receive_one(self) -> Sequence[Delivery]:
        started = time.monotonic()
        channel, message = self._layer.receive(self._channels, block=True)
        if channel is not None:
            self._poll = FIRST_POLL
            return [((channel,), message)]
        if time.monotonic() - started < LAST_POLL:
            # It takes "block" for a permission that it doesn't need.
            self._stopping.wait(self._poll)
            self._poll = min(self._poll * 2, LAST_POLL)
        return []
