"""
The sampling of traces: which messages have no spans, without being asked.

OpenTelemetry takes longer to say that a span isn't wanted than a worker takes
to find the consumer of a message. Its usual sampler obeys what the beginning
of a trace decided, and decides itself by the trace's number alone, so both can
be known before.
"""
from __future__ import absolute_import, unicode_literals

import re
import threading

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

#: The keys of a message that say which trace it belongs to: section 4.4 of the
#: message standard, W3C Trace Context.
TRACEPARENT, TRACESTATE = 'traceparent', 'tracestate'
# A trace that is not to be sampled, as its beginning decided: an even flag.
_UNSAMPLED = re.compile(r'00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][02468ace]\Z').match
# What a sampler says of itself if it leaves that decision as it is, and by
# which share of the numbers it decides where there is none.
_OBEYING = 'remoteParentNotSampled:AlwaysOffSampler', 'localParentNotSampled:AlwaysOffSampler'
_SHARE = re.compile(r'ParentBased\{root:(?:TraceIdRatioBased\{([0-9.e-]+)\}|AlwaysOffSampler),')
# The numbers of traces that are compared with the share have so many bits.
_LOW_BITS = (1 << 64) - 1

#: Under which key a Context has the current span.
[SPAN_KEY] = trace.set_span_in_context(trace.INVALID_SPAN, context.Context())


class Sampling(object):
    """
    What the spans named `name` are sampled by; `tracer` makes those that are.

    `provider` is a TracerProvider; None means the global one, which may be set
    later. Any sampler but OpenTelemetry's ParentBased is asked about each.
    """

    def __init__(self, name, provider=None):
        self._name = name
        self._provider = provider
        self._is_known = self._obeys = False
        self._ids = self._bound = None
        self.tracer = trace.get_tracer(name, tracer_provider=provider)
        self._learn()

    def unsampled_keys(self, carrier):
        """
        Return the keys of a trace without spans; None: ask the sampler.

        That is the trace that `carrier` tells of, a dict of its keys, or a new
        one if it tells of none.
        """
        if not self._is_known and not self._learn():
            return None
        parent = carrier.get(TRACEPARENT)
        if parent is not None:
            return carrier if self._obeys and _UNSAMPLED(parent) else None
        if self._bound is None:
            return None
        ids = self._ids
        number = ids.draw()
        if number & _LOW_BITS < self._bound:
            # Which decides: the sampler gets this number to see.
            ids.keep(number)
            return None
        return {TRACEPARENT: ids.unsampled % (number, ids.generate_span_id())}

    def obeys_parents(self):
        """Return whether a span has no chance whose parent isn't sampled."""
        return self._obeys or (not self._is_known and self._learn() and self._obeys)

    def _learn(self):
        """Find out about the sampler; return whether there is one."""
        provider = self._provider or trace.get_tracer_provider()
        sampler = getattr(provider, 'sampler', None)
        if sampler is None:
            return False
        self.tracer = provider.get_tracer(self._name)
        text = sampler.get_description()
        self._obeys = text.startswith('ParentBased{') and all(part in text for part in _OBEYING)
        share = _SHARE.match(text)
        generator = getattr(self.tracer, 'id_generator', None)
        if share and generator is not None and self._obeys:
            # As TraceIdRatioBased does.
            bound = int(round(float(share.group(1) or 0) * (_LOW_BITS + 1)))
            if bound <= _LOW_BITS:
                # The provider hands the same tracer out each time.
                self._ids = generator if isinstance(generator, _Ids) else _Ids(generator)
                self.tracer.id_generator = self._ids
                self._bound = bound
        self._is_known = True
        return True


class _Ids(object):
    """An IdGenerator whose next number of a trace, in a thread, may be known before."""

    def __init__(self, generator):
        self._generator = generator
        self._kept = threading.local()
        #: Draws another one.
        self.draw = generator.generate_trace_id
        self.generate_span_id = generator.generate_span_id
        is_random = getattr(generator, 'is_trace_id_random', None)
        #: What `traceparent` says of a trace that has no spans.
        self.unsampled = '00-%032x-%016x-' + ('02' if is_random and is_random() else '00')

    def __getattr__(self, name):
        # Older versions ask for less.
        return getattr(self._generator, name)

    def keep(self, number):
        """Have `number` be the next."""
        self._kept.number = number

    def generate_trace_id(self):
        """Return the number that was kept, once, or another one."""
        number = getattr(self._kept, 'number', None)
        if number is None:
            return self.draw()
        self._kept.number = None
        return number


class UnsampledSpan(trace.NonRecordingSpan):
    """
    Stands for the span of a message whose trace isn't sampled.

    `keys` say which that is. It is a MessageSpan as well, and the current one
    where that has been activated.
    """
    # Its class' constructor would do nothing else, once more for each message.
    _context = None

    def __init__(self, keys):
        self.keys = keys

    def get_span_context(self):
        """Return the context that the keys tell of."""
        # Few ask: it costs more than all else.
        if self._context is None:
            self._context = trace.get_current_span(context_of(self.keys)).get_span_context()
        return self._context

    def activate(self):
        """Make it the current one, in a context that nobody else has."""
        context.attach(context.Context({SPAN_KEY: self}))

    def fail(self, error):
        """As of a MessageSpan: nobody sees it."""


def context_of(carrier):
    """Return a Context of the trace that `carrier`, a dict of its keys, tells of, and of nothing else."""
    # Not the propagator that the process has set, which may read other
    # headers: these keys are the standard's.
    return TraceContextTextMapPropagator().extract(carrier, context.Context())


def keys_of(span):
    """Return the keys of a message that belongs to the trace of `span`; none if it has no trace."""
    # As a propagator writes them, which takes several times as long.
    found = span.get_span_context()
    if not found.is_valid:
        return {}
    keys = {TRACEPARENT: '00-%032x-%016x-%02x' % (found.trace_id, found.span_id, found.trace_flags)}
    if found.trace_state:
        keys[TRACESTATE] = found.trace_state.to_header()
    return keys
