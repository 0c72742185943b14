"""
Deprecated: the tools for tests are in `django.channels.test`.
"""
from __future__ import absolute_import

import warnings

from .compat import RemovedAfterNextVersionWarning
from .test import *  # NOQA
from .test import __all__  # NOQA

warnings.warn('channels.tests is deprecated: import from channels.test.', RemovedAfterNextVersionWarning, stacklevel=2)
