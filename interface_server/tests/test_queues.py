"""
What waits for room in a full channel.
"""
import asyncio
import concurrent.futures
import socket
import weakref

import pytest
from conftest import PATIENCE, eventually
from consumers import Held, say_path
from django.channels.exceptions import ChannelFull, LayerUnavailable
from django.channels.test.linting import exempt

from interface_server.layers import batches, queues
from interface_server.layers.batches import BatchSize
from interface_server.layers.queues import MOST_AT_ONCE, SendQueues
from interface_server.layers.waiting import ON_ITS_WAY


class Layer:
    """Takes messages as long as there is room, and answers at once or in the loop's next turn."""

    def __init__(self, room=0, at_once=True):
        self.room = room
        self.at_once = at_once
        self.sent = []
        self.tried = []
        self._tried = None
        self.error = None

    def send_then(self, channel, message, done):
        self.tried.append(message["path"])
        if self._tried is not None:
            self._tried.set()
        error = self.error
        if error is None and self.room < 1:
            error = ChannelFull("full")
        if error is None:
            self.room -= 1
            self.sent.append(message["path"])
        if self.at_once:
            done(error)
        else:
            asyncio.get_running_loop().call_soon(done, error)

    async def was_tried(self, times):
        """Return once it was asked so many times."""
        self._tried = asyncio.Event()
        while len(self.tried) < times:
            self._tried.clear()
            await self._tried.wait()


@pytest.fixture(params=[True, False], ids=["at once", "later"])
def outlet(request):
    return Layer(at_once=request.param)


class Senders:
    """Those who send, and what they were told."""

    def __init__(self, layer, most_bytes=0):
        self.queues = SendQueues(layer, most_bytes)
        self.outcomes = {}
        self.waiting = {}
        self._changed = asyncio.Event()

    def send(self, name, timeout=PATIENCE, most=0, **options):
        def done(error):
            self.outcomes[name] = error
            self._changed.set()

        def queued(waiting):
            self.waiting[name] = waiting
            self._changed.set()

        self.queues.send_then("c", {"path": name}, done, timeout, most, queued, **options)

    async def queued(self, *names):
        """Return once they wait."""
        await self._until(names, self.waiting)

    async def told(self, *names):
        """Return what they were told, once they were."""
        await self._until(names, self.outcomes)
        return [self.outcomes[name] for name in names]

    async def _until(self, names, found):
        while not set(names) <= set(found):
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), PATIENCE)


class Upload(dict):
    """A message that can be referred to weakly."""


def test_nothing_is_kept_of_what_was_cancelled_behind_what_waits(outlet):
    async def run():
        senders = Senders(outlet)
        senders.send("a")
        await senders.queued("a")
        message, waiting = Upload(path="b"), []
        reference = weakref.ref(message)
        senders.queues.send_then("c", message, print, PATIENCE, queued=waiting.append)
        del message
        assert waiting.pop().cancel()
        assert reference() is None
        outlet.room = 2
        assert await senders.told("a") == [None]
        assert outlet.sent == ["a"]

    asyncio.run(run())


def test_what_was_cancelled_on_its_way_is_not_tried_again():
    async def run():
        outlet = Layer(at_once=False)
        senders = Senders(outlet)
        senders.send("a")
        senders.send("b")
        await senders.queued("a", "b")
        await outlet.was_tried(4)
        # It is at the layer, which has no room.
        assert senders.waiting["a"].state is ON_ITS_WAY and not senders.waiting["a"].cancel()
        [told] = await senders.told("a")
        assert isinstance(told, ChannelFull)
        outlet.room = 2
        assert await senders.told("b") == [None]
        assert outlet.sent == ["b"] and not senders.queues.size

    asyncio.run(run())


def test_what_waits_goes_first_come_first_served(outlet):
    async def run():
        senders = Senders(outlet)
        for name in "abcde":
            senders.send(name)
        await senders.queued(*"abcde")
        outlet.room = 2
        await senders.told("a", "b")
        outlet.room = 1
        # One that finds room, were it to ask now.
        senders.send("f")
        await senders.told("c")
        outlet.room = 100
        assert await senders.told(*"abcdef") == [None] * 6
        assert outlet.sent == list("abcdef")
        assert not senders.queues.length("c") and not senders.queues.size
        senders.send("g")
        assert await senders.told("g") == [None]

    asyncio.run(run())


def test_a_full_channel_is_asked_for_the_head_alone(outlet):
    async def run():
        senders = Senders(outlet)
        for number in range(500):
            senders.send(str(number))
        await senders.queued("499")
        del outlet.tried[:]
        await asyncio.wait_for(outlet.was_tried(6), PATIENCE)
        assert outlet.tried == ["0"] * 6
        outlet.room = 1000
        await senders.told("499")
        assert outlet.sent == [str(number) for number in range(500)]

    asyncio.run(run())


def test_what_readers_have_finished_is_tried_at_once_and_no_more(outlet):
    async def run():
        senders = Senders(outlet)
        for number in range(20):
            senders.send(str(number))
        await senders.queued("19")
        await asyncio.wait_for(outlet.was_tried(21), PATIENCE)
        # A reader takes what is next once it has answered.
        for number in range(0, 20, 2):
            tried, outlet.room = len(outlet.tried), 2
            senders.queues.progress("c")
            senders.queues.progress("c")
            await senders.told(str(number), str(number + 1))
            assert outlet.tried[tried:] == [str(number), str(number + 1)]
        assert not senders.queues.length("c")

    asyncio.run(run())


def test_what_readers_have_finished_meanwhile_is_tried_next(outlet):
    async def run():
        senders = Senders(outlet)
        for name in "abc":
            senders.send(name)
        await senders.queued(*"abc")
        outlet.room = 3
        for _ in range(3):
            senders.queues.progress("c")
            await asyncio.sleep(0)
        assert await senders.told(*"abc") == [None] * 3
        senders.queues.progress("c")

    asyncio.run(run())


def test_all_that_readers_have_finished_in_a_turn_is_made_up_for(outlet, monkeypatch):
    # The channel isn't asked by itself any more within the test.
    monkeypatch.setattr(queues, "LAST_PAUSE", 100 * PATIENCE)

    async def run():
        senders = Senders(outlet)
        names = [str(number) for number in range(MOST_AT_ONCE + 20)]
        for name in names:
            senders.send(name)
        await senders.queued(*names)
        tried, outlet.room = len(outlet.tried), len(names)
        for _ in names:
            senders.queues.progress("c")
        assert await senders.told(*names) == [None] * len(names)
        assert outlet.tried[tried:] == names

    asyncio.run(run())


def test_those_who_come_last_are_refused(outlet):
    async def run():
        senders = Senders(outlet)
        for name in "abcd":
            senders.send(name, most=2)
        [third, fourth] = await senders.told("c", "d")
        assert isinstance(third, ChannelFull) and isinstance(fourth, ChannelFull)
        outlet.room = 2
        assert await senders.told("a", "b") == [None, None]

    asyncio.run(run())


class Late:
    """Says nothing until it is told what to say."""

    def __init__(self):
        self.asked = {}

    def send_then(self, channel, message, done):
        self.asked[message["path"]] = done

    def answer(self, names, error=None):
        for name in names:
            self.asked.pop(name)(error)


def test_those_who_asked_before_it_was_known_keep_their_places():
    async def run():
        layer = Late()
        senders = Senders(layer)
        for name in "abcd":
            senders.send(name)
        layer.answer("a", ChannelFull("full"))
        # It is known now: these don't ask.
        senders.send("e")
        senders.send("f")
        layer.answer("bcd", ChannelFull("full"))
        order = []
        while len(order) < 6:
            while not layer.asked:
                await asyncio.sleep(0)
            order += layer.asked
            layer.answer(list(layer.asked))
        assert order == list("abcdef")

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_few_are_tried_in_vain_where_readers_take_some_at_a_time():
    async def run():
        layer = Late()
        senders = Senders(layer)
        for number in range(400):
            senders.send(str(number))
        layer.answer(list(layer.asked), ChannelFull("full"))
        tried = []
        while len(senders.outcomes) < 400:
            while not layer.asked:
                await asyncio.sleep(0)
            names = list(layer.asked)
            tried.append(len(names))
            layer.answer(names[:20])
            layer.answer(names[20:], ChannelFull("full"))
        assert list(senders.outcomes) == [str(number) for number in range(400)]
        # The first tries, and the last, have fewer.
        return max(tried[8:])

    assert asyncio.run(asyncio.wait_for(run(), PATIENCE)) == 26


@pytest.mark.parametrize("bounds", [{"most": 3}, {"most_bytes": 3 * 2100}], ids=["number", "bytes"])
def test_those_who_came_last_are_refused_for_those_who_asked_before_it_was_known(bounds):
    async def run():
        layer = Late()
        senders = Senders(layer, bounds.get("most_bytes", 0))
        most = bounds.get("most", 0)
        for name in "abc":
            senders.send(name, most=most)
        layer.answer("a", ChannelFull("full"))
        for name in "def":
            senders.send(name, most=most)
        assert list(senders.outcomes) == ["f"]
        layer.answer("bc", ChannelFull("full"))
        assert list(senders.outcomes) == ["f", "e", "d"]
        assert {type(outcome) for outcome in senders.outcomes.values()} == {ChannelFull}

    asyncio.run(run())


def test_nobody_is_refused_for_one_that_has_no_room_without_them_either():
    async def run():
        layer = Late()
        senders = Senders(layer, 10000)
        late, elsewhere = "late" * 1100, "elsewhere" * 400
        senders.send("first")
        senders.send(late)
        layer.answer(["first"], ChannelFull("full"))
        # These came after the late one, and leave no room for it.
        for name in "ab":
            senders.send(name)
        # As Shares counts what waits there, which stays whoever is refused here.
        senders.queues.size += len(elsewhere)
        layer.answer([late], ChannelFull("full"))
        assert list(senders.outcomes) == [late]
        assert isinstance(senders.outcomes[late], ChannelFull)
        senders.queues.size -= len(elsewhere)
        order = []
        while len(order) < 3:
            while not layer.asked:
                await asyncio.sleep(0)
            order += layer.asked
            layer.answer(list(layer.asked))
        assert order == ["first", "a", "b"] and not senders.queues.size

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_no_more_are_refused_than_the_one_before_them_needs():
    async def run():
        layer = Late()
        senders = Senders(layer, 10000)
        late = "late" * 400
        senders.send("first")
        senders.send(late)
        layer.answer(["first"], ChannelFull("full"))
        for name in "abc":
            senders.send(name)
        senders.waiting["c"].cancel()
        senders.send("d")
        layer.answer([late], ChannelFull("full"))
        assert list(senders.outcomes) == ["d"]
        assert set(senders.waiting) == {"first", late, "a", "b", "c", "d"}

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_bytes_have_a_bound_of_their_own(outlet):
    async def run():
        senders = Senders(outlet, most_bytes=10000)
        senders.send("a" * 6000)
        senders.send("b" * 6000)
        senders.send("c")
        [error] = await senders.told("b" * 6000)
        assert isinstance(error, ChannelFull)
        outlet.room = 2
        await senders.told("a" * 6000, "c")
        senders.send("d" * 9000)
        outlet.room = 1
        await senders.told("d" * 9000)

    asyncio.run(run())


def test_one_that_waited_too_long_or_is_not_wanted_any_more_is_given_up(outlet):
    async def run():
        senders = Senders(outlet)
        wanted = [True]
        senders.send("late", timeout=0.01)
        senders.send("unwanted", is_wanted=lambda: wanted[0])
        senders.send("patient")
        [late] = await senders.told("late")
        assert isinstance(late, ChannelFull) and "in time" in str(late)
        wanted[0] = False
        [unwanted] = await senders.told("unwanted")
        assert isinstance(unwanted, ChannelFull)
        outlet.room = 5
        await senders.told("patient")
        assert outlet.sent == ["patient"]

    asyncio.run(run())


def test_one_that_leaves_makes_room_for_another(outlet):
    async def run():
        senders = Senders(outlet)
        for name in "abc":
            senders.send(name, most=3)
        await senders.queued(*"abc")
        assert senders.waiting["b"].cancel() and not senders.waiting["b"].cancel()
        senders.send("d", most=3)
        outlet.room = 5
        await senders.told("a", "c", "d")
        assert outlet.sent == ["a", "c", "d"]
        assert "b" not in senders.outcomes

    asyncio.run(run())


def test_each_is_told_that_the_layer_is_away(outlet):
    async def run():
        senders = Senders(outlet)
        for name in "abc":
            senders.send(name)
        await senders.queued(*"abc")
        outlet.error = LayerUnavailable("away")
        assert await senders.told("a", "b", "c") == [outlet.error] * 3
        assert not senders.queues.size

    asyncio.run(run())


# With a server around it


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_a_burst_is_answered_in_the_order_it_came(start, layer):
    layer.capacity = 4
    held = Held()
    server = start({"http.request": held}, threads=1)
    queues = server.application.context.queues
    with concurrent.futures.ThreadPoolExecutor(40) as clients:
        # The first is with the worker, four are in the channel.
        replies = []
        for number in range(40):
            replies.append(clients.submit(server.get, "/%d" % number))
            if number > 4:
                eventually(lambda: queues.length("http.request") == number - 4, "the next one's waiting")
        held.go_on.set()
        assert [reply.result(PATIENCE)[0] for reply in replies] == [200] * 40
    # Those that waited; the first ones' threads ran as they liked.
    assert held.order[6:] == ["/%d" % number for number in range(6, 40)]


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_those_beyond_the_queue_are_told_when_to_come_again(start, layer):
    server = start({}, threads=0, queue_size=1, queue_timeout=PATIENCE)
    queues = server.application.context.queues
    for _ in range(layer.capacity):
        layer.send("http.request", {})
    with concurrent.futures.ThreadPoolExecutor(1) as client:
        first = client.submit(server.get, "/first")
        eventually(lambda: queues.length("http.request") == 1, "the waiting")
        status, headers, body = server.get("/second")
        assert (status, int(headers["retry-after"]) >= 1) == (503, True)
        assert b"waiting for a worker" in body
        layer.flush()
        eventually(lambda: not queues.length("http.request"), "the room")
        _, message = layer.receive(["http.request"])
        assert message["path"] == "/first"
        say_path(layer, message)
        assert first.result(PATIENCE)[0] == 200


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_a_client_that_does_not_wait_leaves_the_queue(start, layer):
    server = start({}, threads=0, queue_timeout=PATIENCE, close_timeout=0.1)
    queues = server.application.context.queues
    for _ in range(layer.capacity):
        layer.send("http.request", {})
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"GET /gone HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: queues.length("http.request") == 1, "the waiting")
    eventually(lambda: not queues.length("http.request"), "the leaving")
    layer.flush()


def test_readers_take_few_messages_at_once_where_those_are_large():
    batch = BatchSize()
    # Fewer than were asked for tell nothing.
    batch.learn([(["a"], {"text": "x"})] * 3)
    assert batch.number == batches.FIRST
    for _ in range(10):
        batch.learn([(["a"], {"text": "x"})] * batch.number)
    assert batch.number == batches.MOST
    batch.learn([(["http.response.x!1"], {"status": 200, "content": b"x" * 100000})] * batch.number)
    assert batch.number == batches.MOST_BYTES // 100000
    batch.learn([(["a"], {"bytes": b"x" * 3 * batches.MOST_BYTES})])
    assert batch.number == 1
    batch.learn([(["a"], {"accept": True})])
    assert batch.number == 2
    # Nor does the end of a stream tell what the pieces behind it are like.
    for _ in range(10):
        batch.learn([(["a"], {"content": b""})] + [(["a"], {"content": b"x" * (batches.MOST_BYTES // 2)})] * 3)
    assert batch.number == 2
