"""
The fields of reply messages, checked: a worker's mistake stops here.

Each function that returns a field raises MalformedMessage, saying what was
wrong with it.
"""
from __future__ import absolute_import, unicode_literals

import itertools
import re

from ..compat import six
from ..exceptions import MalformedMessage

# RFC 9110 section 5.6.2.
_TOKEN = re.compile(br"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
# RFC 9110 section 5.5: these three end a header or a request for somebody.
_UNSAFE_VALUE = re.compile(br'[\0\r\n]')
# RFC 9110 section 7.6.1: they describe one connection, which is the server's.
_HOP_BY_HOP = frozenset([
    b'connection', b'keep-alive', b'proxy-connection', b'te', b'trailer', b'transfer-encoding', b'upgrade',
])
#: Headers that were found to be good, as given -> as bytes: most responses
#: have the same. How many are kept, and the bytes of one.
_good, _MOST_GOOD, _SHORT = {}, 512, 128
#: The same of all headers of a response, as given -> what response_headers()
#: returns: how many responses, the headers of one, and the bytes of these.
_good_lists, _MOST_LISTS, _FEW, _SMALL = {}, 256, 16, 1024
# What headers begin with that answer a handshake: RFC 6455 section 4.2.2.
_OF_HANDSHAKES = b'sec-websocket-'


def text_field(message, key):
    """Return the text under `key`, or None if there is none."""
    value = message.get(key)
    if value is None or isinstance(value, six.text_type):
        return value
    if isinstance(value, bytes):
        # A native string of a worker on Python 2.
        try:
            return value.decode('utf-8')
        except UnicodeDecodeError:
            raise MalformedMessage('%r must be text, and its bytes are not UTF-8: %r.' % (str(key), value[:50]))
    raise MalformedMessage('%r must be text, not %r.' % (str(key), value))


def content_field(message):
    """Return the bytes, or the view, under "content", empty if there are none."""
    content = message.get('content')
    if content is None:
        return b''
    if not isinstance(content, (bytes, memoryview)):
        raise MalformedMessage("'content' must be a byte string, not %s: encode it." % type(content).__name__)
    return content


def status_field(message, what, lowest):
    """Return the HTTP status of `message`, from `lowest` to 599."""
    status = message.get('status')
    if not isinstance(status, six.integer_types) or isinstance(status, bool) or not lowest <= status <= 599:
        raise MalformedMessage("%s needs a 'status' from %d to 599, not %r." % (what, lowest, status))
    return status


def is_close_code(code):
    """
    Say if a close frame may have `code`, a number, on the wire: RFC 6455
    section 7.4, and the codes that were registered after it.
    """
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))


def response_headers(headers):
    """
    Return `headers` as a list of (name, value), and Content-Length or None.

    Headers about the connection, which is the server's, are left out, with
    those that Connection names.
    """
    try:
        pairs = tuple(map(tuple, headers or ()))
    except TypeError:
        pairs = ((),)
    try:
        found = _good_lists.get(pairs)
    except TypeError:
        # One can't be looked up, and isn't good.
        found = None
    if found is None:
        found = _checked_headers(pairs, headers)
        if len(pairs) <= _FEW and sum(map(len, itertools.chain.from_iterable(pairs))) <= _SMALL:
            if len(_good_lists) >= _MOST_LISTS:
                _good_lists.clear()
            _good_lists[pairs] = found
    checked, length = found
    return list(checked), length


# complexity: what is checked for each header of each response; functions of
# their own would be called a hundred thousand times a second.
def _checked_headers(pairs, headers):
    """Return what response_headers() does of `headers`, as `pairs`, a tuple of tuples."""
    checked, named, length = [], set(), None
    if not {2}.issuperset(map(len, pairs)):
        raise MalformedMessage("'headers' must be a list of [name, value], not %r." % (headers,))
    try:
        known = list(map(_good.get, pairs))
    except TypeError:
        known = [None] * len(pairs)
    for pair, good in zip(pairs, known):
        if good is not None:
            checked.append(good)
            continue
        name, value = map(_latin1, pair)
        if not _TOKEN.match(name):
            raise MalformedMessage('%r is not a name that a header may have.' % (name,))
        if _UNSAFE_VALUE.search(value):
            raise MalformedMessage('The value of the header %r holds a line break or a NUL: %r.' % (name, value))
        lower = name.lower()
        if lower in _HOP_BY_HOP:
            if lower == b'connection':
                named.update(token.strip(b' \t').lower() for token in value.split(b','))
            continue
        if lower == b'content-length':
            if not value.isdigit() or length not in (None, int(value)):
                raise MalformedMessage('A response must have one Content-Length, a number; it has %r.' % (value,))
            if length is not None:
                continue
            length = int(value)
        elif len(name) + len(value) <= _SHORT:
            if len(_good) >= _MOST_GOOD:
                _good.clear()
            _good[pair] = name, value
        checked.append((name, value))
    if named:
        checked = [header for header in checked if header[0].lower() not in named]
        length = None if b'content-length' in named else length
    return checked, length


def handshake_headers(headers):
    """
    Return those of `headers` that an accepted handshake may have.

    They come from response_headers(). A 101 has no body, and what the
    WebSocket protocol says in headers is the server's to say.
    """
    return [
        (name, value) for name, value in headers
        if name.lower() != b'content-length' and not name.lower().startswith(_OF_HANDSHAKES)
    ]


def _latin1(value):
    if isinstance(value, bytes):
        return value
    try:
        return value.encode('latin-1')
    except (AttributeError, UnicodeEncodeError):
        raise MalformedMessage('Names and values of headers are byte strings, not %r.' % (value,))
