"""
Memory that the C library keeps for the next large message.

glibc returns memory beyond 128 KiB to the system as soon as it is freed, and
the next message of that size has each of its pages mapped once more. That
takes several times as long as copying the message does, and on a virtual
machine ten times. Programs of ours call keep_memory() when they start; a layer
in somebody else's process leaves the settings of that process alone.
"""
from __future__ import absolute_import

import ctypes
import os

#: Bytes of free memory that a thread keeps: for some copies of the largest
#: piece of a message.
KEPT = 8 << 20
#: Bytes from which on memory is taken from the system by itself, and returned.
MAPPED = 4 << 20

#: Parameters of mallopt(3), by their numbers in malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_memory():
    """
    Have freed memory kept, up to a bound, if the C library is glibc.

    Whatever an admin has set by MALLOC_... or GLIBC_TUNABLES stays.
    """
    if 'GLIBC_TUNABLES' in os.environ or any(name.startswith('MALLOC_') for name in os.environ):
        return
    try:
        set_parameter = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        # musl, or no Unix.
        return
    set_parameter(_TRIM_THRESHOLD, KEPT)
    set_parameter(_MMAP_THRESHOLD, MAPPED)


def return_free_memory():
    """
    Return what is free to the system, if the C library is glibc.

    Of use before a fork: what either process writes to a page afterwards, the
    other has a copy of, though nothing was there.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
