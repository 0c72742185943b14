"""tests/quick.py: some tests from the checkout, without a wheel."""
from __future__ import absolute_import

import os
import sys
import unittest

import pytest

from . import support

QUICK = os.path.join(support.CHECKOUT, 'tests', 'quick.py')


@pytest.mark.once_for_python
class QuickTests(unittest.TestCase):

    def test_a_class_of_tests_runs(self):
        finished = support.run([sys.executable, QUICK, 'test_routing.RoutingTests'])
        self.assertEqual(finished.status, 0, finished.errors)
        self.assertIn('\nRan ', finished.errors)

    @unittest.skipIf(support.is_patched(), 'django.channels is part of this Django, which comes first.')
    def test_the_checkout_is_tested_and_not_the_wheel_that_is_installed(self):
        code = 'import quick; quick.use_checkout(); import django.channels; print(django.channels.__file__)'
        finished = support.run([sys.executable, '-c', code], path=[os.path.dirname(QUICK)])
        self.assertEqual(finished.status, 0, finished.errors)
        self.assertTrue(finished.output.startswith(support.CHECKOUT), finished.output)

    def test_without_labels_it_says_how_to_use_it(self):
        finished = support.run([sys.executable, QUICK])
        self.assertEqual(finished.status, 1)
        self.assertIn('python tests/quick.py test_routing', finished.errors)
