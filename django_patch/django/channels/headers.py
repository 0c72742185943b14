"""
The headers of a message, whichever form its sender gave them.
"""
from __future__ import absolute_import

from .compat import six


def header_pairs(content):
    """
    Return the headers of a message as pairs (lower-case name, value) of bytes.

    `content` is a dict or a Message. The standard has a list of pairs; a
    dict with names in text is what servers and tests sent before Channels
    1.0, and is understood as Channels 1.x understood it.
    """
    headers = content.get('headers') or ()
    if not isinstance(headers, dict):
        return headers
    return [
        (name.encode('latin-1') if isinstance(name, six.text_type) else name, value)
        for name, value in headers.items()
    ]


def header_values(content, name):
    """Return the values (bytes) of the header `name` (lower-case bytes), in order."""
    return [pair[1] for pair in header_pairs(content) if len(pair) > 1 and pair[0] == name]
