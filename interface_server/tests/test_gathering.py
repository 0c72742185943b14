"""Sends that are made in one turn of the event loop share a call, over a real Redis."""
import asyncio
import uuid

import pytest
from conftest import PATIENCE

redis = pytest.importorskip("redis")


@pytest.fixture(scope="module")
def server():
    """A redis-server that the tests may stop, if they start it again."""
    from redis_server import RedisServer

    redis_server = RedisServer().start()
    yield redis_server
    redis_server.stop()


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as client:
        yield client


def send_in_one_turn(server, messages, before=None, **options):
    """
    Send (channel, message) in one turn; return the outcomes, and the layer.

    `before(sender)`, a coroutine function, is called first, once the layer is connected.
    """
    from django.channels.layers.redis import RedisChannelLayer

    from interface_server.layers.redis import RedisLayer

    layer = RedisChannelLayer(hosts=[server.url], prefix=f"test.{uuid.uuid4().hex}:", **options)

    async def run():
        sender = RedisLayer(layer)
        sender.start()
        await sender.send("first", {})
        if before is not None:
            await before(sender)
        outcomes = [asyncio.get_running_loop().create_future() for _ in messages]
        for outcome, (channel, message) in zip(outcomes, messages):
            sender.send_then(channel, message, outcome.set_result)
        await asyncio.wait(outcomes, timeout=PATIENCE)
        await sender.close()
        return [outcome.result() for outcome in outcomes]

    return asyncio.run(run()), layer


def received(layer, channel="work"):
    return [message["n"] for _, message in layer.receive_batch([channel], 1000)]


def test_messages_of_one_turn_take_one_call_and_keep_their_order(server, client):
    async def reset(sender):
        client.config_resetstat()

    outcomes, layer = send_in_one_turn(server, [("work", {"n": n}) for n in range(50)], reset)
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    assert outcomes == [None] * 50
    assert received(layer) == list(range(50))


def test_what_was_sent_in_a_turn_is_counted_in_it(server):
    from django.channels.layers.redis import RedisChannelLayer

    from interface_server.layers.redis import RedisLayer

    layer = RedisChannelLayer(hosts=[server.url], prefix=f"test.{uuid.uuid4().hex}:")

    async def run():
        sender = RedisLayer(layer)
        sender.start()
        await sender.send("first", {})
        length = asyncio.get_running_loop().create_future()
        for n in range(3):
            sender.send_then("work", {"n": n}, lambda error: None)
        sender.measure_then("work", length.set_result)
        try:
            return await asyncio.wait_for(length, PATIENCE)
        finally:
            await sender.close()

    assert asyncio.run(run()) == 3


def test_each_channel_has_calls_of_its_own(server):
    messages = [(name, {"n": n}) for n in range(6) for name in ("work", "other")]
    outcomes, layer = send_in_one_turn(server, messages)
    assert outcomes == [None] * 12
    assert received(layer) == received(layer, "other") == list(range(6))


def test_those_without_room_hear_so_and_the_others_are_sent(server):
    from django.channels.exceptions import ChannelFull

    outcomes, layer = send_in_one_turn(server, [("work", {"n": n}) for n in range(30)], capacity=10)
    assert outcomes[:10] == [None] * 10
    assert [type(outcome) for outcome in outcomes[10:]] == [ChannelFull] * 20
    assert received(layer) == list(range(10))


def test_one_that_cannot_be_sent_costs_the_others_nothing(server):
    messages = [("work", {"n": n}) for n in range(9)]
    messages[4] = "work", {"n": {4}}
    outcomes, layer = send_in_one_turn(server, messages)
    assert type(outcomes.pop(4)) is TypeError
    assert outcomes == [None] * 8
    assert received(layer) == [0, 1, 2, 3, 5, 6, 7, 8]


def test_a_sender_that_fails_to_hear_costs_the_others_nothing(server, caplog):
    from django.channels.layers.redis import RedisChannelLayer

    from interface_server.layers.redis import RedisLayer

    layer = RedisChannelLayer(hosts=[server.url], prefix=f"test.{uuid.uuid4().hex}:")

    def fail(error):
        raise ValueError(f"Nobody expects {error}.")

    async def run():
        sender = RedisLayer(layer)
        sender.start()
        await sender.send("first", {})
        outcomes = [asyncio.get_running_loop().create_future() for _ in range(2)]
        sender.send_then("refused", {"n": {4}}, fail)
        for outcome in outcomes:
            sender.send_then("work", {"n": 0}, outcome.set_result)
        # Neither with it nor behind it.
        await asyncio.wait(outcomes, timeout=PATIENCE)
        await sender.send("work", {"n": 1})
        await sender.close()
        return [outcome.result() for outcome in outcomes]

    assert asyncio.run(run()) == [None, None]
    assert received(layer) == [0, 0, 1]
    assert ["refused" in record.getMessage() for record in caplog.records] == [True]


def test_forgotten_scripts_are_sent_again(server, client):
    async def forget(sender):
        client.script_flush()

    outcomes, layer = send_in_one_turn(server, [("work", {"n": n}) for n in range(20)], forget)
    assert outcomes == [None] * 20
    assert sorted(received(layer)) == list(range(20))


def test_large_ones_go_by_themselves(server, client):
    async def reset(sender):
        client.config_resetstat()

    text = "x" * 20000
    outcomes, layer = send_in_one_turn(
        server, [("work", {"n": n, "text": text}) for n in range(4)], reset)
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 4
    assert outcomes == [None] * 4
    assert received(layer) == list(range(4))


class FailingSender:
    """A sender whose plans fail once they have their replies; `sender` makes them."""

    def __init__(self, sender, error):
        self._sender = sender
        self._error = error

    def send_many(self, pairs):
        yield next(self._sender.send_many(pairs))
        raise self._error


@pytest.mark.parametrize("is_known", [True, False], ids=["at once", "by a task"])
def test_what_fails_for_all_is_logged_once_with_its_place(server, client, caplog, is_known):
    async def fail(sender):
        sender._gathered._sender = FailingSender(sender._gathered._sender, ValueError("ours"))
        if not is_known:
            # Then the scripts have to be sent.
            client.script_flush()

    outcomes, layer = send_in_one_turn(server, [("work", {"n": n}) for n in range(5)], fail)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 5
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.levelname == "ERROR" and "5 messages to work" in record.getMessage()
    assert record.exc_info[1] is outcomes[0] and record.exc_info[2] is not None


def test_a_server_that_went_away_is_not_logged_with_a_traceback(server, caplog):
    from django.channels.exceptions import LayerUnavailable

    async def fail(sender):
        sender._gathered._sender = FailingSender(sender._gathered._sender, LayerUnavailable("away"))

    outcomes, layer = send_in_one_turn(server, [("work", {"n": n}) for n in range(5)], fail)
    assert [type(outcome) for outcome in outcomes] == [LayerUnavailable] * 5
    assert not [record for record in caplog.records if record.exc_info]


def test_all_hear_of_a_server_that_went_away(server):
    from django.channels.exceptions import LayerUnavailable

    async def kill(sender):
        server.kill()

    try:
        outcomes, layer = send_in_one_turn(server, [("work", {"n": n}) for n in range(5)], kill)
        assert [isinstance(outcome, LayerUnavailable) for outcome in outcomes] == [True] * 5
    finally:
        server.start()


def test_several_shards_and_encryption(server):
    from django.channels.layers.redis import RedisChannelLayer
    from redis_server import RedisServer

    from interface_server.layers.redis import RedisLayer

    other = RedisServer().start()
    layer = RedisChannelLayer(
        hosts=[server.url, other.url], prefix=f"test.{uuid.uuid4().hex}:", symmetric_encryption_keys=["key"])

    async def run():
        sender = RedisLayer(layer)
        sender.start()
        await asyncio.gather(*[sender.send("work", {"n": n}) for n in range(40)])
        await sender.close()

    try:
        asyncio.run(run())
        found = []
        while len(found) < 40:
            found += received(layer)
        assert sorted(found) == list(range(40))
    finally:
        layer.close()
        other.stop()


def send_behind_many(server, many, behind, between=None, **options):
    """
    Send `many` messages, and those of `behind` in the next turn, before the reply is seen; return both outcomes.

    `between(layer)` is called once the many are written.
    """
    from django.channels.layers.redis import RedisChannelLayer

    from interface_server.layers.redis import RedisLayer

    layer = RedisChannelLayer(hosts=[server.url], prefix=f"test.{uuid.uuid4().hex}:", **options)

    async def run():
        sender = RedisLayer(layer)
        sender.start()
        await sender.send("first", {})
        outcomes = [asyncio.get_running_loop().create_future() for _ in many + behind]
        for outcome, message in zip(outcomes, many):
            sender.send_then("work", message, outcome.set_result)
        await asyncio.sleep(0)
        if between is not None:
            between(layer)
        for outcome, message in zip(outcomes[len(many):], behind):
            sender.send_then("work", message, outcome.set_result)
        await asyncio.wait(outcomes, timeout=PATIENCE)
        await sender.close()
        return [outcome.result() for outcome in outcomes]

    outcomes = asyncio.run(run())
    return outcomes[:len(many)], outcomes[len(many):], layer


def test_nobody_overtakes_many_that_found_no_room(server):
    from django.channels.exceptions import ChannelFull

    def make_room(layer):
        assert [layer.receive(["work"], block=True)[1]["n"] for _ in range(20)] == list(range(20))

    many, behind, layer = send_behind_many(
        server, [{"n": n} for n in range(200)], [{"n": n} for n in range(200, 230)], make_room, capacity=100)
    assert many[:100] == [None] * 100
    assert {type(outcome) for outcome in many[100:] + behind} == {ChannelFull}
    assert received(layer) == list(range(20, 100))


def test_what_was_held_behind_many_follows_in_its_order(server):
    behind = [{"n": n, "text": "x" * (20000 if n % 50 == 0 else 10)} for n in range(200, 400)]
    many, behind, layer = send_behind_many(server, [{"n": n} for n in range(200)], behind, capacity=1000)
    assert many + behind == [None] * 400
    assert received(layer) == list(range(400))


def test_what_was_held_behind_many_hears_of_a_server_that_went_away(server):
    from django.channels.exceptions import LayerUnavailable

    try:
        many, behind, layer = send_behind_many(
            server, [{"n": n} for n in range(200)], [{"n": n} for n in range(200, 300)], lambda layer: server.kill(),
            capacity=1000)
        # Those on their way may have arrived.
        assert [isinstance(outcome, LayerUnavailable) for outcome in behind] == [True] * 100
    finally:
        server.start()


def test_a_sender_that_fails_costs_the_others_nothing(caplog):
    from interface_server.layers import gathering

    def fail(error):
        raise RuntimeError("a mistake of a session")

    told = []
    gathering._tell([("work", {}, fail), ("work", {}, told.append)], [object(), object()], None)
    assert told == [None]
    assert "a mistake of a session" in caplog.text
