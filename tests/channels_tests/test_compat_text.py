"""Tests of what an exception says, as text."""
from __future__ import absolute_import, unicode_literals

import sys

from django.channels.compat import six
from django.channels.compat.text import text_of_error, text_of_traceback
from django.test import SimpleTestCase


class ErrorTests(SimpleTestCase):

    def test_it_is_text_whatever_the_exception_holds(self):
        for error in (ValueError('\xe9'), ValueError('\xe9'.encode('utf-8')), ValueError(b'\xe9'), ValueError()):
            self.assertIsInstance(text_of_error(error), six.text_type)
            try:
                raise error
            except ValueError:
                text = text_of_traceback(sys.exc_info())
            self.assertIsInstance(text, six.text_type)
            self.assertIn('test_it_is_text', text)

    def test_it_says_what_the_exception_says(self):
        self.assertEqual(text_of_error(ValueError('gone: \xe9')), 'gone: \xe9')
