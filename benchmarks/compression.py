"""
The price of compression in an interface server: per WebSocket, and per page.

    python benchmarks/compression.py

It needs nothing but the standard library. What it says is quoted in
interface_server/README.md, which decides by it.
"""
import json
import resource
import sys
import time
import zlib

SOCKETS, MESSAGES, PAGES = 400, 20000, 50
#: Name -> (window in bits, memory level) of permessage-deflate (RFC 7692).
SETTINGS = {'defaults of zlib': (15, 8), 'window of 4 KiB': (12, 5), 'window of 1 KiB': (10, 1)}
MESSAGE = json.dumps({
    'type': 'chat.message', 'room': 'lobby', 'from': 'someone', 'text': 'hello there, how are you? ' * 6,
}).encode()
PAGE = b''.join(b'<tr><td>%d</td><td>row %x</td></tr>\n' % (row, hash(row * 7919)) for row in range(2000))


def memory():
    """Return the bytes of memory that this process has had at most."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == 'darwin' else size * 1024


def contexts(bits, level):
    """Return what one socket that compresses both ways holds, after a message."""
    compress = zlib.compressobj(6, zlib.DEFLATED, -bits, level)
    expand = zlib.decompressobj(-bits)
    expand.decompress(compress.compress(MESSAGE) + compress.flush(zlib.Z_SYNC_FLUSH))
    return compress, expand


def main():
    # The smallest first: memory is the most that was ever held.
    for name, (bits, level) in reversed(list(SETTINGS.items())):
        before = memory()
        sockets = [contexts(bits, level) for _ in range(SOCKETS)]
        each = (memory() - before) / SOCKETS / 1000
        compress, started = sockets[0][0], time.process_time()
        for _ in range(MESSAGES):
            compress.compress(MESSAGE)
            compress.flush(zlib.Z_SYNC_FLUSH)
        took = (time.process_time() - started) / MESSAGES * 1e6
        print('%-18s %6.1f kB a socket, %4.1f us a message of %d bytes' % (name, each, took, len(MESSAGE)))
    started = time.process_time()
    for _ in range(PAGES):
        packed = zlib.compress(PAGE, 6)
    took = (time.process_time() - started) / PAGES * 1e3
    print('a page of %d kB: %.1f ms, to %d kB' % (len(PAGE) / 1000, took, len(packed) / 1000))


if __name__ == '__main__':
    main()
