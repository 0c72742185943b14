"""
Shares of the workers: addresses that ask for much wait, others don't.
"""
import asyncio
import concurrent.futures
import socket

import pytest
from conftest import PATIENCE, eventually
from consumers import Held, say_path
from django.channels.exceptions import ChannelFull
from django.channels.test.linting import exempt

from interface_server.app import shares as module
from interface_server.app.lines import BURST
from interface_server.app.proxy_headers import TrustedProxies
from interface_server.app.shares import Shares
from interface_server.layers.queues import SendQueues

BUSY, OTHER, THIRD = ("192.0.2.1", 1), ("192.0.2.2", 1), ("192.0.2.3", 1)


class Layer:
    """A queue that nobody takes from unless the test does; it answers at once, or in the loop's next turn."""

    def __init__(self, at_once=True):
        self.at_once = at_once
        self.queue = []
        self.sent = []
        self.measured = 0

    def _tell(self, tell, what):
        if self.at_once:
            tell(what)
        else:
            asyncio.get_running_loop().call_soon(tell, what)

    def send_then(self, channel, message, done):
        self.queue.append(message["path"])
        self.sent.append(message["path"])
        self._tell(done, None)

    def measure_then(self, channel, tell):
        self.measured += 1
        self._tell(tell, len(self.queue))

    def take(self):
        return self.queue.pop(0)


class Site:
    """Shares of a layer, and those who use them."""

    def __init__(self, layer, most=4, most_bytes=0, limit=0):
        self.layer = layer
        self.shares = Shares(SendQueues(layer, most_bytes), TrustedProxies(["10.0.0.0/8"], "x-forwarded"), most,
                             limit, most_bytes)
        self.outcomes = {}
        self.places = {}

    def ask(self, client, path, timeout=PATIENCE, most=0, **options):
        """Send a request; return the account."""
        account = self.shares.account(client)
        account.requests += 1
        self.shares.send_then(
            account, "c", {"path": path}, lambda error: self.outcomes.update({path: error}), timeout, most,
            lambda place: self.places.update({path: place}), is_request=True, **options
        )
        return account

    def sent(self, *names):
        return [name for name in self.layer.sent if name in names]

    async def until(self, condition):
        """Return once the condition holds."""
        async def wait():
            while not condition():
                await asyncio.sleep(0)
        await asyncio.wait_for(wait(), PATIENCE)

    async def looked(self, times=3):
        """Return once the queue was looked at so many times more."""
        seen = self.layer.measured
        await self.until(lambda: self.layer.measured >= seen + times)


@pytest.fixture(params=[True, False], ids=["at once", "later"])
def site(request):
    return Site(Layer(request.param))


def many(site, client, number=50, name="busy"):
    for index in range(number):
        site.ask(client, "%s %d" % (name, index))


def test_an_address_alone_waits_for_nothing_and_nobody_looks(site):
    async def run():
        many(site, BUSY, 500)
        assert len(site.layer.queue) == 500
        assert site.layer.measured == 0 and not site.shares.length("c")

    asyncio.run(run())


def test_what_others_ask_is_behind_a_few_messages_of_a_busy_address(site):
    async def run():
        site.ask(OTHER, "first")
        many(site, BUSY)
        await site.looked()
        # Its share, and none beyond it while there is something in the queue.
        assert len(site.layer.queue) == 1 + 4
        assert site.shares.length("c") == 46
        site.ask(OTHER, "second")
        assert site.layer.queue.index("second") == 5
        # Workers go on: the busy one's come as the queue empties.
        while site.shares.length("c"):
            while site.layer.queue:
                site.layer.take()
            before = len(site.layer.sent)
            site.shares.progress()
            await site.until(lambda: len(site.layer.sent) > before)
            assert len(site.layer.queue) == 1
        assert len(site.layer.sent) == 52

    asyncio.run(run())


def test_addresses_that_are_busy_take_turns(site):
    async def run():
        many(site, BUSY, name="busy")
        many(site, THIRD, name="third")
        many(site, OTHER, name="other")
        del site.layer.queue[:]
        before = len(site.layer.sent)
        while len(site.layer.sent) < before + 30:
            site.layer.queue[:] = []
            await site.looked(1)
        turns = [name.split()[0] for name in site.layer.sent[before:before + 30]]
        # The first had no other when it came.
        assert turns.count("third") == turns.count("other") == 15
        for name in "third", "other":
            sent = [each for each in site.layer.sent if each.startswith(name)]
            assert sent == ["%s %d" % (name, index) for index in range(len(sent))]

    asyncio.run(run())


def test_who_has_had_answers_has_its_share_again(site):
    async def run():
        site.ask(OTHER, "first")
        many(site, BUSY, 6)
        await site.looked()
        assert site.shares.length("c") == 2
        account = site.shares.account(BUSY)
        # What it waits for isn't in the queue any more, others' is.
        account.requests -= 1
        await site.until(lambda: site.shares.length("c") == 1)
        assert site.layer.queue[-1] == "busy 4"

    asyncio.run(run())


def test_messages_have_a_rate(site):
    async def run():
        site.ask(OTHER, "first")
        account = site.shares.account(BUSY)
        for index in range(50):
            site.shares.send_then(account, "c", {"path": str(index)}, lambda error: None, PATIENCE)
        await site.looked()
        sent = len(site.layer.queue) - 1
        assert BURST <= sent < 50

    asyncio.run(run())


def test_loopback_and_proxies_have_no_share_but_their_clients_do(site):
    async def run():
        site.ask(OTHER, "first")
        for client in ("127.0.0.1", 1), ("10.1.2.3", 1), ("::1", 1), None, ("", 0):
            many(site, client)
        assert not site.shares.length("c")
        # And an IPv6 subscriber is one, whatever it calls itself.
        for index in range(50):
            site.ask(("2001:db8::%x" % index, 1), "six %d" % index)
        assert site.shares.length("c") == 46

    asyncio.run(run())


def test_without_the_option_there_are_no_shares(site):
    async def run():
        site.shares.most = 0
        site.ask(OTHER, "first")
        many(site, BUSY)
        assert len(site.layer.queue) == 51

    asyncio.run(run())


def test_those_who_leave_or_wait_too_long_are_not_sent(site):
    async def run():
        site.ask(OTHER, "first")
        many(site, BUSY, 5)
        wanted = [True]
        site.ask(BUSY, "late", timeout=0.001)
        site.ask(BUSY, "unwanted", is_wanted=lambda: wanted[0])
        site.ask(BUSY, "gone")
        await site.until(lambda: {"busy 4", "late", "unwanted", "gone"} <= set(site.places))
        assert site.places["gone"].cancel() and not site.places["gone"].cancel()
        wanted[0] = False
        await asyncio.sleep(0.002)
        del site.layer.queue[:]
        await site.until(lambda: site.layer.queue == ["busy 4"])
        del site.layer.queue[:]
        await site.until(lambda: not site.shares.length("c"))
        assert site.layer.sent == ["first"] + ["busy %d" % index for index in range(5)]
        assert isinstance(site.outcomes["late"], ChannelFull) and isinstance(site.outcomes["unwanted"], ChannelFull)
        assert "gone" not in site.outcomes
        assert not site.shares.queues.size

    asyncio.run(run())


def test_who_has_the_longest_line_is_refused_first():
    async def run():
        site = Site(Layer())
        site.ask(OTHER, "first")
        for index in range(14):
            site.ask(BUSY, "busy %d" % index, most=10)
        assert site.shares.length("c") == 10
        site.ask(BUSY, "one more", most=10)
        assert isinstance(site.outcomes["one more"], ChannelFull)
        for index in range(8):
            site.ask(THIRD, "third %d" % index, most=10)
        # Four were its share, four have taken the places of the longer line.
        assert site.shares.length("c") == 10
        refused = sorted(name for name, error in site.outcomes.items() if error is not None)
        assert refused == ["busy 10", "busy 11", "busy 12", "busy 13", "one more"]

    asyncio.run(run())


def test_bytes_have_a_bound():
    async def run():
        site = Site(Layer(), most_bytes=100000)
        site.ask(OTHER, "first")
        many(site, BUSY, 4)
        for letter in "abcd":
            site.ask(BUSY, letter * 20000)
        assert site.shares.length("c") == 2
        assert isinstance(site.outcomes["c" * 20000], ChannelFull)

    asyncio.run(run())


def test_addresses_are_forgotten(site, monkeypatch):
    async def run():
        monkeypatch.setattr(module, "MOST_ACCOUNTS", 100)
        for index in range(1000):
            site.ask(("192.0.%d.%d" % divmod(index, 256), 1), str(index)).requests = 0
        assert len(site.shares._young) + len(site.shares._old) <= 203
        assert len(site.layer.sent) == 1000

    asyncio.run(run())


# With a server around it


@pytest.fixture
def everybody_stays(monkeypatch):
    """Who has sent something counts as present however long the test takes."""
    monkeypatch.setattr(module, "PRESENT", 1e9)


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_a_client_behind_a_proxy_overtakes_a_busy_one(start, layer, everybody_stays):
    held = Held()
    server = start({"http.request": held}, threads=1, trusted_proxies=("127.0.0.1",))
    shares = server.application.context.shares

    def get(client, path):
        return server.get(path, {"X-Forwarded-For": client})[0]

    with concurrent.futures.ThreadPoolExecutor(40) as clients:
        replies = [clients.submit(get, "192.0.2.2", "/first")]
        eventually(lambda: layer.channel_statistics("http.request")["messages_count"] == 1, "the first request")
        for number in range(30):
            replies.append(clients.submit(get, "192.0.2.1", "/busy"))
        eventually(lambda: shares.length("http.request") == 26, "the waiting")
        replies.append(clients.submit(get, "192.0.2.2", "/second"))
        eventually(lambda: server.application.context.replies.exchange_count == 32, "the second request")
        eventually(lambda: layer.channel_statistics("http.request")["messages_count"] == 6, "the sending of it")
        held.go_on.set()
        assert [reply.result(PATIENCE) for reply in replies] == [200] * 32
    assert held.order.index("/second") <= 6


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_a_client_that_does_not_wait_leaves_its_line(start, layer, everybody_stays):
    server = start({}, threads=0, trusted_proxies=("127.0.0.1",), requests_per_address=1)
    shares = server.application.context.shares
    with concurrent.futures.ThreadPoolExecutor(3) as clients:
        for client in "192.0.2.2", "192.0.2.1":
            clients.submit(server.get, "/", {"X-Forwarded-For": client})
        eventually(lambda: layer.channel_statistics("http.request")["messages_pending"] == 2, "the two requests")
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
            client.sendall(b"GET /gone HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
            eventually(lambda: shares.length("http.request") == 1, "the waiting")
        eventually(lambda: not shares.length("http.request"), "the leaving")
        while True:
            channel, message = layer.receive(["http.request"])
            if channel is None:
                break
            say_path(layer, message)


def test_an_address_alone_has_no_more_at_workers_than_the_limit(site):
    async def run():
        site.shares = Shares(site.shares.queues, TrustedProxies(["10.0.0.0/8"], "x-forwarded"), 0, 3, 0)
        account = [site.ask(BUSY, "busy %d" % number) for number in range(10)][0]
        await site.looked()
        assert len(site.layer.sent) == 3 and site.shares.length("c") == 7
        many(site, OTHER, 2, "other")
        assert len(site.layer.sent) == 5
        for number in range(4, 11):
            site.shares.end_request(account)
            await site.until(lambda: len(site.sent(*["busy %d" % each for each in range(10)])) == number)
        assert not site.shares.length("c")

    asyncio.run(run())


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_requests_that_take_long_leave_workers_for_others(start, layer):
    held = Held()

    def hold_the_long(layer, message):
        (held if message["path"] == "/long" else say_path)(layer, message)

    server = start(
        {"http.request": hold_the_long}, threads=2, trusted_proxies=("127.0.0.1",), max_requests_per_address=1,
    )
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        replies = [clients.submit(server.get, "/long", {"X-Forwarded-For": "192.0.2.1"}) for _ in range(8)]
        eventually(lambda: server.application.context.shares.length("http.request") == 7, "the waiting")
        assert server.get("/short", {"X-Forwarded-For": "192.0.2.2"})[0] == 200
        assert not any(reply.done() for reply in replies)
        held.go_on.set()
        assert [reply.result(PATIENCE)[0] for reply in replies] == [200] * 8
