"""
The answers of a worker with --management, by HTTP.
"""
from __future__ import absolute_import, unicode_literals

import functools

from ..monitoring import exposition, families
from ..monitoring.endpoint import Endpoint


def make_endpoint(address, vitals, layer, alias, activity, name, is_patient):
    """Return the Endpoint at `address` of the process `name`, whose Activity is `activity`."""
    host, port = address
    return Endpoint(host, port, vitals, functools.partial(render, layer, alias, activity, name), is_patient)


def render(layer, alias, activity, name, accept, of_all=False):
    """Return the metrics of the process, or of all, as exposition.render() does."""
    if of_all and layer.supports_presence:
        return exposition.render(accept, lambda: families.told(families.everything, layer, alias))
    sources = [lambda: families.of_activity(activity.numbers(), name)]
    if layer.supports_inspection:
        sources.append(lambda: families.told(families.of_layer, layer, alias))
    return exposition.render(accept, *sources)
