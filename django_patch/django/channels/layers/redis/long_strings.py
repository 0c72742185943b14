"""
Replies of one long string, read to where they stay.

A parser would have a long string in memory twice more.
"""
from __future__ import absolute_import, unicode_literals

import io
import socket

from ...compat.buffers import blank_bytes
from ...compat.interrupts import again
from ..viewing import Parted, find_content


def read_rest(sock, is_parted, start, length, end):
    """
    Return a string of `length` bytes whose `start`, a view, was read already.

    `end` bytes more come behind it. With `is_parted` it may be a message,
    which is returned as Parted then.
    """
    found = find_content(start, length) if is_parted else None
    if found is not None:
        return _read_parted(sock, start, length, end, *found)
    whole = bytearray(length + end)
    view, done = memoryview(whole), len(start)
    view[:done] = start
    while done < len(whole):
        number = again(sock.recv_into, view[done:])
        if not number:
            raise EOFError('The server closed the connection.')
        done += number
    # A buffer can't change its size while someone views it.
    del view
    del whole[length:]
    return whole


def _read_parted(sock, start, length, end, number, key, head, first, last):
    """As read_rest(), of a message whose content find_content() has found: that is read into bytes of its own."""
    # It lets the bytes that it was given be written to while nobody else has
    # them, and hands them out without a copy.
    place = io.BytesIO(blank_bytes(last - first))
    content, after = place.getbuffer(), bytearray(length + end - last)
    here, behind = start[first:last], start[last:]
    content[:len(here)], after[:len(behind)] = here, behind
    _fill(sock, [content[len(here):], memoryview(after)[len(behind):]])
    content.release()
    return Parted(number, key, start[:head].tobytes(), place.getvalue(), bytes(after[:length - last]))


def _fill(sock, views):
    """Read what fills all of `views`, one after the other."""
    while views:
        if not views[0]:
            del views[0]
            continue
        number = sock.recvmsg_into(views, 0, socket.MSG_WAITALL)[0]
        if not number:
            raise EOFError('The server closed the connection.')
        for index, view in enumerate(views):
            views[index] = view[number:]
            number = max(0, number - len(view))
