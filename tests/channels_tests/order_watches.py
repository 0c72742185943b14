"""The watch over the order of sockets, while a test runs."""
from __future__ import absolute_import, unicode_literals

from django.channels import waiting_room
from django.channels.order_watch import OrderWatch
from django.db import close_old_connections


class OrderWatchTestCase(object):
    """
    A mixin for tests with messages that are early.

    The process' own watch would look after their sockets half a minute later,
    and log into whatever test runs by then that it can't.
    """

    def setUp(self):
        super(OrderWatchTestCase, self).setUp()
        self.assertIsNone(
            waiting_room._watch._thread, 'a test before this one has early messages, and lacks this mixin')
        watch = OrderWatch(waiting_room._look_after, tidy=close_old_connections)
        self.addCleanup(watch.stop)
        self.addCleanup(setattr, waiting_room, '_watch', waiting_room._watch)
        waiting_room._watch = watch
