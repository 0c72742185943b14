"""The marker of tests in which Python's import, pip or setuptools act, and Django doesn't."""
from __future__ import absolute_import


def pytest_configure(config):
    """Tell pytest of the marker."""
    config.addinivalue_line(
        'markers', "once_for_python: Django makes no difference to it; runtests.py runs it on one pair of each Python",
    )
