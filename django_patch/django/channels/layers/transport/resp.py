"""
The protocol of a Redis connection (RESP2): commands to bytes, bytes to
replies. The parser is fed what arrives and never waits.

The parsers of redis-py are bound to its sockets, and hiredis is an extension
in C that not every machine has; so there is a parser here that stands in for
hiredis. No other module knows the bytes of the protocol.
"""
from __future__ import absolute_import

import re

from ...compat import six

try:
    import hiredis
except ImportError:
    hiredis = None

#: What next() returns when it needs more bytes: as hiredis; RESP2 has no such.
INCOMPLETE = False
#: What packed commands have from their fifth byte on whose reply is a string.
FOR_STRINGS = (b'$6\r\nGETDEL\r\n', b'$3\r\nGET\r\n', b'$4\r\nHGET\r\n')
#: Bytes of an argument above which it is joined to a command: formatting it
#: grows the result, with memory that comes from the system.
_FORMATTED = 4096
#: How Redis before 7.0 wraps what a command in a script fails with, such as
#: READONLY; later servers reply with the command's own error.
_FAILED_IN_SCRIPT = re.compile(r'ERR Error running script .*@user_script: ?\d+: -?([A-Z]+ .*)$')


class ReplyError(Exception):
    """
    An error that a server replied with; `code` is its first word.

    The error of a command in a script is that command's own error.
    """

    def __init__(self, text):
        failed = _FAILED_IN_SCRIPT.match(text)
        if failed:
            text = failed.group(1)
        super(ReplyError, self).__init__(text)
        self.code = text.partition(' ')[0]


def is_wrong_type(reply):
    """Return whether `reply` is the error of a command that found a key of another type."""
    return type(reply) is ReplyError and reply.code == 'WRONGTYPE'


class ProtocolError(Exception):
    """Raised when a connection carries what isn't RESP2."""


def argument(value):
    """Return one argument of a command (bytes, text or a number), packed."""
    if isinstance(value, six.text_type):
        value = value.encode('utf-8')
    elif not isinstance(value, bytes):
        value = ('%d' % value if isinstance(value, six.integer_types) else repr(value)).encode('ascii')
    return b'$%d\r\n%s\r\n' % (len(value), value)


def pack(*arguments):
    """Return the bytes of a command."""
    return command([argument(value) for value in arguments])


def command(packed, missing=0):
    """
    Return the bytes of a command of `packed` arguments, a list.

    It lacks its last `missing` ones, which are to be appended.
    """
    return b'*%d\r\n' % (len(packed) + missing) + b''.join(packed)


class LargeCommand(object):
    """
    A packed command one argument of which is large and is not copied.

    `buffers` has that, `large`, after the arguments `first`, or a packed
    `start`, and before `last`.
    """
    __slots__ = ('buffers',)

    def __init__(self, first, large, last=(), start=None):
        start = start or b'*%d\r\n%s' % (len(first) + 1 + len(last), b''.join(map(argument, first)))
        head = b'%s$%d\r\n' % (start, sum(map(len, large)))
        self.buffers = [head] + large + [b'\r\n' + b''.join(map(argument, last))]

    def startswith(self, start, begin):
        """As bytes.startswith()."""
        return self.buffers[0].startswith(start, begin)

    def index(self, sub):
        """As bytes.index()."""
        return self.buffers[0].index(sub)


def buffers_of(commands):
    """Return the buffers that packed `commands` consist of, a list."""
    found = []
    for packed in commands:
        if type(packed) is LargeCommand:
            found += packed.buffers
        else:
            found.append(packed)
    return found


def pack_counts(counts):
    """Return the packed arguments name, number, name, number, ... of {name: number}; names are ASCII."""
    # One format for each: there is one for each message that a server takes.
    return u''.join([
        u'$%d\r\n%s\r\n$1\r\n1\r\n' % (len(name), name) if number == 1 else
        u'$%d\r\n%s\r\n$%d\r\n%d\r\n' % (len(name), name, len(str(number)), number)
        for name, number in counts.items()
    ]).encode('ascii')


def pack_texts(texts):
    """Return the packed arguments `texts`, which are ASCII."""
    return u''.join([u'$%d\r\n%s\r\n' % (len(text), text) for text in texts]).encode('ascii')


def append(start, header, body):
    """Return the bytes `start` and one more argument: `header` and `body`, both bytes."""
    size = len(header) + len(body)
    if size > _FORMATTED:
        return b''.join((start, b'$%d\r\n' % size, header, body, b'\r\n'))
    return b'%s$%d\r\n%s%s\r\n' % (start, size, header, body)


def is_call(command, names):
    """Return whether the bytes of a `command` call one of `names`."""
    return command.startswith(tuple(argument(name) for name in names), command.index(b'\r\n') + 2)


def restarted(command, starts):
    """
    Return `command` (bytes) with other first arguments.

    `starts` has for the packed arguments that a command may begin with the
    ones that replace them.
    """
    begin = command.index(b'\r\n') + 2
    for start, other in starts.items():
        if command.startswith(start, begin):
            return command[:begin] + other + command[begin + len(start):]
    return command


def unfinished_string(data):
    """
    Return what is known of a reply that is a string and that `data` begins.

    It must not begin amid an array. That is (a view of what is there, its
    length, how many bytes end it); None for anything else, or all of one.
    """
    head = data[:24]
    if head[:1] == b'$':
        head = head if type(head) is bytes else head.tobytes()
        end = head.find(b'\r\n')
        length = head[1:end]
        if end > 0 and length.isdigit() and int(length) + 2 > len(data) - end - 2:
            return memoryview(data)[end + 2:], int(length), 2
    return None


class Parser(object):
    """
    Turns bytes into replies: bytes, int, None, ReplyError, or a list of them.

    A simple string comes as bytes, as a bulk string does.
    """

    def __init__(self):
        self._buffer = b''
        self._position = 0
        # Length that the buffer must have before a look can help.
        self._needed = 1
        # Arrays that have begun: [items so far, how many there will be].
        self._open = []

    def has_data(self):
        """Return whether there are bytes of a reply that isn't complete."""
        return bool(self._open) or self._position < len(self._buffer)

    def feed(self, data):
        """Take bytes from the connection."""
        position = self._position
        if position == len(self._buffer):
            self._buffer = data
        elif isinstance(self._buffer, bytearray):
            del self._buffer[:position]
            self._buffer += data
        else:
            self._buffer = bytearray(self._buffer[position:])
            self._buffer += data
        self._needed = max(self._needed - position, 1)
        self._position = 0

    def next(self):
        """Return the next reply, or INCOMPLETE; raise ProtocolError."""
        opened = self._open
        while True:
            value = self._item()
            if value is INCOMPLETE:
                return value
            if type(value) is _Array:
                opened.append(([], value.length))
                continue
            while opened:
                items, length = opened[-1]
                items.append(value)
                if len(items) < length:
                    break
                opened.pop()
                value = items
            else:
                return value

    def _item(self):
        buffer, start = self._buffer, self._position
        if len(buffer) < self._needed:
            return INCOMPLETE
        end = buffer.find(b'\r\n', start)
        if end < 0:
            self._needed = len(buffer) + 1
            return INCOMPLETE
        kind = buffer[start:start + 1]
        line = buffer[start + 1:end]
        after = end + 2
        if kind == b'$':
            length = _number(line)
            if length < 0:
                value = None
            else:
                stop = after + length
                if len(buffer) < stop + 2:
                    self._needed = stop + 2
                    return INCOMPLETE
                if type(buffer) is bytes:
                    value = buffer[after:stop]
                else:
                    view = memoryview(buffer)
                    value = view[after:stop].tobytes()
                    # A buffer can't change its size while someone views it.
                    del view
                after = stop + 2
        elif kind == b':':
            value = _number(line)
        elif kind == b'*':
            length = _number(line)
            value = None if length < 0 else [] if not length else _Array(length)
        elif kind == b'+':
            value = bytes(line)
        elif kind == b'-':
            value = ReplyError(line.decode('utf-8', 'replace'))
        else:
            raise ProtocolError('A reply began with %r.' % bytes(buffer[start:start + 20]))
        self._position = after
        self._needed = after + 1
        return value


class FastParser(object):
    """A Parser that leaves the work to hiredis, which must be installed."""
    __slots__ = ('feed', 'next', 'has_data')

    def __init__(self):
        reader = hiredis.Reader(protocolError=ProtocolError, replyError=_reply_error)
        # Methods of its own would cost each reply a call.
        self.feed, self.next, self.has_data = reader.feed, reader.gets, reader.has_data


def _reply_error(text):
    return ReplyError(text if isinstance(text, six.text_type) else text.decode('utf-8', 'replace'))


def make_parser():
    """Return the faster of the parsers that can be had."""
    return Parser() if hiredis is None else FastParser()


class _Array(object):
    """The head of an array."""
    __slots__ = ('length',)

    def __init__(self, length):
        self.length = length


def _number(line):
    try:
        return int(line)
    except ValueError:
        raise ProtocolError('%r is not a number.' % bytes(line))
