"""
Exposition of metrics to Prometheus, by the library prometheus_client.

It is optional: a request for metrics without it is told how to install it.
"""
from __future__ import absolute_import, unicode_literals

from ..compat import six
from ..histograms import UNITS
from . import families

#: What to do where the library is missing.
INSTALL = "Metrics need the package prometheus_client, 0.4 or later: pip install -U prometheus-client"


def library():
    """Return the module prometheus_client; raise ImportError, which says how to install it."""
    try:
        import prometheus_client
        import prometheus_client.core
        # Before 0.4 it has counters of other names, and no OpenMetrics.
        import prometheus_client.openmetrics.exposition
    except ImportError as error:
        six.raise_from(ImportError('%s (%s)' % (INSTALL, error)), error)
    return prometheus_client


class ChannelsCollector(object):
    """
    What prometheus_client collects: `collect()` gives the families of a site.

    `sources` is a list of functions that return lists of Family. Register it
    in a registry of your own, or in prometheus_client.REGISTRY beside others.
    """

    def __init__(self, *sources):
        self._sources = sources
        self._core = library().core

    def describe(self):
        """Return no families: what there is shows when it is collected."""
        return []

    def collect(self):
        """Yield the families as prometheus_client has them."""
        found = []
        for source in self._sources:
            found = families.merged(found, source())
        for family in found:
            yield self._translated(family)

    def _translated(self, family):
        metric = self._with_samples(family)
        unit = family.name.rpartition('_')[2]
        if unit in UNITS:
            # Not an argument: the oldest versions of the library have none.
            metric.unit = unit
        return metric

    def _with_samples(self, family):
        core = self._core
        if family.kind == families.HISTOGRAM:
            metric = core.HistogramMetricFamily(family.name, family.help, labels=family.labels)
            for labels, values in family.samples:
                buckets, total = families.cumulative(values)
                metric.add_metric(labels, buckets, total)
            return metric
        maker = core.CounterMetricFamily if family.kind == families.COUNTER else core.GaugeMetricFamily
        metric = maker(family.name, family.help, labels=family.labels)
        for labels, value in family.samples:
            metric.add_metric(labels, value)
        return metric


def render(accept, *sources):
    """
    Return (content type, bytes) of the metrics of `sources`.

    In OpenMetrics if `accept`, a request's header (text), asks for it, else
    in the text format of Prometheus. Raise ImportError without the library.
    """
    client = library()
    registry = client.CollectorRegistry()
    registry.register(ChannelsCollector(*sources))
    if 'application/openmetrics-text' in (accept or ''):
        exposition = client.openmetrics.exposition
        return exposition.CONTENT_TYPE_LATEST, exposition.generate_latest(registry)
    return client.CONTENT_TYPE_LATEST, client.generate_latest(registry)
