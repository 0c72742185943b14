"""
Buffers that are filled, and sent, where they are.

Delete the Python 2 half when Python 2.7 support ends.
"""
from __future__ import absolute_import

import ctypes
import platform
import socket

__all__ = ['SOCKETS_TAKE_SEVERAL', 'blank_bytes']

#: Can a socket be read from and written to by one call for several buffers?
#: On Windows and Python 2 it can't.
SOCKETS_TAKE_SEVERAL = hasattr(socket.socket, 'recvmsg_into')


def _find_maker():
    if platform.python_implementation() != 'CPython' or not hasattr(ctypes.pythonapi, 'PyBytes_FromStringAndSize'):
        # The latter is Python 2, which can't fill them either.
        return bytes
    make = ctypes.pythonapi.PyBytes_FromStringAndSize
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_char_p, ctypes.c_ssize_t]
    return lambda size: make(None, size)


#: Returns bytes of a size with anything in them, for who writes to all of them
#: before anybody sees them: to fill a megabyte with zeros takes as long as to
#: copy one.
blank_bytes = _find_maker()
