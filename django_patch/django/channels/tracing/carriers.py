"""
Carriers: what messages, headers and contexts say of their trace.

A carrier is a dict of text with the keys TRACEPARENT and TRACESTATE, as far as
they are known.
"""
from __future__ import absolute_import, unicode_literals

from opentelemetry import context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

#: The keys of a message that say which trace it belongs to: section 4.4 of the
#: message standard, W3C Trace Context.
TRACEPARENT, TRACESTATE = 'traceparent', 'tracestate'
# The headers of these names, and their lengths: others aren't looked into.
_HEADERS = {key.encode('ascii'): key for key in (TRACEPARENT, TRACESTATE)}
_LENGTHS = len(TRACEPARENT), len(TRACESTATE)


def context_of(carrier):
    """Return a Context of the trace that `carrier`, a dict of its keys, tells of, and of nothing else."""
    # Not the propagator that the process has set, which may read other
    # headers: these keys are the standard's.
    return TraceContextTextMapPropagator().extract(carrier, context.Context())


def told_by_headers(headers):
    """
    Return a carrier of what `headers`, [(name, value), ...] in bytes, say.

    The parts of a list are put together (W3C Trace Context 3.3.1.1); else the
    first of a name counts. What others have put there may be anything.
    """
    found = {}
    for pair in headers if isinstance(headers, (list, tuple)) else ():
        # The handler of the request checks them later.
        try:
            name, value = pair
            if len(name) in _LENGTHS and name in _HEADERS:
                key, text = _HEADERS[name], value.decode('latin-1')
                if key not in found:
                    found[key] = text
                elif key == TRACESTATE:
                    found[key] += ',' + text
        except (AttributeError, TypeError, ValueError):
            continue
    return found


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
