"""
The sampling of traces: which messages have no spans, without being asked.

OpenTelemetry takes longer to say that a span isn't wanted than a worker takes
to find the consumer of a message. Its usual sampler obeys what the beginning
of a trace decided, and decides itself by the trace's number alone, so both can
be known before.
"""
from __future__ import absolute_import, unicode_literals

import os
import re
import struct
import threading
import weakref
from binascii import hexlify

from opentelemetry import context, trace
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from ..compat.forks import call_in_forked, hears_of_all_forks
from .carriers import TRACEPARENT, TRACESTATE, context_of, keys_of

#: The last digit of a `traceparent`, and whatever is behind it.
LAST = slice(54, None)
# A trace that is not to be sampled, as its beginning decided: an even flag.
_UNSAMPLED = re.compile(r'00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][02468ace]\Z').match
# What such a one ends with.
_EVEN = frozenset('02468ace')
# What a sampler says of itself if it leaves that decision as it is, and by
# which share of the numbers it decides where there is none.
_OBEYING = 'remoteParentNotSampled:AlwaysOffSampler', 'localParentNotSampled:AlwaysOffSampler'
_SHARE = re.compile(r'ParentBased\{root:(?:TraceIdRatioBased\{([0-9.e-]+)\}|AlwaysOffSampler),')
# The numbers of traces that are compared with the share have so many bits.
_LOW_BITS = (1 << 64) - 1
# How many traces get their numbers at once, in a process that no other one
# can be a copy of without being told.
_AT_ONCE = 256 if hears_of_all_forks else 1
_NUMBERS = struct.Struct(str('16s' * _AT_ONCE))

# What keeps the current Context: the functions of the module `context` ask it.
# Older versions load it when they are asked first.
context.get_current()
_runtime = getattr(context, '_RUNTIME_CONTEXT', context)
_variable = getattr(_runtime, '_current_context', None)
#: As those of `context`, without three calls for each message.
get_current, attach = (_variable.get, _variable.set) if type(_variable).__name__ == 'ContextVar' else (
    _runtime.get_current, _runtime.attach)

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
        #: What the `traceparent` of a trace without spans has at LAST, as soon
        #: as that is known; so may what is no `traceparent`.
        self.unsampled_ends = frozenset()
        self.tracer = trace.get_tracer(name, tracer_provider=provider)
        #: Returns whether a `traceparent` (text) is of a trace without spans.
        self.is_declined = self._is_declined
        #: Begins a trace without spans: returns its `traceparent`; None: ask
        #: the sampler, which may want it.
        self.decline = self._decline
        self._learn()

    # The two until the sampler is known.

    def _is_declined(self, parent):
        return self.obeys_parents() and _UNSAMPLED(parent)

    def _decline(self):
        if not self._is_known and self._learn():
            return self.decline()
        return None

    def declined(self, carrier):
        """
        Return the `traceparent` of a trace without spans; None: ask for one.

        That is the trace that `carrier` tells of, a dict of its keys, or a new
        one if it tells of none.
        """
        parent = carrier.get(TRACEPARENT)
        if parent is None:
            return self.decline()
        return parent if self.is_declined(parent) else None

    def unsampled(self, carrier):
        """Return the UnsampledSpan of a trace of which declined() knows, else None."""
        parent = self.declined(carrier)
        if parent is None:
            return None
        return unsampled_span(parent, carrier.get(TRACESTATE) if TRACEPARENT in carrier else None)

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
                ids = generator if isinstance(generator, _Ids) else _Ids(generator)
                self.tracer.id_generator = ids
                self.decline = ids.decliner(bound)
        if self._obeys:
            self.is_declined, self.unsampled_ends = _UNSAMPLED, _EVEN
        self._is_known = True
        return True


class _Ids(object):
    """An IdGenerator whose next number of a trace, in a thread, may be known before."""

    def __init__(self, generator):
        self._generator = generator
        #: What begins the next traces; see decliner().
        self.ready = []
        self._kept = threading.local()
        self._draw = generator.generate_trace_id
        is_random = getattr(generator, 'is_trace_id_random', None)
        self._flags = '02' if is_random and is_random() else '00'

    def decliner(self, bound):
        """Return what begins a trace: `traceparent` if it has no spans, else None; `bound` is the sampler's."""
        # There is no such span, so one number will do for all.
        end = '-%016x-%s' % (self._generator.generate_span_id(), self._flags)
        draw, keep = self._draw, self.keep
        if type(self._generator) is RandomIdGenerator and 'generate_trace_id' not in vars(self._generator):
            # It takes any random bits. Half of them are enough to tell the
            # traces of a process apart, and decide.
            start, least, last = [text.encode('ascii') for text in (
                '00-%016x' % (draw() >> 64), '%016x' % bound, end)]
            between, ready = last + b' ' + start, self.ready
            take = ready.pop
            _all_ids.add(self)

            def draw_many():
                # In few calls, however many there are.
                numbers = _NUMBERS.unpack(hexlify(os.urandom(8 * _AT_ONCE)))
                texts = (start + between.join(numbers) + last).decode('ascii').split(' ')
                ready.extend(texts if not bound else [
                    text if number >= least else int(start[3:] + number, 16) for number, text in zip(numbers, texts)
                ])

            def decline():
                while True:
                    try:
                        parent = take()
                    except IndexError:
                        draw_many()
                        continue
                    if type(parent) is str:
                        return parent
                    # The sampler gets this number to see.
                    keep(parent)
                    return None
        else:
            text = '00-%032x' + end

            def decline():
                number = draw()
                if number & _LOW_BITS < bound:
                    keep(number)
                    return None
                return text % number
        return decline

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
            return self._draw()
        self._kept.number = None
        return number


#: Those with something `ready`.
_all_ids = weakref.WeakSet()


def _forget():
    # The other process has the same.
    for ids in _all_ids:
        del ids.ready[:]


call_in_forked(_forget)


class UnsampledSpan(trace.NonRecordingSpan):
    """
    Stands for the span of a message whose trace isn't sampled.

    It is a MessageSpan as well, and the current one where that has been
    activated.
    """
    #: The values of TRACEPARENT, which its maker sets, and TRACESTATE.
    #: They may be none at all if they only looked so: told() knows.
    parent = state = None
    _context = None
    # A constructor of Python's would be one more call for each message.
    __init__ = object.__init__

    def told(self):
        """Return what else belongs to the trace is told of it, `parent` and `state`; (None, None) if it is none."""
        if _UNSAMPLED(self.parent):
            return self.parent, self.state
        # A later version's, or none.
        keys = keys_of(trace.get_current_span(self._read()))
        return keys.get(TRACEPARENT), keys.get(TRACESTATE)

    def get_span_context(self):
        """Return the context that the keys tell of."""
        # Few ask: it costs more than all else.
        if self._context is None:
            self._context = trace.get_current_span(self._read()).get_span_context()
        return self._context

    def _read(self):
        keys = ((TRACEPARENT, self.parent), (TRACESTATE, self.state))
        return context_of({key: value for key, value in keys if value is not None})

    def activate(self):
        """Make it the current one, in a context that nobody else has."""
        # As a Context, which takes several times as long to make, does for
        # those who read it and those who copy it.
        attach({SPAN_KEY: self})

    def fail(self, error):
        """As of a MessageSpan: nobody sees it."""


def unsampled_span(parent, state=None):
    """Return the UnsampledSpan with these values of TRACEPARENT and TRACESTATE."""
    span = UnsampledSpan()
    span.parent, span.state = parent, state
    return span
