"""
Differences between versions of Django, under the names of Django 1.10.

This selector stays out of a patched Django 1.10, where `native` takes its
place (see the table in django_patch/apply.py). Each module beside it serves
one era and defines the same names.
"""
from __future__ import absolute_import

import django

if django.VERSION < (1, 10):
    from .django18 import *  # NOQA
elif django.VERSION < (1, 11):
    from .native import *  # NOQA
elif django.VERSION < (2, 0):
    from .django111 import *  # NOQA
else:
    from .django20 import *  # NOQA
