"""Whom a server believes about its clients, and what it serves."""
import pytest

from interface_server.app.origins import host_is_allowed, origin_is_allowed
from interface_server.app.proxy_headers import TrustedProxies
from interface_server.errors import UsageError

PROXIES = ("10.0.0.0/8", "2001:db8::/32", "unix")


def applied(headers, client=("10.0.0.1", 80), proxies=PROXIES, family="x-forwarded", kind="http"):
    scope = {"type": kind, "client": client, "scheme": "http" if kind == "http" else "ws", "headers": headers}
    TrustedProxies(proxies, family).apply(scope)
    return scope


@pytest.mark.parametrize("headers, client", [
    ([], ("10.0.0.1", 80)),
    ([(b"x-forwarded-for", b"192.0.2.1")], ["192.0.2.1", 0]),
    ([(b"x-forwarded-for", b"192.0.2.1:4711")], ["192.0.2.1", 4711]),
    # A digit to str.isdigit(), but not to int().
    ([(b"x-forwarded-for", b"192.0.2.1:\xb2")], ["192.0.2.1", 0]),
    ([(b"x-forwarded-for", b"2001:db9::1")], ["2001:db9::1", 0]),
    ([(b"x-forwarded-for", b"[2001:db9::1]:4711")], ["2001:db9::1", 4711]),
    # The client's own word is at the left, and isn't taken.
    ([(b"x-forwarded-for", b"127.0.0.1, 192.0.2.1")], ["192.0.2.1", 0]),
    ([(b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-for", b"192.0.2.1")], ["192.0.2.1", 0]),
    ([(b"x-forwarded-for", b"192.0.2.1, 10.1.1.1, 10.2.2.2")], ["192.0.2.1", 0]),
    ([(b"x-forwarded-for", b"10.1.1.1")], ["10.1.1.1", 0]),
    ([(b"x-forwarded-for", b"nonsense")], ("10.0.0.1", 80)),
    ([(b"x-forwarded-for", b"192.0.2.1, nonsense, 10.2.2.2")], ["10.2.2.2", 0]),
])
def test_client_behind_proxies(headers, client):
    assert applied(headers)["client"] == client


@pytest.mark.parametrize("headers, client", [
    ([], ("10.0.0.1", 80)),
    ([(b"forwarded", b"for=192.0.2.1")], ["192.0.2.1", 0]),
    ([(b"forwarded", b'for="[2001:db9::1]:4711";proto=https')], ["2001:db9::1", 4711]),
    ([(b"forwarded", b"for=127.0.0.1, for=192.0.2.1;by=10.0.0.1, for=10.2.2.2")], ["192.0.2.1", 0]),
    ([(b"forwarded", b"for=unknown")], ("10.0.0.1", 80)),
    ([(b"forwarded", b"for=_hidden, for=192.0.2.1")], ["192.0.2.1", 0]),
    ([(b"forwarded", b"for=192.0.2.1 nonsense")], ("10.0.0.1", 80)),
    ([(b"forwarded", b'for="192.0.2.1')], ("10.0.0.1", 80)),
])
def test_client_behind_proxies_that_set_forwarded(headers, client):
    assert applied(headers, family="forwarded")["client"] == client


CLAIMED = [(b"forwarded", b"for=127.0.0.1;proto=https"), (b"x-forwarded-for", b"127.0.0.1"),
           (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"example.org"), (b"x-real-ip", b"127.0.0.1")]


@pytest.mark.parametrize("family, said", [
    ("x-forwarded", [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"http")]),
    ("x-forwarded", [(b"x-forwarded-for", b"192.0.2.1")]),
    ("forwarded", [(b"forwarded", b"for=192.0.2.1;proto=http")]),
    ("forwarded", [(b"forwarded", b"for=192.0.2.1")]),
])
def test_proxies_pass_on_what_clients_claim_in_headers_that_they_do_not_set(family, said):
    passed_on = [header for header in CLAIMED if header[0].startswith(b"x-") != (family == "x-forwarded")]
    scope = applied(passed_on + said, family=family)
    assert (scope["client"], scope["scheme"]) == (["192.0.2.1", 0], "http")
    assert scope["headers"] == said
    # Nor is it believed where the proxy says nothing.
    scope = applied(passed_on, family=family)
    assert (scope["client"], scope["scheme"], scope["headers"]) == (("10.0.0.1", 80), "http", [])


@pytest.mark.parametrize("headers, scheme", [
    ([(b"x-forwarded-proto", b"https")], "https"),
    ([(b"x-forwarded-proto", b"http")], "http"),
    ([(b"x-forwarded-proto", b"HTTPS")], "https"),
    ([(b"x-forwarded-proto", b"http, https")], "https"),
    ([(b"x-forwarded-proto", b"gopher")], "http"),
    ([(b"forwarded", b"for=192.0.2.1;proto=https")], "https"),
])
def test_scheme_behind_a_proxy(headers, scheme):
    family = "forwarded" if headers[0][0] == b"forwarded" else "x-forwarded"
    assert applied(headers, family=family)["scheme"] == scheme
    assert applied(headers, family=family, kind="websocket")["scheme"] == scheme.replace("http", "ws")


@pytest.mark.parametrize("family", ["x-forwarded", "forwarded"])
def test_strangers_are_not_believed_and_what_they_claim_is_dropped(family):
    scope = applied([*CLAIMED, (b"accept", b"*/*")], client=("192.0.2.1", 80), family=family)
    assert (scope["client"], scope["scheme"]) == (("192.0.2.1", 80), "http")
    assert scope["headers"] == [(b"accept", b"*/*")]


def test_without_proxies_headers_are_left_alone():
    headers = [(b"x-forwarded-for", b"127.0.0.1")]
    scope = applied(headers, client=("192.0.2.1", 80), proxies=())
    assert (scope["client"], scope["headers"]) == (("192.0.2.1", 80), headers)


def test_unix_sockets_are_trusted_by_name():
    headers = [(b"x-forwarded-for", b"192.0.2.1")]
    assert applied(headers, client=None)["client"] == ["192.0.2.1", 0]
    assert applied(headers, client=None, proxies=("10.0.0.0/8",))["client"] is None


@pytest.mark.parametrize("networks, family", [
    (["proxy.example.com"], "x-forwarded"),
    (["10.0.0.1"], "x-real-ip"),
])
def test_proxies_that_are_none(networks, family):
    with pytest.raises(UsageError):
        TrustedProxies(networks, family)


@pytest.mark.parametrize("host, patterns, allowed", [
    (b"example.com", ["example.com"], True),
    (b"EXAMPLE.com:8000", ["example.com"], True),
    (b"example.com.", ["example.com"], True),
    (b"www.example.com", ["example.com"], False),
    (b"www.example.com", [".example.com"], True),
    (b"example.com", [".example.com"], True),
    (b"badexample.com", [".example.com"], False),
    (b"[::1]:80", ["[::1]"], True),
    (b"anything", ["*"], True),
    (b"", ["example.com"], False),
    (b"\xff", ["*"], False),
])
def test_hosts(host, patterns, allowed):
    assert host_is_allowed(host, patterns) is allowed


@pytest.mark.parametrize("origin, patterns, allowed", [
    (None, ["example.com"], True),
    (b"https://example.com", ["example.com"], True),
    (b"https://example.com", ["https://example.com"], True),
    (b"http://example.com", ["https://example.com"], False),
    (b"https://example.com:444", ["https://example.com"], False),
    (b"https://example.com:443", ["https://example.com"], True),
    (b"https://example.com:444", ["https://example.com:444"], True),
    (b"https://example.com:444", ["example.com"], True),
    (b"https://www.example.com", [".example.com"], True),
    (b"https://www.example.com", ["https://.example.com"], True),
    (b"https://badexample.com", [".example.com"], False),
    (b"https://example.com.evil.com", ["example.com"], False),
    (b"null", ["example.com"], False),
    (b"null", ["null"], True),
    (b"https://x:nonsense", ["*"], False),
])
def test_origins(origin, patterns, allowed):
    assert origin_is_allowed(origin, patterns) is allowed


def test_hosts_and_origins_are_refused_before_any_worker_hears_of_them(start):
    from websockets.exceptions import InvalidStatus

    def accept(layer, message):
        layer.send(message["reply_channel"], {"accept": True})

    def answer(layer, message):
        layer.send(message["reply_channel"], {"status": 200})

    server = start(
        {"http.request": answer, "websocket.connect": accept},
        allowed_hosts=("127.0.0.1",), allowed_origins=("https://example.com",),
    )
    assert server.get("/")[0] == 200
    assert server.get("/", {"Host": "evil.com"})[0] == 400
    with server.socket(origin="https://example.com"):
        pass
    with pytest.raises(InvalidStatus) as refusal:
        server.socket(origin="https://evil.com")
    assert refusal.value.response.status_code == 403
    assert len(server.workers.wait_for("websocket.disconnect")) == 1
    assert server.application.metrics.dropped == {"host": 1, "origin": 1}


def test_client_behind_a_proxy_reaches_the_worker(start):
    def answer(layer, message):
        layer.send(message["reply_channel"], {"status": 200})

    server = start({"http.request": answer}, trusted_proxies=("127.0.0.1",))
    server.get("/", {
        "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "Forwarded": "for=127.0.0.1;proto=http",
    })
    [message] = server.workers.wait_for("http.request")
    assert (message["client"], message["scheme"]) == (["192.0.2.1", 0], "https")
    assert b"forwarded" not in dict(message["headers"])


def test_client_behind_a_proxy_that_sets_forwarded_reaches_the_worker(start):
    def accept(layer, message):
        layer.send(message["reply_channel"], {"accept": True})

    server = start({"websocket.connect": accept}, trusted_proxies=("127.0.0.1",), forwarded_header="forwarded")
    with server.socket(additional_headers={"Forwarded": "for=192.0.2.1;proto=https", "X-Forwarded-For": "127.0.0.1"}):
        [message] = server.workers.wait_for("websocket.connect")
    assert (message["client"], message["scheme"]) == (["192.0.2.1", 0], "wss")
    assert b"x-forwarded-for" not in dict(message["headers"])
