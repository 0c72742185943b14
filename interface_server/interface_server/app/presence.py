"""
The presence of a server in its layer: that it is alive, and whom it serves.

With each sign of life it looks who else is there: which workers read what.
"""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Optional

from django.channels.layers.presence import BEAT_INTERVAL, SERVER, this_process
from django.channels.layers.promises import warn

from .. import __version__
from ..backport import Disconnects, exceptions
from ..layers import AsyncLayer

logger = logging.getLogger(__name__)

#: Seconds that the layer has to hear that the server ends, and to say whose
#: it is before the server begins all the same.
WITHDRAW_TIMEOUT, CLAIM_TIMEOUT = 2.0, 5.0


class Presence:
    """
    Announces this process to `layer`, from start() to stop().

    `facts` returns what the process does just now, a dict that JSON can
    hold. A loop that doesn't get to it serves nobody either. `disconnects`
    learns about the workers. With a `project`, its fingerprints, the first
    announcement claims the layer for that: `on_refused` gets the error if it
    is another one's.
    """

    def __init__(
        self, layer: AsyncLayer, facts: Callable[[], dict[str, Any]], disconnects: Disconnects,
        project: Sequence[str] = (), on_refused: Optional[Callable[[Exception], None]] = None,
    ) -> None:
        self._layer = layer
        self._facts = facts
        # What is still to be claimed for.
        self._project = project
        self._on_refused = on_refused
        self._asked: Optional[asyncio.Future[None]] = None
        self._disconnects = disconnects
        self._process: Any = None
        self._failed = False
        self._task: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        """Begin, if the layer lists processes; call it on the event loop that serves."""
        if self._layer.supports_presence:
            # Not before: the process may have been forked.
            self._process = this_process(SERVER, __version__)
            self._asked = asyncio.get_running_loop().create_future()
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def wait_for_claim(self) -> None:
        """Wait until the layer was asked whose it is, or is away."""
        if self._project and self._asked is not None:
            await asyncio.wait([self._asked], timeout=CLAIM_TIMEOUT)

    async def _run(self) -> None:
        is_new, loop = True, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._announce()
                self._disconnects.update(*await self._layer.new_processes(self._disconnects.known))
                self._failed = False
            except exceptions.AnotherProject as error:
                # It was not listed.
                self._failed = True
                assert self._on_refused is not None
                self._on_refused(error)
                self._tell_that_it_was_asked()
                return
            except exceptions.LayerUnavailable:
                # The next send or receive fails, too, and logs it.
                self._failed = True
            except Exception:
                if not self._failed:
                    logger.exception("The layer can't be told that this process is alive.")
                self._failed = True
            self._tell_that_it_was_asked()
            if is_new:
                is_new = False
                await self._warn_of_servers()
            # One of several servers that hangs doesn't put the next sign off.
            await asyncio.sleep(max(0.0, began + BEAT_INTERVAL - loop.time()))

    def _tell_that_it_was_asked(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

    async def _announce(self) -> None:
        if self._project:
            await self._layer.claim(self._process, self._facts(), self._project)
            self._project = ()
        else:
            await self._layer.announce(self._process, self._facts())

    async def _warn_of_servers(self) -> None:
        try:
            # The messages that must not be lost are workers' business.
            warn(await self._layer.promises(), has_acknowledged=False)
        except exceptions.LayerUnavailable:
            # The first announcement fails, too.
            pass
        except Exception:
            # It is no reason to be taken for dead.
            logger.exception("What the layer's servers promise could not be asked.")

    async def stop(self) -> None:
        """Be listed no more."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task], timeout=WITHDRAW_TIMEOUT)
        if self._failed:
            # It ages out of the list.
            return
        with contextlib.suppress(exceptions.LayerUnavailable, asyncio.TimeoutError):
            await asyncio.wait_for(self._layer.withdraw(self._process), WITHDRAW_TIMEOUT)
