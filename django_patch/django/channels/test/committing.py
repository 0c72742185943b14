"""
The commits that a TestCase never makes, for messages that wait for them.

A TestCase runs each test in a transaction and rolls that back, so no commit
hook ever runs. Here those run that send messages, and only those, as soon as
a test looks for messages outside of its own transactions.
"""
from __future__ import absolute_import

import contextlib

from django.db import connections

from ..outbox import CommitHook

#: Alias -> the number of savepoints that the running TestCase itself has.
_depths = {}


@contextlib.contextmanager
def watch():
    """For the block, take the transactions there are as the TestCase's."""
    global _depths
    before = _depths
    _depths = {
        connection.alias: len(connection.savepoint_ids)
        for connection in connections.all() if connection.in_atomic_block
    }
    try:
        yield
    finally:
        _depths = before


def commit():
    """Run the hooks of the transactions that have ended."""
    for alias, depth in _depths.items():
        connection = connections[alias]
        if len(connection.savepoint_ids) > depth:
            continue
        # Django 1.8 has no hooks. Each is a tuple with the function second;
        # who captures them counts them, so they stay where they are.
        for hook in list(getattr(connection, 'run_on_commit', [])):
            if isinstance(hook[1], CommitHook):
                hook[1]()
