"""
The spans of messages, by OpenTelemetry, on the Pythons that it runs on.

Their names and attributes are those of its semantic conventions for messaging.
"""
from __future__ import absolute_import, unicode_literals

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..names import non_local_name

#: The keys of a message that say which trace it belongs to: section 4.4 of the
#: message standard, W3C Trace Context.
TRACEPARENT, TRACESTATE = 'traceparent', 'tracestate'


class Tracer(object):
    """Makes a span for each send, and for each message that a consumer gets."""

    def __init__(self, tracer_provider=None):
        self._tracer = trace.get_tracer('django.channels', tracer_provider=tracer_provider)
        # Not the one that the process has set, which may write other headers:
        # these keys are the standard's.
        self._propagator = TraceContextTextMapPropagator()

    # Sending

    def traced(self, method, name, content):
        """Return a copy of what is sent to `name` by a layer's `method`, which says its trace."""
        attributes = {
            'messaging.system': 'channels', 'messaging.operation.type': 'send', 'messaging.destination.name': name,
        }
        span = self._tracer.start_span(
            '%s %s' % ('send to group' if method == 'send_group' else 'send', non_local_name(name)),
            kind=trace.SpanKind.PRODUCER, attributes=attributes,
        )
        keys = {}
        self._propagator.inject(keys, trace.set_span_in_context(span))
        span.end()
        if method == 'put_job':
            return dict(content, message=dict(content['message'], **keys))
        return dict(content, **keys)

    # Consuming

    def begin(self, task):
        """Return the MessageSpan of `task`, a Consumption, which begins now."""
        # An empty context: what the thread did before is no part of it.
        parent = self._propagator.extract(carrier_of(task.content), context.Context())
        attributes = {
            'messaging.system': 'channels', 'messaging.operation.type': 'process',
            'messaging.destination.name': task.channel, 'messaging.channels.attempt': task.attempt,
        }
        if task.receipt is not None:
            attributes['messaging.message.id'] = task.receipt.id
        return MessageSpan(task, self._tracer.start_span(
            'process %s' % non_local_name(task.channel), parent, kind=trace.SpanKind.CONSUMER, attributes=attributes,
        ))


class MessageSpan(object):
    """The span of one message: `task` is its Consumption, `span` is OpenTelemetry's."""
    __slots__ = ('_task', '_span')

    def __init__(self, task, span):
        self._task = task
        self._span = span

    def activate(self):
        """Make it the current one, in a context that nobody else has."""
        context.attach(trace.set_span_in_context(self._span))

    def fail(self, error):
        """Take note that the consumer raised `error`."""
        if self._span.is_recording():
            self._span.record_exception(error)
            self._span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))

    def end(self, outcome):
        """End it: the message came to `outcome` (text)."""
        if self._task.consumer_name:
            self._span.set_attribute('messaging.channels.consumer', self._task.consumer_name)
        self._span.set_attribute('messaging.channels.outcome', outcome)
        self._span.end()


def carrier_of(content):
    """
    Return a dict of what `content`, a message, says of its trace.

    That is under its own keys, or, in a request or a handshake, in headers of
    the same names.
    """
    found = {key: content[key] for key in (TRACEPARENT, TRACESTATE) if isinstance(content.get(key), str)}
    headers = content.get('headers')
    if TRACEPARENT in found or not isinstance(headers, (list, tuple)):
        return found
    for pair in headers:
        # The handler of the request checks them later.
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(part, bytes) for part in pair):
            name = pair[0].lower().decode('latin-1')
            if name in (TRACEPARENT, TRACESTATE):
                found[name] = pair[1].decode('latin-1')
    return found
