"""
A clock in seconds for deadlines and pauses.

Delete the Python 2 half when Python 2.7 support ends.
"""
from __future__ import absolute_import

import sys
import time

__all__ = ['monotonic']

if sys.version_info[0] >= 3:
    monotonic = time.monotonic
else:
    # Python 2 has no clock that can't be set back.
    monotonic = time.time
