"""Tests of a contract that a layer of others is known to fail, by name."""
from __future__ import absolute_import

import functools
import unittest


def known_failures(failures):
    """
    Return a class decorator: the tests named in `failures`, a dict of test
    -> why, are expected to fail, and reported if they don't.
    """
    def decorate(case):
        for name in failures:
            setattr(case, name, _expected_to_fail(getattr(case, name)))
        return case
    return decorate


def _expected_to_fail(test):
    # A function of its own: the mark would hold for all who inherit it.
    @functools.wraps(test)
    def inner(self):
        # Python 2 makes a method of another class's out of it.
        return getattr(test, '__func__', test)(self)
    return unittest.expectedFailure(inner)
