"""
The name ``channels`` for ``django.channels``.

This file runs only where no start-up file of Python's installed the hook
before (a checkout on PYTHONPATH, ``pip install --target``, a zip file), and on
Python 2. On Python 3 other threads can see it half done, so import
``channels`` once before threads start there.
"""
from __future__ import absolute_import

import os
import sys

import channels_backport

channels_backport.install()
channels_backport.conflict.check(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import django.channels  # NOQA isort:skip

# Python 2 clears a module that nothing refers to, while its code still runs.
this = sys.modules[__name__]
sys.modules[__name__] = django.channels
