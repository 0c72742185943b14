"""
What programs in a peer's environment say, and what they used. Python 2.7 and 3.
"""
from __future__ import absolute_import, unicode_literals

import json
import resource
import sys


def cpu():
    """Return the CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def say(**answer):
    """Write a line of JSON."""
    sys.stdout.write(json.dumps(answer) + '\n')
    sys.stdout.flush()
