"""
Signals around consumers and workers.
"""
from __future__ import absolute_import

from django.db import close_old_connections, reset_queries
from django.dispatch import Signal

#: Sent before a consumer runs; the arguments of request_started.
consumer_started = Signal(use_caching=True)
#: Sent after a consumer has run, whether it succeeded or raised.
consumer_finished = Signal(use_caching=True)
#: Sent by a worker thread before it receives its first message.
worker_ready = Signal()
#: Sent once by a worker process, before its first thread is ready.
worker_process_ready = Signal()

# What django.db does around a request holds around a consumer, too.
consumer_started.connect(reset_queries, dispatch_uid='channels.reset_queries')
consumer_started.connect(close_old_connections, dispatch_uid='channels.close_old_connections')
consumer_finished.connect(close_old_connections, dispatch_uid='channels.close_old_connections')
