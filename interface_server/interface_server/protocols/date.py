"""
The Date header (RFC 9110 section 6.6.1), made once a second.
"""
from __future__ import annotations

import time
from email.utils import formatdate

_made_for = 0
_value = b""


def http_date() -> bytes:
    """Return the time now, as HTTP writes it."""
    global _made_for, _value
    now = int(time.time())
    if now != _made_for:
        _made_for, _value = now, formatdate(now, usegmt=True).encode("ascii")
    return _value
