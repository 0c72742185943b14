"""
Gathered pieces of a response from an async iterator.

As `http.gathering`, with a task in the place of the thread: what comes while
a piece is being sent goes out in the message after it, and what comes slowly
goes out by itself.
"""
import asyncio
import collections
import time


class AsyncGatherer:
    """
    Sends the pieces of one response to `client`; use it as a context manager.

    A message has `most` bytes at most, and who comes `quick` seconds or later
    after the last piece comes slowly.
    """

    def __init__(self, client, most, quick, clock=time.monotonic):
        self._client = client
        self._most = most
        self._quick = quick
        self._clock = clock
        self._gathers = client.channel_layer.spans_processes
        self._sent_at = None
        self._task = None
        self._contents, self._size, self._is_last = collections.deque(), 0, False
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def send(self, content, head):
        """
        Send a piece now or soon; the first has a `head`, a dict, which is empty otherwise.

        Raise what sending an earlier one raised, such as the layer's
        ChannelFull.
        """
        if self._task is None:
            if not self._gathers or self._sent_at is None or self._clock() - self._sent_at >= self._quick:
                await self._client.send(dict(head, content=content, more_content=True))
                self._sent_at = self._clock()
                return
            self._task = asyncio.ensure_future(self._run())
        self._contents.append(content)
        self._size += len(content)
        self._changed.set()
        while self._size >= self._most and not self._task.done():
            self._taken.clear()
            await self._taken.wait()
        if self._task.done():
            self._task.result()

    async def finish(self):
        """Return once all pieces were sent; raise as send() does."""
        if self._task is not None:
            self._is_last = True
            self._changed.set()
            await self._task

    async def _run(self):
        try:
            while True:
                while not self._contents:
                    if self._is_last:
                        return
                    self._changed.clear()
                    await self._changed.wait()
                await self._client.send({'content': self._take(), 'more_content': True})
        finally:
            self._taken.set()

    def _take(self):
        contents, size = [], 0
        while self._contents and (not contents or size + len(self._contents[0]) <= self._most):
            contents.append(self._contents.popleft())
            size += len(contents[-1])
        self._size -= size
        self._taken.set()
        return contents[0] if len(contents) == 1 else b''.join(contents)
