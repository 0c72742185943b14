"""
Metrics of a server, in the text formats of Prometheus and OpenMetrics.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.channels.histograms import BUCKETS, UNITS, Histogram

#: How they are sent, and as OpenMetrics, which ends with a line of its own.
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = "# EOF\n"

_PREFIX = "interface_server_"

#: Name, type, help, and samples: labels and value.
Family = tuple[str, str, str, Sequence[tuple[str, float]]]


_Key = TypeVar("_Key")


class Counts(dict[_Key, int]):
    """Numbers that begin with 0: as a Counter of collections, of which an assignment takes twice the time."""

    def __missing__(self, key: _Key) -> int:
        return 0


class Metrics:
    """The counters of one process; each is incremented where it happens."""

    def __init__(self) -> None:
        #: Responses by status.
        self.responses: Counts[int] = Counts()
        #: From a request's headers to the end of its response.
        self.request_seconds = Histogram()
        #: Messages by channel, as sent to the layer.
        self.messages_in: Counts[str] = Counts()
        #: Messages that came for clients, by protocol.
        self.messages_out: Counts[str] = Counts()
        #: Sockets by how they ended or were refused.
        self.sockets_opened = 0
        #: Those that came inside a connection of HTTP/2.
        self.tunnels = 0
        self.sockets_closed: Counts[int] = Counts()
        #: What was lost, by reason.
        self.dropped: Counts[str] = Counts()

    def facts(self) -> dict[str, Any]:
        """Return what the layer is told of them, so that the metrics of all processes are in one place."""
        durations = self.request_seconds
        return {
            "responses": {str(status): number for status, number in self.responses.items()},
            "closed": {str(code): number for code, number in self.sockets_closed.items()},
            "dropped": dict(self.dropped),
            "durations": durations.as_list(),
        }


def wants_openmetrics(accept: str) -> bool:
    """Return whether `accept`, a request's header, asks for OpenMetrics."""
    return "application/openmetrics-text" in accept.lower()


def exposition(families: Iterator[Family], is_open: bool = False) -> str:
    """
    Return the text of `families`: (name, type, help, [(labels, value), ...]).

    A name that ends with "_bucket", "_sum" or "_count" belongs to the family
    before it. If it `is_open`, it is of OpenMetrics, without the end, which
    others may come before.
    """
    lines: list[str] = []
    for name, kind, explanation, samples in families:
        if kind:
            lines += _head(_PREFIX + name, kind, explanation, is_open)
        for labels, value in samples:
            text = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            lines.append(f"{_PREFIX}{name}{{{labels}}} {text}" if labels else f"{_PREFIX}{name} {text}")
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, explanation: str, is_open: bool) -> Iterator[str]:
    if is_open and kind == "counter":
        # Of the samples, not of the family.
        name = name[:-len("_total")]
    yield f"# HELP {name} {explanation}"
    yield f"# TYPE {name} {kind}"
    unit = name.rpartition("_")[2]
    if is_open and unit in UNITS:
        yield f"# UNIT {name} {unit}"


def histogram_samples(name: str, explanation: str, histogram: Histogram) \
        -> Iterator[Family]:
    """Return the family of a histogram, in its parts."""
    count = 0
    buckets: list[tuple[str, float]] = []
    for bound, number in zip([*map(str, BUCKETS), "+Inf"], histogram.counts):
        count += number
        buckets.append((f'le="{bound}"', count))
    yield name, "histogram", explanation, ()
    yield f"{name}_bucket", "", "", buckets
    yield f"{name}_sum", "", "", [("", float(histogram.total))]
    yield f"{name}_count", "", "", [("", count)]
