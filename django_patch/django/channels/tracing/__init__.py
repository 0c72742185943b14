"""
Tracing: one trace follows a message through senders, consumers and groups.

It is off until enable() is called, or CHANNEL_TRACING is set, and then costs
one test of an attribute a message. OpenTelemetry, which does the work, is
imported when it is enabled, and not before.
"""
from __future__ import absolute_import

import sys

from ..compat import six

__all__ = ['disable', 'enable']

#: What to do where the library is missing.
INSTALL = 'Tracing needs the package opentelemetry-sdk: pip install opentelemetry-sdk'

#: What traces, a Tracer, or None.
tracer = None


def enable(tracer_provider=None):
    """
    Trace messages from now on, with OpenTelemetry.

    `tracer_provider` is one of its TracerProviders; None means the global one,
    which opentelemetry.trace.set_tracer_provider() sets. Raise ImportError,
    which says what to install, where OpenTelemetry is not installed.
    """
    global tracer
    try:
        from .spans import Tracer
    except ImportError as error:
        six.raise_from(ImportError('%s (%s)' % (INSTALL, error)), error)
    tracer = Tracer(tracer_provider)


def disable():
    """Trace nothing from now on."""
    global tracer
    tracer = None


def flush():
    """
    Have the global tracer provider hand out the spans that wait there.

    It does so by itself at the end of a program, but not of a forked process.
    """
    api = sys.modules.get('opentelemetry.trace')
    if api is not None:
        # The API alone, without the SDK, has providers that keep nothing.
        getattr(api.get_tracer_provider(), 'force_flush', bool)()
