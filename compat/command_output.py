"""
Output of management commands; delete it when Django < 3.1 support ends.
"""
from __future__ import absolute_import

__all__ = ['flush']


def flush(output):
    """Flush `output`, a command's stdout or stderr: from Django 2.0 to 3.0 its own flush() does nothing."""
    getattr(output, '_out', output).flush()
