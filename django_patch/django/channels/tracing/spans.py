"""
The spans of messages, by OpenTelemetry, on the Pythons that it runs on.

Their names and attributes are those of its semantic conventions for messaging.
"""
from __future__ import absolute_import, unicode_literals

from opentelemetry import context, trace

from ..names import non_local_name
from .carriers import TRACEPARENT, TRACESTATE, context_of, keys_of, told_by_headers
from .sampling import LAST, SPAN_KEY, Sampling, UnsampledSpan, attach, get_current

# What is sent there goes to a client: a server makes no span of a message that
# says no trace, so that of one without spans need not be told. As long as the
# names' beginnings, which are compared with each name.
_UNTOLD = frozenset(['http.response.', 'http.response!', 'websocket.send'])
_BEGINNING = slice(len('websocket.send'))


class Tracer(object):
    """
    Makes a span for each send, and for each message that a consumer gets.

    Messages of a trace that isn't sampled have none, where the sampler obeys
    its parents as OpenTelemetry's own do: the trace is handed on alone.
    """

    def __init__(self, tracer_provider=None):
        self._sampling = Sampling('django.channels', tracer_provider)

    # Sending

    def traced(self, method, name, content):
        """Return what is sent to `name` by a layer's `method`, or a copy of it which says its trace."""
        # As trace.get_current_span(), without asking the abstract class.
        span, state = get_current().get(SPAN_KEY), None
        if type(span) is UnsampledSpan:
            if name[_BEGINNING] in _UNTOLD and '!' in name:
                return content
            parent, state = span.told()
            if parent is None:
                parent = self._sampling.decline()
        elif span is None or span is trace.INVALID_SPAN:
            parent = self._sampling.decline()
        else:
            parent, state = self._unsampled_by_others(span)
        if parent is None:
            parent, state = self._begin_and_end(method, name)
            if parent is None:
                return content
        elif name[_BEGINNING] in _UNTOLD and '!' in name:
            return content
        content = told = dict(content)
        if method == 'put_job':
            content['message'] = told = dict(content['message'])
        told[TRACEPARENT] = parent
        if state is not None:
            told[TRACESTATE] = state
        return content

    def _unsampled_by_others(self, span):
        """Return the values of the keys of the trace of `span` if it has no spans; else (None, None)."""
        if span.is_recording():
            return None, None
        current = span.get_span_context()
        if not current.is_valid or current.trace_flags.sampled or not self._sampling.obeys_parents():
            return None, None
        return _values_of(span)

    def _begin_and_end(self, method, name):
        """Make the span of a send; return the values of its keys."""
        attributes = {
            'messaging.system': 'channels', 'messaging.operation.type': 'send', 'messaging.destination.name': name,
        }
        span = self._sampling.tracer.start_span(
            '%s %s' % ('send to group' if method == 'send_group' else 'send', non_local_name(name)),
            kind=trace.SpanKind.PRODUCER, attributes=attributes,
        )
        values = _values_of(span)
        span.end()
        return values

    # Consuming

    def begin(self, task):
        """
        Begin the span of `task`, a Consumption, and make it the current one.

        Return the MessageSpan; None if it has none. The caller runs in a
        context that nobody else has.
        """
        content = carrier = task.content
        said = content.get(TRACEPARENT)
        if said is None and 'headers' in content:
            carrier = told_by_headers(content['headers'])
            said = carrier.get(TRACEPARENT)
        if type(said) is str and said[LAST] in self._sampling.unsampled_ends and TRACESTATE not in carrier:
            # Nearly all that end so are what they seem, and few are asked.
            span = UnsampledSpan()
            span.parent = said
            attach({SPAN_KEY: span})
            return None
        if carrier is content:
            carrier = carrier_of(content)
        span = self._sampling.unsampled(carrier)
        if span is not None:
            span.activate()
            return None
        # What the thread did before is no part of it.
        parent = context_of(carrier)
        attributes = {
            'messaging.system': 'channels', 'messaging.operation.type': 'process',
            'messaging.destination.name': task.channel, 'messaging.channels.attempt': task.attempt,
        }
        if task.receipt is not None:
            attributes['messaging.message.id'] = task.receipt.id
        span = MessageSpan(task, self._sampling.tracer.start_span(
            'process %s' % non_local_name(task.channel), parent, kind=trace.SpanKind.CONSUMER, attributes=attributes,
        ))
        span.activate()
        return span

    def unsampled(self):
        """Return the UnsampledSpan that begin() has made the current one, for another context; None if it isn't."""
        span = get_current().get(SPAN_KEY)
        return span if type(span) is UnsampledSpan else None


class MessageSpan(object):
    """The span of one message: `task` is its Consumption, `span` is OpenTelemetry's."""
    __slots__ = ('_task', '_span')

    def __init__(self, task, span):
        self._task = task
        self._span = span

    def activate(self):
        """Make it the current one, in a context that nobody else has."""
        context.attach(context.Context({SPAN_KEY: self._span}))

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


def _values_of(span):
    keys = keys_of(span)
    return keys.get(TRACEPARENT), keys.get(TRACESTATE)


def carrier_of(content):
    """
    Return a dict of what `content`, a message, says of its trace.

    That is under its own keys, or, in a request or a handshake, in headers of
    the same names.
    """
    found, parent = {}, content.get(TRACEPARENT)
    if isinstance(content.get(TRACESTATE), str):
        found[TRACESTATE] = content[TRACESTATE]
    if isinstance(parent, str):
        found[TRACEPARENT] = parent
        return found
    # A state alone says nothing.
    return told_by_headers(content.get('headers'))
