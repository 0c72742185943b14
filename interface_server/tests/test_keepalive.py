"""Tests of the timers that sockets share."""

from __future__ import annotations

import asyncio

from interface_server.protocols.ws.keepalive import AT_ONCE, PARTS, Keepalive


class Loop:
    """Has the time that it is told, and calls what is due."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when, function, *args) -> None:
        self.timers.append((when, function, args))

    def call_soon(self, function, *args) -> None:
        self.call_at(self.now, function, *args)

    def run_until(self, now: float) -> None:
        self.now = now
        for timer in sorted(self.timers, key=lambda timer: timer[0]):
            if timer[0] <= now:
                self.timers.remove(timer)
                timer[1](*timer[2])


class Socket:

    def __init__(self, calls: list, then=None) -> None:
        self.due = None
        self._calls, self._then = calls, then

    def is_due(self) -> None:
        self._calls.append(self)
        if self._then is not None:
            self._then()


def start(monkeypatch) -> tuple[Loop, Keepalive]:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop, Keepalive()


def test_sockets_of_one_part_of_the_interval_share_a_timer(monkeypatch):
    loop, keepalive = start(monkeypatch)
    calls: list = []
    sockets = [Socket(calls) for _ in range(100)]
    for number, socket in enumerate(sockets):
        loop.now = 1000 + number * 20 / 100
        keepalive.add(socket, 20)
    assert len(loop.timers) <= PARTS + 1
    called_at = {}
    for step in range(1000):
        loop.run_until(1015 + step * 0.05)
        for socket in calls:
            called_at.setdefault(socket, loop.now)
    for number, socket in enumerate(sockets):
        due = 1020 + number * 20 / 100
        assert due <= called_at[socket] <= due + 20 / PARTS + 0.05
    assert not loop.timers


def test_who_has_left_is_not_called(monkeypatch):
    loop, keepalive = start(monkeypatch)
    calls: list = []
    first, second = Socket(calls), Socket(calls)
    for socket in (first, second):
        keepalive.add(socket, 20)
    keepalive.discard(first)
    keepalive.discard(first)
    loop.run_until(1100)
    assert calls == [second]
    assert first.due is second.due is None


def test_one_that_has_another_forgotten_while_both_are_due(monkeypatch):
    loop, keepalive = start(monkeypatch)
    calls: list = []
    pair: list = []

    def end_both() -> None:
        for socket in pair:
            keepalive.discard(socket)
    pair += [Socket(calls, end_both), Socket(calls, end_both)]
    for socket in pair:
        keepalive.add(socket, 20)
    loop.run_until(1100)
    assert len(calls) == 1


def test_one_may_be_added_again_when_it_is_due(monkeypatch):
    loop, keepalive = start(monkeypatch)
    calls: list = []
    socket = Socket(calls, lambda: keepalive.add(socket, 5))
    keepalive.add(socket, 20)
    loop.run_until(1022)
    loop.run_until(1028)
    assert calls == [socket] * 2


def test_many_that_are_due_together_let_others_have_their_turn(monkeypatch):
    loop, keepalive = start(monkeypatch)
    calls: list = []
    sockets = [Socket(calls) for _ in range(2 * AT_ONCE + 1)]
    for socket in sockets:
        keepalive.add(socket, 20)
    loop.run_until(1100)
    assert len(calls) == AT_ONCE
    keepalive.discard(next(socket for socket in sockets if socket.due))
    loop.run_until(1100)
    loop.run_until(1100)
    assert len(calls) == 2 * AT_ONCE and len(set(calls)) == len(calls) and not loop.timers


def test_no_interval_means_never(monkeypatch):
    loop, keepalive = start(monkeypatch)
    socket = Socket([])
    keepalive.add(socket, 0)
    assert socket.due is None and not loop.timers
