"""
Spans of the server, by the real OpenTelemetry, where it is installed.
"""
import re
import subprocess
import sys
import types

import pytest
from conftest import eventually
from django.channels import tracing

trace = pytest.importorskip("opentelemetry.trace")

from django.channels.tracing.spans import Tracer  # noqa: E402: needs the line above
from opentelemetry import context as contexts  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: E402

from interface_server.app.server_spans import ServerTracer  # noqa: E402

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}


@pytest.fixture(scope="module")
def provider():
    provider = TracerProvider()
    # The process has one, and keeps it.
    trace.set_tracer_provider(provider)
    return provider


@pytest.fixture
def exporter(provider):
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield exporter
    processor.shutdown()


def named(exporter, name, count=1):
    """Return the spans of a name once there are as many as `count`."""
    def found():
        spans = [span for span in exporter.get_finished_spans() if span.name == name]
        return spans if len(spans) >= count else None
    spans = eventually(found, f"span {name}")
    assert len(spans) == count
    return spans


def consume(layer, channel, message):
    """Be a consumer that sends to a group, as a worker traces it."""
    tracer = Tracer()
    task = types.SimpleNamespace(content=message, channel=channel, attempt=1, receipt=None, consumer_name="test")
    before = contexts.get_current()
    span = tracer.begin(task)
    span.activate()
    layer.send_group("room", tracer.traced("send_group", "room", {"text": message["text"]}))
    span.end("handled")
    contexts.attach(before)


def connect(layer, message):
    layer.group_add("room", message["reply_channel"])
    layer.send(message["reply_channel"], {"accept": True})


def test_one_trace_shows_a_frame_its_consumer_the_group_and_its_sockets(start, exporter):
    server = start({
        "websocket.connect": connect,
        "websocket.receive": lambda layer, message: consume(layer, "websocket.receive", message),
    }, tracing=True)
    with server.socket("/chat/", additional_headers=HEADERS) as one, server.socket("/chat/") as two:
        one.send("hello")
        assert [socket.recv(30) for socket in (one, two)] == ["hello", "hello"]
        chain = [named(exporter, name)[0] for name in (
            "websocket.receive", "process websocket.receive", "send to group room", "deliver websocket.send")]
    assert [span.parent and span.parent.span_id for span in chain] == [
        None, *(span.context.span_id for span in chain[:-1])]
    assert {span.context.trace_id for span in chain} == {chain[0].context.trace_id}
    # One for both members: their server is one process.
    assert chain[-1].attributes["messaging.batch.message_count"] == 2
    assert chain[-1].kind is trace.SpanKind.CONSUMER
    # The socket's own beginning is a link away, in the trace of its client.
    handshakes = {span.context.span_id: span for span in named(exporter, "WebSocket handshake", 2)}
    [link] = chain[0].links
    handshake = handshakes[link.context.span_id]
    assert (f"{handshake.context.trace_id:032x}", f"{handshake.parent.span_id:016x}") == (TRACE, PARENT)
    # So are their ends, whose consumers go on from them.
    ends = named(exporter, "websocket.disconnect", 2)
    assert {span.links[0].context.span_id for span in ends} == set(handshakes)
    said = server.workers.wait_for("websocket.disconnect")[0]["traceparent"]
    assert said.split("-")[2] in [f"{span.context.span_id:016x}" for span in ends]
    assert handshake.attributes["http.response.status_code"] == 101
    # Workers go on with the handshake's span.
    message = next(
        message for message in server.workers.wait_for("websocket.connect") if ["tracestate", "a=b"] in [
            [name.decode(), value.decode()] for name, value in message["headers"]])
    [said] = [value for name, value in message["headers"] if name == b"traceparent"]
    assert said.decode().split("-")[1:3] == [TRACE, f"{handshake.context.span_id:016x}"]


def answer(layer, message):
    headers = [[name, value] for name, value in message["headers"] if name.startswith(b"trace")]
    layer.send(message["reply_channel"], {
        "status": int(message["path"].strip("/")), "headers": headers, "content": b"", "more_content": False,
    })


def test_a_request_is_a_span_that_its_message_goes_on_from(start, exporter):
    server = start({"http.request": answer}, tracing=True)
    status, headers, _ = server.get("/200", HEADERS)
    [span] = named(exporter, "GET")
    assert (status, span.attributes["http.response.status_code"]) == (200, 200)
    assert span.attributes["url.path"] == "/200"
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert headers["traceparent"].split("-")[1:3] == [TRACE, f"{span.context.span_id:016x}"]
    assert (headers["tracestate"], span.kind) == ("a=b", trace.SpanKind.SERVER)
    exporter.clear()
    # Any text may be a method, and what is no trace begins one.
    server.request("BREW", "/500", headers={"traceparent": "x"})
    [span] = named(exporter, "HTTP")
    assert (span.attributes["http.request.method"], span.parent) == ("_OTHER", None)
    assert span.status.status_code is trace.StatusCode.ERROR


def test_what_is_not_sampled_has_no_spans_and_is_handed_on_as_it_is(start, exporter):
    server = start({"http.request": answer, "websocket.connect": connect}, tracing=True)
    unsampled = {"traceparent": f"00-{TRACE}-{PARENT}-00", "tracestate": "a=b"}
    status, headers, _ = server.get("/200", unsampled)
    assert (status, {name: headers[name] for name in unsampled}) == (200, unsampled)
    with server.socket("/", additional_headers=unsampled) as socket:
        server.workers.layer.send_group("room", {"text": "hello", **unsampled})
        assert socket.recv(30) == "hello"
        assert exporter.get_finished_spans() == ()
        # What comes from the socket begins a trace, about which the sampler is asked.
        socket.send("hello")
        [span] = named(exporter, "websocket.receive")
    [link] = span.links
    assert (f"{link.context.trace_id:032x}", link.context.trace_flags.sampled) == (TRACE, False)
    assert [span.name for span in named(exporter, "websocket.disconnect")] == ["websocket.disconnect"]
    assert len(exporter.get_finished_spans()) == 2


def test_a_trace_that_begins_here_and_is_not_sampled_says_so():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0)))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = ServerTracer(provider)
    scope = {"path": "/", "headers": [(b"host", b"a"), (b"tracestate", b"a=b")]}
    handshake = tracer.begin_handshake(scope)
    message = {"path": "/", "order": 1}
    handshake.stamp(message)
    handshake.end(101)
    [(_, said)] = scope["headers"][1:]
    for text in (said.decode(), message["traceparent"]):
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[02]", text)
    assert tracer.begin_delivery("websocket.send.p!c", {"text": "", **message}, 2) is None
    assert exporter.get_finished_spans() == ()


def test_a_state_in_several_headers_is_one():
    tracer = ServerTracer(TracerProvider())
    scope = {"path": "/", "headers": [
        (name.encode(), value.encode()) for name, value in (*HEADERS.items(), ("tracestate", "c=d"))
    ]}
    tracer.begin_handshake(scope).end(101)
    assert [value for name, value in scope["headers"] if name == b"tracestate"] == [b"a=b,c=d"]


def test_a_handshake_that_is_denied_says_so(start, exporter):
    server = start({
        "websocket.connect": lambda layer, message: layer.send(message["reply_channel"], {"accept": False}),
    }, tracing=True)
    with pytest.raises(Exception, match="403"):
        server.socket("/")
    assert named(exporter, "WebSocket handshake")[0].attributes["http.response.status_code"] == 403


def test_without_the_option_nothing_is_added(start, exporter):
    server = start({"http.request": answer, "websocket.connect": connect})
    assert tracing.tracer is None
    assert server.get("/200", HEADERS)[1]["traceparent"] == HEADERS["traceparent"]
    with server.socket("/") as socket:
        socket.send("hello")
        assert "traceparent" not in server.workers.wait_for("websocket.receive")[0]
    assert exporter.get_finished_spans() == ()


def test_without_the_library_the_command_says_how_to_install_it():
    code = (
        "import sys; sys.modules['opentelemetry'] = None; from interface_server.cli import main; "
        "main(['--tracing', '--redis', 'redis://localhost:1/'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "--tracing needs the package opentelemetry-sdk: pip install opentelemetry-sdk" in ended.stderr
