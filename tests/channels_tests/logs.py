"""What channels log while a test runs."""
from __future__ import absolute_import, unicode_literals

import logging

from django.channels.compat import six


class LogTestCase(object):
    """
    A mixin that keeps the log of `django.channels` off the console.

    SimpleTestCase.assertLogs() is not there on Python 2.
    """

    def setUp(self):
        super(LogTestCase, self).setUp()
        self._stream = six.StringIO()
        handler = logging.StreamHandler(self._stream)
        logger = logging.getLogger('django.channels')
        before = logger.level, logger.propagate, list(logger.handlers)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.DEBUG)

        def restore():
            logger.setLevel(before[0])
            logger.propagate = before[1]
            logger.handlers = before[2]

        self.addCleanup(restore)

    def log(self):
        """Return what was logged, as text."""
        return self._stream.getvalue()

    def assertLogged(self, *texts):
        for text in texts:
            self.assertIn(text, self.log())
