"""
The mistakes of those who start a server, told so that they can mend them.
"""
from __future__ import annotations


class UsageError(Exception):
    """Raised when what a server was asked to do can't be done."""
