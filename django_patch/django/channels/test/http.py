"""
HttpClient, which WSClient was called once.
"""
from __future__ import absolute_import

import warnings

from ..compat import RemovedAfterNextVersionWarning
from .websocket import WSClient


class HttpClient(WSClient):
    """Deprecated: use WSClient."""

    def __init__(self, *args, **kwargs):
        warnings.warn('HttpClient is deprecated: use WSClient.', RemovedAfterNextVersionWarning, stacklevel=2)
        super(HttpClient, self).__init__(*args, **kwargs)
