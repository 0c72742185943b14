"""
The spans of messages, by OpenTelemetry, on the Pythons that it runs on.

Their names and attributes are those of its semantic conventions for messaging.
"""
from __future__ import absolute_import, unicode_literals

import re

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..names import non_local_name

#: The keys of a message that say which trace it belongs to: section 4.4 of the
#: message standard, W3C Trace Context.
TRACEPARENT, TRACESTATE = 'traceparent', 'tracestate'
# The lengths of these names: other headers aren't looked at closer.
_LENGTHS = len(TRACEPARENT), len(TRACESTATE)
# A trace that is not to be sampled, as its beginning decided: an even flag.
_UNSAMPLED = re.compile(r'00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][02468ace]\Z')
# What a sampler says of itself if it leaves that decision as it is.
_OBEYING = 'remoteParentNotSampled:AlwaysOffSampler', 'localParentNotSampled:AlwaysOffSampler'


class Tracer(object):
    """
    Makes a span for each send, and for each message that a consumer gets.

    Messages of a trace that isn't sampled have none, where the sampler obeys
    its parents as OpenTelemetry's own do: the trace is handed on alone.
    """

    def __init__(self, tracer_provider=None):
        self._provider = tracer_provider
        self._obeys = None
        self._tracer = trace.get_tracer('django.channels', tracer_provider=tracer_provider)
        # Not the one that the process has set, which may write other headers:
        # these keys are the standard's.
        self._propagator = TraceContextTextMapPropagator()

    # Sending

    def traced(self, method, name, content):
        """Return a copy of what is sent to `name` by a layer's `method`, which says its trace."""
        keys = self._unsampled_keys() or self._keys_of_span(method, name)
        if method == 'put_job':
            return dict(content, message=dict(content['message'], **keys))
        return dict(content, **keys)

    def _unsampled_keys(self):
        """Return the keys of the current trace if it isn't sampled and so has no spans; else None."""
        span = trace.get_current_span()
        # isinstance() would ask the abstract class, which takes long.
        if type(span) is UnsampledSpan:
            return span.keys
        if span is trace.INVALID_SPAN or span.is_recording():
            return None
        current = span.get_span_context()
        if not current.is_valid or current.trace_flags.sampled or not self._obeys_parents():
            return None
        keys = {}
        self._propagator.inject(keys)
        return keys

    def _keys_of_span(self, method, name):
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
        return keys

    # Consuming

    def begin(self, task):
        """Return the MessageSpan of `task`, a Consumption, which begins now."""
        carrier = carrier_of(task.content)
        if _UNSAMPLED.match(carrier.get(TRACEPARENT, '')) and self._obeys_parents():
            return MessageSpan(task, UnsampledSpan(carrier))
        # An empty context: what the thread did before is no part of it.
        parent = self._propagator.extract(carrier, context.Context())
        attributes = {
            'messaging.system': 'channels', 'messaging.operation.type': 'process',
            'messaging.destination.name': task.channel, 'messaging.channels.attempt': task.attempt,
        }
        if task.receipt is not None:
            attributes['messaging.message.id'] = task.receipt.id
        return MessageSpan(task, self._tracer.start_span(
            'process %s' % non_local_name(task.channel), parent, kind=trace.SpanKind.CONSUMER, attributes=attributes,
        ))

    def _obeys_parents(self):
        """Return whether a span has no chance whose parent isn't sampled."""
        if self._obeys is None:
            # The global provider may be set later than this is made.
            sampler = getattr(self._provider or trace.get_tracer_provider(), 'sampler', None)
            if sampler is None:
                return False
            text = sampler.get_description()
            self._obeys = text.startswith('ParentBased{') and all(part in text for part in _OBEYING)
        return self._obeys


class UnsampledSpan(trace.NonRecordingSpan):
    """Stands for the span of a message whose trace isn't sampled; `keys` say which that is."""

    def __init__(self, keys):
        super(UnsampledSpan, self).__init__(trace.INVALID_SPAN_CONTEXT)
        self.keys = keys

    def get_span_context(self):
        """Return the context that the keys tell of."""
        # Few ask: it costs more than all else.
        if self._context is trace.INVALID_SPAN_CONTEXT:
            found = TraceContextTextMapPropagator().extract(self.keys, context.Context())
            self._context = trace.get_current_span(found).get_span_context()
        return self._context


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
        if not self._span.is_recording():
            return
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
        if (isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(part, bytes) for part in pair)
                and len(pair[0]) in _LENGTHS):
            name = pair[0].lower().decode('latin-1')
            if name in (TRACEPARENT, TRACESTATE):
                found[name] = pair[1].decode('latin-1')
    return found
