"""A Redis that is away, comes back, or has forgotten everything; and what it is asked."""
import asyncio
import http.client
import os
import signal
import threading
import time
import types
import uuid

import pytest
from commands import can_connect, get, server
from conftest import PATIENCE, eventually
from consumers import accept
from django.channels import exceptions
from django.channels.layers.transport.resp import ProtocolError, pack
from django.channels.test.linting import exempt
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interface_server.app import replies
from interface_server.layers.connection import RedisConnection
from interface_server.layers.pool import ConnectionPool, within


@pytest.fixture
def layer(own_layer):
    return own_layer


def answer(layer, message):
    layer.send(message["reply_channel"], {"status": 200, "content": b"here"})


def test_long_string_is_read_to_where_it_stays():
    string, replies = bytes(range(256)) * 1000, []

    async def reply(reader, writer):
        while await reader.readuntil(b"\r\n"):
            # A long one behind a short one, and one behind that.
            writer.write(b":1\r\n$%d\r\n%b\r\n+end\r\n" % (len(string), string))
            await reader.readuntil(b"key\r\n")
            writer.write(b"$%d\r\n" % len(string) + string[:50000])
            await writer.drain()
            for start in range(50000, len(string), 70000):
                writer.write(string[start:start + 70000])
                await asyncio.sleep(0.001)
            writer.write(b"\r\n:2\r\n")
            # One in an array that is cut where it begins.
            await reader.readuntil(b"\r\n")
            writer.write(b"*2\r\n:3\r\n")
            await asyncio.sleep(0.05)
            writer.write(b"$%d\r\n%b\r\n" % (len(string), string))

    async def run():
        redis = await asyncio.start_server(reply, "127.0.0.1", 0)
        streams = await asyncio.open_connection(*redis.sockets[0].getsockname())
        connection = RedisConnection(types.SimpleNamespace(_writer=streams[1], _reader=streams[0]))
        for _ in range(2):
            replies.append(await connection.call([b"\r\n"] + [b""] * 2, PATIENCE))
            replies.append(await connection.call([pack("GETDEL", "key"), b""], PATIENCE))
            replies.append(await connection.call([b"\r\n"], PATIENCE))
        connection.close()
        redis.close()

    asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert replies == 2 * [[1, string, b"end"], [string, 2], [[3, string]]]
    assert type(replies[1][0]) is memoryview


@pytest.mark.parametrize("refused", [
    # CLIENT REPLY and all but MULTI by a server that is busy, or CLIENT REPLY alone.
    b"-BUSY with a script\r\n+OK\r\n" + 2 * b"-BUSY with a script\r\n" + b"-EXECABORT BUSY\r\n",
    b"-NOPERM client\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:2\r\n:1\r\n",
], ids=["busy", "forbidden"])
def test_nobody_gets_the_answers_of_a_transaction_whose_begin_was_refused(refused):
    transaction = [pack("CLIENT", "REPLY", "SKIP") + pack("MULTI") + pack("RPUSH"), pack("EVAL"), pack("EXEC")]

    async def reply(reader, writer):
        await reader.readuntil(b"PING\r\n")
        writer.write(b"-OOM no memory\r\n+QUEUED\r\n-EXECABORT OOM\r\n+PONG\r\n")
        await reader.readuntil(b"PING\r\n")
        writer.write(refused + b"+PONG\r\n")
        writer.close()

    async def run():
        redis = await asyncio.start_server(reply, "127.0.0.1", 0)
        streams = await asyncio.open_connection(*redis.sockets[0].getsockname())
        connection = RedisConnection(types.SimpleNamespace(_writer=streams[1], _reader=streams[0]))
        outcomes = []
        for _ in range(2):
            outcomes += await asyncio.gather(*[
                connection.call(commands, PATIENCE) for commands in (transaction, [pack("PING")])
            ], return_exceptions=True)
        assert not connection.is_open
        redis.close()
        return outcomes

    first, pong, *others = asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert [str(each).partition(" ")[0] for each in first] == ["OOM", "b'QUEUED'", "EXECABORT"]
    assert pong == [b"PONG"]
    assert [type(each) for each in others] == [ProtocolError] * 2


def test_connection_that_is_left_ends_though_who_hears_from_it_asks_again():
    outcomes = []

    async def reply(reader, writer):
        while await reader.readline():
            writer.write(b"+PONG\r\n")

    async def run():
        redis = await asyncio.start_server(reply, "127.0.0.1", 0)
        streams = await asyncio.open_connection(*redis.sockets[0].getsockname())
        connection = RedisConnection(types.SimpleNamespace(_writer=streams[1], _reader=streams[0]))

        def tell(outcome):
            # As a reader does, without end while messages come.
            outcomes.append(outcome)
            if isinstance(outcome, list):
                connection.call_then([b"PING\r\n"], PATIENCE, tell)

        connection.call_then([b"PING\r\n"], PATIENCE, tell)
        connection.retire(PATIENCE)
        await asyncio.wait_for(connection.closed, PATIENCE)
        redis.close()

    asyncio.run(asyncio.wait_for(run(), 2 * PATIENCE))
    assert [type(outcome) for outcome in outcomes] == [list, EOFError]


def test_what_is_behind_a_command_that_a_replica_refused_fails_as_in_an_outage():
    async def reply(reader, writer):
        await reader.readline()
        await reader.readline()
        # The connection is closed for that, and the other has no reply yet.
        writer.write(b"-READONLY You can't write against a read only replica.\r\n")

    async def run():
        redis = await asyncio.start_server(reply, "127.0.0.1", 0)
        streams = await asyncio.open_connection(*redis.sockets[0].getsockname())
        connection = RedisConnection(types.SimpleNamespace(_writer=streams[1], _reader=streams[0]))
        pool = ConnectionPool(0, types.SimpleNamespace(name="a server"), None)
        outcomes = await asyncio.gather(*[
            pool.carry_out(connection, [b"PING\r\n"], PATIENCE) for _ in range(2)
        ], return_exceptions=True)
        redis.close()
        return outcomes

    [refused], unanswered = asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert refused.code == "READONLY"
    assert type(unanswered) is exceptions.LayerUnavailable and unanswered.sent


def test_a_call_before_the_next_try_to_connect_says_why_it_fails(monkeypatch):
    # A reader has heard of the server, and so the outage is over.
    monkeypatch.setattr(ConnectionPool, "start", lambda pool: pool._known.set())

    async def run():
        pool = ConnectionPool(0, types.SimpleNamespace(name="a server"), None)
        with pytest.raises(exceptions.LayerUnavailable, match="can't be reached: it is about to be connected again"):
            await pool.exchange([b"PING\r\n"])

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_cancellation_is_not_lost_in_the_moment_of_connecting():
    async def run():
        connected = asyncio.get_running_loop().create_future()

        async def connect():
            await connected

        waiting = asyncio.ensure_future(within(PATIENCE, connect()))
        await asyncio.sleep(0.01)
        connected.set_result(None)
        await asyncio.sleep(0)
        # connect() has ended, and nobody has heard of it.
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())


def test_messages_that_nobody_waits_for_go_together(layer, own_redis):
    import redis

    from interface_server.layers.redis import RedisLayer

    async def send():
        sender = RedisLayer(layer)
        sender.start()
        await sender.send("first", {})
        client.config_resetstat()
        for number in range(20):
            sender.send_soon("http.disconnect", {"reply_channel": f"http.response.test!{number}", "path": "/"})
        await sender.close()

    with redis.Redis.from_url(own_redis.url) as client:
        asyncio.run(send())
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    assert len(layer.receive_batch(["http.disconnect"], 100)) == 20


def test_requests_get_503_while_redis_is_away_and_200_after(start, own_redis, caplog):
    server = start({"http.request": answer, "http.disconnect": lambda *args: None})
    assert server.get("/")[0] == 200
    own_redis.kill()
    status, headers, _ = server.get("/")
    assert (status, headers["retry-after"]) == (503, "2")
    with pytest.raises(InvalidStatus) as refusal:
        server.socket()
    response = refusal.value.response
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    own_redis.start()
    eventually(lambda: server.get("/")[0] == 200)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("interface_server")]
    assert len([line for line in lines if "can't be reached" in line]) <= 2
    assert len([line for line in lines if "can be reached again" in line]) == 1


def test_reader_that_fails_is_restarted(start, monkeypatch, caplog):
    dispatch, failed = replies.ReplyDispatcher.dispatch, []

    def fail_once(self, deliveries):
        if not failed:
            failed.append(deliveries)
            raise RuntimeError("not this one")
        dispatch(self, deliveries)

    monkeypatch.setattr(replies, "RESTART_AFTER", 0.01)
    monkeypatch.setattr(replies.ReplyDispatcher, "dispatch", fail_once)
    server = start({"http.request": answer}, http_timeout=0.5)
    assert server.get("/lost")[0] == 503
    assert server.get("/")[0] == 200
    [record] = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert record.exc_info[1].args == ("not this one",)


def test_requests_whose_answer_could_not_be_received_are_not_sent(start, own_redis):
    from django.channels.layers.redis import RedisChannelLayer
    from redis_server import RedisServer

    other = RedisServer().start()
    layer = RedisChannelLayer(hosts=[own_redis.url, other.url], prefix=f"test.{uuid.uuid4().hex}:")
    try:
        server = start({"http.request": answer, "http.disconnect": lambda *args: None}, layer=layer)
        context = server.application.context
        channel = context.replies.http_channel
        assert server.get("/")[0] == 200
        [own_redis, other][layer.transport_options.keys.shard_of(channel)].kill()
        eventually(lambda: not context.layer.can_hear(channel))
        before = len([name for name, _ in server.workers.seen if name == "http.request"])
        for _ in range(4):
            assert server.get("/")[0] == 503
        assert len([name for name, _ in server.workers.seen if name == "http.request"]) == before
    finally:
        other.stop()


def test_request_that_was_under_way_when_redis_went_is_answered_in_time(start, own_redis):
    went = threading.Event()
    server = start({"http.request": lambda *args: went.wait(PATIENCE)}, http_timeout=1)
    with server.connection() as connection:
        connection.request("GET", "/")
        server.workers.layer.receive_timeout = 0.1
        own_redis.kill()
        went.set()
        assert connection.getresponse().status == 503


def test_sockets_are_closed_with_1012_when_redis_has_forgotten_their_groups(start, own_redis):
    server = start({
        "websocket.connect": accept, "websocket.disconnect": lambda *args: None, "http.request": lambda *args: None,
    })
    with server.connection() as waiting:
        waiting.request("GET", "/")
        request = server.workers.wait_for("http.request")[0]
        # Once this is open, the server has read that the request was sent.
        with server.socket() as ws:
            own_redis.kill()
            own_redis.start()
            with pytest.raises(ConnectionClosed):
                ws.recv(PATIENCE)
            assert ws.close_code == 1012
        # A worker has the request, and answers it.
        answer(server.workers.layer, request)
        assert waiting.getresponse().status == 200
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1012


def test_requests_that_redis_has_forgotten_are_answered_soon(start, own_redis, monkeypatch):
    monkeypatch.setattr("interface_server.app.replies.LOST_AFTER", 0.1)

    def respond(layer, message):
        # A stream's next part, if any, would come after a gap.
        if message["path"] == "/stream/":
            layer.send(message["reply_channel"], {
                "status": 200, "headers": [], "content": b"a part", "more_content": True,
            })

    server = start({"http.request": respond, "http.disconnect": lambda *args: None})
    with server.connection() as stream, server.connection() as waiting:
        stream.request("GET", "/stream/")
        response = stream.getresponse()
        assert response.read(6) == b"a part"
        waiting.request("GET", "/")
        server.workers.wait_for("http.request", 2)
        # A worker may have it before the server knows that it was sent.
        eventually(lambda: server.application.metrics.messages_in["http.request"] == 2)
        own_redis.kill()
        own_redis.start()
        lost = waiting.getresponse()
        assert (lost.status, lost.headers["retry-after"]) == (503, "2")
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_requests_that_another_shard_may_have_forgotten_are_answered_soon(start, own_redis, monkeypatch):
    from django.channels.layers.redis import RedisChannelLayer
    from redis_server import RedisServer

    monkeypatch.setattr("interface_server.app.replies.LOST_AFTER", 0.1)
    other = RedisServer().start()
    layer = RedisChannelLayer(hosts=[own_redis.url, other.url], prefix=f"test.{uuid.uuid4().hex}:")
    shard_of = layer.transport_options.keys.shard_of
    taken = {
        "http.request": lambda *args: None, "websocket.connect": accept, "websocket.disconnect": lambda *args: None,
    }
    try:
        server = start(taken, layer=layer)
        replies = server.application.context.replies
        restarted = 1 - shard_of(replies.http_channel)
        with server.connection() as waiting, server.socket() as ws:
            waiting.request("GET", "/")
            server.workers.wait_for("http.request")
            eventually(lambda: server.application.metrics.messages_in["http.request"] == 1)
            # What is answered comes by the other; the request may have waited here.
            [own_redis, other][restarted].restart()
            lost = waiting.getresponse()
            assert (lost.status, lost.headers["retry-after"]) == (503, "2")
            # The socket goes if its groups were there, as chance has it.
            is_forgotten = shard_of(replies.socket_channel) == restarted
            with pytest.raises(ConnectionClosed if is_forgotten else TimeoutError):
                ws.recv(PATIENCE if is_forgotten else 0)
    finally:
        other.stop()


@pytest.mark.parametrize("is_frozen", [False, True], ids=["alive", "frozen"])
def test_a_master_that_was_replaced_is_left_though_it_has_not_ended(layer, own_redis, monkeypatch, caplog, is_frozen):
    import redis
    from redis_server import RedisServer

    from interface_server.layers import pool, reading, redis as layers_redis
    from interface_server.layers.redis import RedisLayer

    for module in (pool, reading, layers_redis):
        # Nobody is to wait for that.
        monkeypatch.setattr(module, "COMMAND_TIMEOUT", 3600.0)
    other = RedisServer().start()
    [server] = layer.servers
    address = [server.url]
    options = server.resolve()[1]
    server.needs_watching, server.resolve = True, lambda: (address[0], options)
    prefix = layer.transport_options.keys.prefix

    def send(url, number):
        sender = type(layer)(hosts=[url], prefix=prefix)
        sender.send("p!1", {"n": number})
        sender.close()

    async def run():
        reading, received = RedisLayer(layer), asyncio.Queue()
        reading.start()
        task = asyncio.create_task(reading.read(["p!"], received.put_nowait))

        async def receive():
            [(_, message)] = await asyncio.wait_for(received.get(), PATIENCE)
            return message["n"]

        send(own_redis.url, 1)
        assert await receive() == 1
        if is_frozen:
            own_redis.process.send_signal(signal.SIGSTOP)
            under_way = asyncio.create_task(reading.send("n", {"n": 0}))
            await asyncio.sleep(0)
        address[0] = other.url
        send(other.url, 2)
        assert await receive() == 2
        if is_frozen:
            with pytest.raises(exceptions.LayerUnavailable):
                await asyncio.wait_for(under_way, PATIENCE)
        await reading.send("n", {"n": 3})
        task.cancel()
        await reading.close()

    try:
        with redis.Redis.from_url(other.url) as client:
            asyncio.run(run())
            assert client.llen(f"{prefix}{{0}}:q:n") == 1
        assert len([line for line in caplog.messages if "is another server now" in line]) == 1
    finally:
        own_redis.process.send_signal(signal.SIGCONT)
        other.stop()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_messages_of_every_size_come_through_tls(loop, tmp_path):
    from certificates import make
    from django.channels.layers.redis import RedisChannelLayer
    from redis_server import RedisServer, RedisServerError

    from interface_server.layers.redis import RedisLayer

    new_loop = pytest.importorskip(loop).new_event_loop
    certificate, key = make(tmp_path)
    redis = RedisServer.with_tls(certificate, key)
    try:
        redis.start()
    except RedisServerError:
        assert redis.lacks_tls()
        pytest.skip("this Redis is built without TLS")
    layer = RedisChannelLayer(hosts=[f"rediss://localhost:{redis.port}/0?ssl_ca_certs={certificate}"])
    contents = [bytes([size % 251]) * size for size in (1, 20000, 100000, 700000, 1100000, 3000000, 2)]

    async def run():
        reading, received = RedisLayer(layer), asyncio.Queue()
        reading.start()
        task = asyncio.create_task(reading.read(["p!"], received.put_nowait))
        for content in contents:
            await reading.send("p!1", {"content": content})
            [(_, message)] = await asyncio.wait_for(received.get(), PATIENCE)
            assert bytes(message["content"]) == content
        task.cancel()
        await reading.close()

    running = new_loop()
    try:
        running.run_until_complete(run())
    finally:
        running.close()
        layer.close()
        redis.stop()


def join(layer, message):
    layer.group_add("room", message["reply_channel"])
    accept(layer, message)


def test_sockets_are_closed_with_1012_when_redis_is_restored_from_an_older_dump(start, own_redis):
    import redis

    server = start({"websocket.connect": join, "websocket.disconnect": lambda *args: None})
    with redis.Redis.from_url(own_redis.url) as client:
        client.save()
    with server.socket() as ws:
        own_redis.kill()
        own_redis.start()
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert ws.close_code == 1012


def test_a_socket_goes_on_when_an_older_dump_has_the_same_groups(start, own_redis, layer):
    import redis

    def echo(layer, message):
        layer.send(message["reply_channel"], {"text": message["text"]})

    server = start({"websocket.connect": join, "websocket.receive": echo, "websocket.disconnect": lambda *args: None})
    with server.socket() as ws, redis.Redis.from_url(own_redis.url) as client:
        ws.send("before")
        assert ws.recv(PATIENCE) == "before"
        client.save()
        ws.send("after")
        assert ws.recv(PATIENCE) == "after"
        own_redis.kill()
        own_redis.start()
        layer.send_group("room", {"text": "from before"})
        assert ws.recv(PATIENCE) == "from before"


def test_reading_goes_on_after_the_disk_of_redis_was_full(start, own_redis, caplog):
    import redis

    server = start({"websocket.connect": accept})
    with server.socket() as ws, redis.Redis.from_url(own_redis.url) as client:
        # A folder where the file is to be makes saving fail, as a full disk does.
        obstacle = os.path.join(own_redis.folder, "dump.rdb")
        os.mkdir(obstacle)
        client.config_set("save", "3600 1")
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        status, _, body = server.get("/")
        assert status == 503
        # What waits is refused at its next try.
        for waiting in client.client_list():
            if waiting["cmd"] == "blmpop":
                client.client_unblock(int(waiting["id"]))
        eventually(lambda: [
            record for record in caplog.records
            if "MISCONF" in record.getMessage() and record.name.startswith("interface_server.layers")
        ])
        os.rmdir(obstacle)
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok")
        server.workers.layer.send(
            server.workers.wait_for("websocket.connect")[0]["reply_channel"], {"text": "still there"},
        )
        assert ws.recv(PATIENCE) == "still there"
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("interface_server.layers")]
    assert len([line for line in lines if "MISCONF" in line]) == 1
    assert len([line for line in lines if "can be reached again" in line]) == 1


def test_sockets_are_kept_for_a_while_when_redis_is_away(start, own_redis):
    server = start({"websocket.connect": accept}, outage_timeout=2)
    with server.socket() as ws:
        server.workers.wait_for("websocket.connect")
        went = time.monotonic()
        own_redis.kill()
        assert server.get("/")[0] == 503
        assert not server.application.context.layer.is_reachable
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert ws.close_code == 1012
        assert time.monotonic() - went > 1
    # The workers' own connection is waited for by the end of the test.
    own_redis.start()


@exempt("order", "path")
def test_sockets_live_through_a_cut_connection(start, own_redis):
    def echo(layer, message):
        layer.send(message["reply_channel"], {"text": message["text"]})

    server = start({"websocket.connect": accept, "websocket.receive": echo})
    with server.socket() as ws:
        ws.send("one")
        assert ws.recv(PATIENCE) == "one"
        import redis

        with redis.Redis.from_url(own_redis.url) as client:
            client.client_kill_filter(_type="normal", skipme=True)
        server.workers.layer.send("websocket.receive", {
            "reply_channel": server.workers.wait_for("websocket.connect")[0]["reply_channel"], "text": "two",
        })
        assert ws.recv(PATIENCE) == "two"
        ws.send("three")
        assert ws.recv(PATIENCE) == "three"


def test_command_on_a_redis_of_its_own(run, port, own_redis):
    from django.channels.layers.redis import RedisChannelLayer

    server(run, "-p", port, "--redis", own_redis.url)
    layer = RedisChannelLayer(hosts=[own_redis.url])

    def work():
        channel, message = layer.receive(["http.request"], block=True)
        layer.send(message["reply_channel"], {"status": 200, "content": b"from redis"})

    worker = threading.Thread(target=work)
    worker.start()
    assert get(port) == (200, b"from redis")
    worker.join(PATIENCE)
    layer.close()


def test_command_waits_for_a_redis_that_is_away_and_says_where_it_looks(run, port, own_redis):
    own_redis.kill()
    process = run("-m", "interface_server", "-p", port, "--redis", own_redis.url)
    line = process.wait_for("can't be reached")
    assert own_redis.url.split("//")[1].split("/")[0] in line
    eventually(lambda: can_connect(port))
    assert get(port)[0] == 503


def test_command_with_a_bad_redis_url(run):
    status, output = run("-m", "interface_server", "-p", "0", "--redis", "localhost").finish()
    assert status == 2
    assert "'localhost' is not the address of a Redis server" in output


OWNED = """
from django.conf import settings
settings.configure(SECRET_KEY=%r)
from django.channels.layers.redis import RedisChannelLayer
layer = RedisChannelLayer(hosts=[%r])
"""
OTHER = {"project": ["0123456789abcdef"]}


@pytest.fixture
def other(folder, own_redis):
    """A function that announces a worker of another project than that of the module "owned"."""
    from django.channels.layers.presence import WORKER, this_process
    from django.channels.layers.redis import RedisChannelLayer

    (folder / "owned.py").write_text(OWNED % ("the key of this project", own_redis.url))
    layer = RedisChannelLayer(hosts=[own_redis.url])
    worker = this_process(WORKER, "1")
    yield lambda: layer.announce(worker, OTHER)
    layer.close()


def test_server_of_another_project_does_not_start(run, port, other):
    other()
    status, output = run("-m", "interface_server", "-p", port, "owned:layer").finish()
    assert status == 2 and "interface-server: Processes of another project are at work on this layer" in output
    assert "Traceback" not in output
    server(run, "-p", port, "--any-project", "owned:layer").kill()


def test_of_two_projects_whose_servers_begin_at_once_one_is_refused(run, folder, own_redis):
    for name in "ab":
        (folder / f"owned_{name}.py").write_text(OWNED % (f"the key of {name}", own_redis.url))
    programs = [run("-m", "interface_server", "-p", 0, f"owned_{name}:layer") for name in "ab"]
    eventually(lambda: any(program.has_ended for program in programs))
    [refused] = [program for program in programs if program.has_ended]
    [serving] = [program for program in programs if program is not refused]
    status, output = refused.finish()
    assert status == 2 and "Processes of another project are at work on this layer" in output
    serving.wait_for("listens on")
    # It takes its claim with it, and the other one may begin.
    serving.signal(signal.SIGTERM)
    assert serving.finish()[0] == 0
    server(run, "-p", 0, f"owned_{'ab'[programs.index(refused)]}:layer").kill()


def test_server_ends_once_a_layer_that_was_away_is_of_another_project(run, other, own_redis):
    own_redis.kill()
    program = run("-m", "interface_server", "-p", 0, "owned:layer")
    program.wait_for("listens on")
    # It asks again in five seconds.
    own_redis.start()
    other()
    status, output = program.finish()
    assert status == 2 and output.count("interface-server: Processes of another project") == 1


def test_application_under_another_server_asks_whose_the_layer_is(run, port, other, monkeypatch):
    pytest.importorskip("uvicorn")
    other()
    monkeypatch.setenv("INTERFACE_SERVER_LAYER", "owned:layer")
    status, output = run("-m", "uvicorn", "--port", port, "interface_server.asgi:application").finish()
    assert status != 0 and "Processes of another project are at work on this layer" in output
    # Without lifespan, it is the first connection that asks.
    program = run("-m", "uvicorn", "--port", port, "--lifespan", "off", "interface_server.asgi:application")
    eventually(lambda: can_connect(port))
    assert [get(port)[0] for _ in range(2)] == [503, 503]
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{port}/", compression=None)
    program.signal(signal.SIGTERM)
    output = program.finish()[1]
    assert output.count("Processes of another project") == 1 and "Traceback" not in output
    monkeypatch.setenv("INTERFACE_SERVER_ANY_PROJECT", "yes")
    program = run("-m", "uvicorn", "--port", port, "interface_server.asgi:application")
    eventually(lambda: can_connect(port))
    program.kill()
