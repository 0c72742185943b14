"""
Text of messages and errors, fit for a terminal and for a file.

What a stranger has sent may come back in an error, and a terminal obeys some
characters: they could rename its window, or hide what stands before them.
"""
from __future__ import absolute_import, unicode_literals

import re

# All but the tab and the end of a line.
_CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f]')


def printable(text, output):
    """Return `text` with escapes for what a terminal would obey, and for what `output`, a stream, can't encode."""
    text = _CONTROLS.sub(lambda found: '\\x%02x' % ord(found.group()), text)
    # A command's own stream has another below.
    encoding = getattr(getattr(output, '_out', output), 'encoding', None)
    return text.encode(encoding, 'backslashreplace').decode(encoding) if encoding else text
