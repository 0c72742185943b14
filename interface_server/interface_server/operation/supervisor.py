"""
Several processes on the same sockets, the dead ones replaced.
"""
from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import struct
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Optional

from ..backport import standard_streams
from . import systemd

logger = logging.getLogger(__name__)

#: A process that lives shorter (seconds) is replaced after a pause.
SHORT_LIFE = 5.0
#: The pause, and how many short lives in a row end the whole.
PAUSE, MOST_SHORT_LIVES = 1.0, 10
#: The exit status of a process that was started wrongly.
USAGE_STATUS = 2
_INDEX = struct.Struct("i")

#: Seconds between two looks at the terminal, and two signs of life for systemd.
TICK = 1.0
#: Seconds for which a process may write what it is doing, by itself.
TIME_TO_WRITE = 1.0

# What becomes of the others when a process has ended by itself.
REPLACE, END_ALL, GIVE_UP = "REPLACE", "END_ALL", "GIVE_UP"


def decide(status: int, is_replacement: bool, short_lives: int, others_are_well: bool) -> str:
    """
    Return what to do after a process ended with `status`.

    `short_lives` is how many in a row were short, and `others_are_well` tells
    whether a process lives that has done so for long. The well are never ended
    for the sick:

    ========================  ======================  =========================
    a process ended           while others            so
    ========================  ======================  =========================
    with USAGE_STATUS, first  none is well            END_ALL: all were started
                                                      alike, and find the same
    after many short lives    none is well            GIVE_UP
    in any other way          whatever                REPLACE, after a pause
    ========================  ======================  =========================
    """
    if status == USAGE_STATUS and not is_replacement and not others_are_well:
        return END_ALL
    if short_lives >= MOST_SHORT_LIVES and not others_are_well:
        return GIVE_UP
    return REPLACE


class Supervisor:
    """
    Keeps `count` processes running `serve(index, serves)`, which returns a status.

    Each calls `serves()` once it does, and `ready` is called here when all have:
    a service manager ends the server before this one upon that.

    SIGTERM and SIGINT are passed on, and end the supervisor once all
    processes have ended; SIGHUP is passed on, or is SIGTERM, once, if the
    terminal was closed. Processes that have not ended
    `patience` seconds later are ended by SIGABRT, one after the other, for
    which they write what each of their threads is doing.
    """

    def __init__(
        self, count: int, serve: Callable[[int, Callable[[], None]], int], ready: Optional[Callable[[], None]] = None,
        patience: float = 30.0,
    ) -> None:
        self._count = count
        self._serve = serve
        self._ready = ready
        self._patience = patience
        self._timer: Optional[threading.Timer] = None
        self._terminal = standard_streams.Terminal()
        #: Process id -> (index, start).
        self._children: dict[int, tuple[int, float]] = {}
        self._ended_by: Optional[int] = None
        self._short_lives = 0
        #: Processes that took the place of another.
        self._replacements: set[int] = set()
        # Nothing is written to it; it ends when this process does.
        self._lifeline = os.pipe()
        # Who serves writes its index to it.
        self._serving = os.pipe()
        os.set_blocking(self._serving[0], False)
        self._unready = set(range(count))

    def run(self) -> int:
        """Run until a signal comes; return the exit status."""
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before: dict[signal.Signals, Any] = {number: signal.signal(number, self._on_signal) for number in signals}
        before[signal.SIGUSR2] = signal.signal(signal.SIGUSR2, self._on_serving)
        # systemd watches this process, the main one, which waits for others.
        interval = min(TICK, (systemd.watchdog_interval() or 2 * TICK) / 2)
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._on_alarm)
        signal.setitimer(signal.ITIMER_REAL, interval, interval)
        try:
            for index in range(self._count):
                self._start(index, before)
            return self._watch(before)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if self._timer is not None:
                self._timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_alarm(self, number: int, frame: Optional[FrameType]) -> None:
        systemd.notify("WATCHDOG=1")
        self._terminal.has_just_closed()

    def _on_serving(self, number: int, frame: Optional[FrameType]) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._unready.discard(_INDEX.unpack(os.read(self._serving[0], _INDEX.size))[0])
        if not self._unready and self._ready is not None:
            ready, self._ready = self._ready, None
            # What this interrupts may be in the middle of a line of the log.
            threading.Thread(target=ready, daemon=True).start()

    def _say_serving(self, index: int, supervisor: int) -> None:
        """Have the process `supervisor` know that this one serves."""
        os.write(self._serving[1], _INDEX.pack(index))
        if os.getppid() == supervisor:
            os.kill(supervisor, signal.SIGUSR2)

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        if number == signal.SIGHUP and self._terminal.has_just_closed():
            if self._ended_by is not None:
                # A shell passes it on, and the system sends another.
                return
            number = signal.SIGTERM
        if number != signal.SIGHUP:
            self._ended_by = number
            systemd.notify("STOPPING=1")
            if self._timer is None:
                self._timer = threading.Timer(self._patience, self._abort)
                self._timer.daemon = True
                self._timer.start()
        for process in list(self._children):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                # It is being waited for.
                continue

    def _abort(self) -> None:
        for process in list(self._children):
            logger.error(
                "The process %d has not ended %g s after the signal, and is ended by SIGABRT.", process,
                self._patience,
            )
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGABRT)
            # What two of them write at once is mixed, letter by letter.
            end = time.monotonic() + TIME_TO_WRITE
            while process in self._children and time.monotonic() < end:
                time.sleep(0.01)

    def _start(self, index: int, handlers: Mapping[signal.Signals, Any]) -> int:
        standard_streams.flush()
        # A signal to a process that still has our handlers would be lost.
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
        supervisor = os.getpid()
        process = os.fork()
        if process:
            self._children[process] = (index, time.monotonic())
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
            if self._ended_by is not None:
                # The signal came before there was a process to pass it to.
                os.kill(process, self._ended_by)
            return process
        status = 1
        try:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            # Python's own would raise wherever it is, also where nothing can
            # be raised.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            faulthandler.enable()
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
            self._children = {}
            os.close(self._lifeline[1])
            threading.Thread(target=self._watch_lifeline, daemon=True).start()
            status = self._serve(index, lambda: self._say_serving(index, supervisor))
        except KeyboardInterrupt:
            status = 130
        except BaseException:
            traceback.print_exc()
        finally:
            standard_streams.flush()
            os._exit(status)

    def _watch_lifeline(self) -> None:
        """End this process, a child, when the supervisor is gone."""
        os.read(self._lifeline[0], 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _watch(self, handlers: Mapping[signal.Signals, Any]) -> int:
        worst = 0
        while self._children:
            # The interpreter runs signal handlers and waits on (PEP 475).
            process, code = os.wait()
            if process not in self._children:
                continue
            index, started = self._children.pop(process)
            status = os.waitstatus_to_exitcode(code)
            if self._ended_by is not None:
                # One that the signal found unprepared did as it was told.
                worst = max(worst, abs(status) if status != -self._ended_by else 0)
                continue
            now = time.monotonic()
            self._count_life(now - started)
            decision = decide(
                status, process in self._replacements, self._short_lives,
                any(now - started >= SHORT_LIFE for _, started in self._children.values()),
            )
            self._replacements.discard(process)
            if decision == REPLACE:
                self._log_exit(process, status)
                if now - started < SHORT_LIFE:
                    time.sleep(PAUSE)
                self._replacements.add(self._start(index, handlers))
                continue
            if decision == GIVE_UP:
                logger.critical("The processes keep dying; giving up.")
            self._on_signal(signal.SIGTERM, None)
            worst = USAGE_STATUS if decision == END_ALL else 1
        return worst

    def _count_life(self, seconds: float) -> None:
        self._short_lives = 0 if seconds >= SHORT_LIFE else self._short_lives + 1

    def _log_exit(self, process: int, status: int) -> None:
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        logger.error("The process %d ended %s; another takes its place.", process, how)
