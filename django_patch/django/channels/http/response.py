"""
Django's responses as reply messages, and the way back.

The body of an answer to HEAD, and of a 1xx, 204 or 304, stops here: it would
travel through the layer for a server that has to drop it. Its headers stay,
Content-Length among them. A reason phrase has no place in a message.
"""
from __future__ import absolute_import

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import BadHeaderError

from ..compat import six
from ..compat.coroutines import is_async_iterator
from ..compat.responses import header_items
from ..compat.text import native_from_bytes
from ..exceptions import MalformedMessage

#: Bytes of content in one message at most.
CHUNK_SIZE = 512 * 1024
# Numbers on Python 3, where "in" drops an error first for each byte string.
_LINE_FEED, _RETURN = b'\n'[0], b'\r'[0]


def has_no_body(status, method):
    """Return whether a response of that kind ends with its headers."""
    # RFC 9110 sections 6.4.1 and 9.3.2.
    return method == 'HEAD' or status in (204, 304) or 100 <= status < 200


def encode_headers(response):
    """
    Return the [name, value] pairs of bytes for an HttpResponse.

    Each cookie is a Set-Cookie of its own, and names keep their case. Raise
    BadHeaderError for what would end a header early.
    """
    headers = [[_header_bytes(name), _header_bytes(value)] for name, value in header_items(response)]
    for cookie in response.cookies.values():
        headers.append([b'Set-Cookie', _header_bytes(cookie.output(header='').strip())])
    return headers


def _header_bytes(value):
    if isinstance(value, six.text_type):
        value = value.encode('latin-1')
    elif not isinstance(value, bytes):
        value = str(value).encode('latin-1')
    if _LINE_FEED in value or _RETURN in value:
        # Django looks at headers, but not at the attributes of cookies.
        raise BadHeaderError("Header values can't contain newlines (got %r)" % value)
    return value


def split_content(content, size=CHUNK_SIZE):
    """Return the bytes `content` in pieces of at most `size` bytes."""
    if len(content) <= size:
        return [content]
    return [content[start:start + size] for start in range(0, len(content), size)]


def encode_response(response, method='GET', chunk_size=CHUNK_SIZE):
    """
    Return the reply messages for an HttpResponse to a `method` request.

    They are a list, but for those of a streaming response, which is asked for
    its next part only when its caller asks for the message; its headers go
    with its first part, as WSGI servers have it. While one with an async
    iterator has nothing to say, None comes in the place of a message, once a
    second.
    """
    head = {'status': response.status_code, 'headers': encode_headers(response)}
    if has_no_body(response.status_code, method):
        return [dict(head, content=b'', more_content=False)]
    if response.streaming:
        return _encode_parts(response, head, chunk_size)
    content = response.content
    if len(content) <= chunk_size:
        head['content'], head['more_content'] = content, False
        return [head]
    replies = [{'content': piece, 'more_content': True} for piece in split_content(content, chunk_size)]
    replies[0].update(head)
    replies[-1]['more_content'] = False
    return replies


def _encode_parts(response, head, chunk_size):
    for part in _parts(response):
        if part is None:
            yield None
            continue
        for piece in split_content(part, chunk_size):
            if piece:
                yield dict(head, content=piece, more_content=True)
                head = {}
    yield dict(head, content=b'', more_content=False)


def _parts(response):
    if is_async_iterator(response):
        # Iterating it here would wait for the last part before the first.
        from ..asynchronous.bridging import iterate
        return iterate(response)
    return response


def decode_response(messages):
    """
    Return the HttpResponse that reply `messages` (an iterable) stand for.

    Of a response in several pieces the later ones are asked for as its
    streaming_content is. Raise MalformedMessage if there is no first one.
    """
    messages = (message for message in messages if message is not None)
    first = next(messages, None)
    if first is None or 'status' not in first:
        raise MalformedMessage('A response begins with a message that has a status, not with %r.' % (first,))
    content = first.get('content', b'')
    if first.get('more_content'):
        response = StreamingHttpResponse(_contents(content, messages), status=first['status'])
    else:
        response = HttpResponse(content, status=first['status'])
    del response['Content-Type']
    for name, value in first.get('headers') or ():
        name, value = native_from_bytes(name), native_from_bytes(value)
        if name.lower() == 'set-cookie':
            response.cookies.load(value)
        else:
            response[name] = value
    return response


def _contents(content, messages):
    yield content
    for message in messages:
        yield message.get('content', b'')
        if not message.get('more_content'):
            break
