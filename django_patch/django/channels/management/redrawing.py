"""
Text that is shown again and again: redrawn in a terminal, else line by line.
"""
from __future__ import absolute_import, unicode_literals

import struct

try:
    import fcntl
    import termios
except ImportError:
    # Where there is none, a terminal's size isn't known.
    fcntl = None

#: To the top; to the end of a line, and of the screen, erased (ECMA-48: CUP,
#: EL, ED). Nothing else of the terminal is changed, or has to be restored.
TOP, END_OF_LINE, BELOW = '\x1b[H', '\x1b[K', '\x1b[J'


def size_of(stream):
    """Return (rows, columns) of the terminal that `stream` writes to; 0 is one that isn't known."""
    if fcntl is None:
        return 0, 0
    try:
        return struct.unpack(str('HHHH'), fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, b'\0' * 8))[:2]
    except (EnvironmentError, ValueError):
        # It is none, or has no file.
        return 0, 0


def redrawn(lines, rows, columns):
    """
    Return the text that puts `lines` over what a terminal shows.

    What has no room in `rows` and `columns` is left out, and the last line
    says of how many lines.
    """
    # The cursor stands below the last.
    if rows and len(lines) > rows - 1:
        shown = max(0, rows - 2)
        lines = lines[:shown] + ['(%d more lines: a taller terminal)' % (len(lines) - shown)]
    if columns:
        lines = [line[:columns] for line in lines]
    return TOP + ''.join(line + END_OF_LINE + '\n' for line in lines) + BELOW
