"""
Signals around consumers and workers.
"""
from __future__ import absolute_import

import logging
import threading

from django.db import reset_queries
from django.db.backends.signals import connection_created
from django.dispatch import Signal

from .compat.transactions import made_connections

#: Sent by a worker thread before it receives its first message.
worker_ready = Signal()
#: Sent once by a worker process, before its first thread is ready.
worker_process_ready = Signal()

#: Sent by a worker that has refused a WebSocket's handshake, with `message`
#: and `reason`, a sentence. Not sent where a consumer answered by itself.
handshake_refused = Signal()

# What django.db does around a request holds around a consumer, too. To look
# at connections takes longer than many a consumer, so a thread that has never
# had one is spared it; and none is made for it, at which Django would look
# with each request.

logger = logging.getLogger('django.channels')


class _Thread(threading.local):
    #: Has this thread had a connection? None: not known.
    has_connected = None
    #: The connections that were in a transaction before the consumer; None
    #: before the first.
    in_transaction = None


_thread = _Thread()


def _look_for_connections():
    # Some may have been made before this module was there.
    _thread.has_connected = any(connection.connection is not None for connection in made_connections())


def note_connection(**kwargs):
    """Remember that this thread has a connection to a database."""
    _thread.has_connected = True


def has_connected():
    """Return whether this thread has had a connection to a database."""
    if _thread.has_connected is None:
        _look_for_connections()
    return _thread.has_connected


def prepare_connections(**kwargs):
    """Do to this thread's connections what is due before a consumer."""
    _thread.in_transaction = []
    if _thread.has_connected is None:
        _look_for_connections()
    if _thread.has_connected:
        reset_queries()
        # Those of a TestCase are, which has not disconnected this.
        _thread.in_transaction = [connection for connection in made_connections() if connection.in_atomic_block]
        _close_old()


def tidy_connections(**kwargs):
    """Do to this thread's connections what is due after a consumer."""
    if _thread.has_connected is None:
        _look_for_connections()
    if _thread.has_connected:
        if _thread.in_transaction is None:
            # A test has sent the signal alone, in a transaction of its own.
            _thread.in_transaction = [connection for connection in made_connections() if connection.in_atomic_block]
        for connection in made_connections():
            if connection.in_atomic_block and connection not in _thread.in_transaction:
                _end_transaction(connection)
        _close_old()


def _close_old():
    """As close_old_connections(), but for those whose transaction is none of the consumer's."""
    for connection in made_connections():
        if connection not in _thread.in_transaction:
            connection.close_if_unusable_or_obsolete()


def _end_transaction(connection):
    logger.error(
        'A consumer left a transaction of the database %s open; it was rolled back. Use "with transaction.atomic()".',
        connection.alias,
    )
    connection.in_atomic_block = connection.needs_rollback = False
    connection.savepoint_ids, connection.run_on_commit = [], []
    if hasattr(connection, 'atomic_blocks'):
        connection.atomic_blocks = []
    try:
        connection.rollback()
        connection.set_autocommit(connection.settings_dict['AUTOCOMMIT'])
    finally:
        connection.close()


class ConsumerSignal(Signal):
    """
    A signal around consumers, of which each message has one.

    Its first receiver is `receiver`, to which the arguments are nothing. Where
    there is no other, it is called without a search for those that want to
    hear of the sender.
    """

    def __init__(self, receiver):
        super(ConsumerSignal, self).__init__(use_caching=True)
        self._receiver = receiver
        self.connect(receiver)
        self._key = self.receivers[0][0]

    def send(self, sender, **named):
        receivers = self.receivers
        if len(receivers) == 1 and receivers[0][0] == self._key:
            return [(self._receiver, self._receiver())]
        return super(ConsumerSignal, self).send(sender, **named)


#: Sent before a consumer runs; the arguments of request_started.
consumer_started = ConsumerSignal(prepare_connections)
#: Sent after a consumer has run, whether it succeeded or raised.
consumer_finished = ConsumerSignal(tidy_connections)

connection_created.connect(note_connection)
