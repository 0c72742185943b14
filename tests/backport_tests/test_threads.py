"""Threads that import at the same moment: no deadlock, no half-made module."""
from __future__ import absolute_import

import unittest

import pytest

from . import support

RACE = """
    import importlib, sys, threading
    import django

    NAMES = [
        ['channels', 'channels.sub.leaf', 'django.channels.tool'],
        ['django.channels', 'django.channels.sub.leaf', 'channels.tool'],
        ['channels.base', 'channels.compat', 'django.channels.sub.leaf'],
        ['django.channels', 'channels.tool', 'django.channels.compat'],
    ]
    wrong = []

    def purge():
        for name in list(sys.modules):
            if name.split('.')[0] == 'channels' or name.startswith('django.channels'):
                del sys.modules[name]
        vars(django).pop('channels', None)

    def work(names, start):
        start.wait()
        try:
            for name in names:
                importlib.import_module(name)
            from channels.base import NAME
            from django.channels.sub.leaf import MARK
        except BaseException as error:
            wrong.append(repr(error))

    for turn in range(%d):
        purge()
        start = threading.Event()
        threads = [threading.Thread(target=work, args=(names, start)) for names in NAMES * 2]
        for thread in threads:
            thread.start()
        start.set()
        for thread in threads:
            thread.join()
        for name in list(sys.modules):
            if name.startswith('channels.'):
                if sys.modules[name] is not sys.modules['django.' + name]:
                    wrong.append(name)
    print(wrong)
"""


@pytest.mark.once_for_python
class ThreadTests(unittest.TestCase):
    """
    Threads begin with the package, under either name, or with a submodule of
    the alias. One that begins with a submodule of the real name is left out:
    if another imports the package at that moment, Python raises _DeadlockError
    for any package, with or without a hook.
    """

    def test_many_threads_may_import_first(self):
        self.assertEqual(support.small().code(RACE % 60), '[]')

    def test_the_real_package_may_be_imported_by_threads_first(self):
        code = """
            import threading
            start, seen = threading.Event(), []

            def work(name):
                start.wait()
                seen.append(id(__import__(name, fromlist=['Channel']).Channel))

            threads = [threading.Thread(target=work, args=(name,)) for name in ['channels', 'django.channels'] * 4]
            for thread in threads:
                thread.start()
            start.set()
            for thread in threads:
                thread.join()
            print([len(seen), len(set(seen))])
        """
        for environment in (support.installed(), support.patched()):
            for turn in range(3):
                self.assertEqual(environment.code(code), '[8, 1]')
