"""
Checks of the values in a standard message.

Each check returns None if the value is right, else what it must be, in
words. Those with arguments return such a check.
"""
from __future__ import absolute_import, unicode_literals

import re

from .. import names
from ..compat import six
from ..compat.text import is_text
from ..interfaces.fields import is_close_code

_TOKEN = re.compile(br"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def text(value):
    return None if is_text(value) else 'text'


def byte_string(value):
    return None if isinstance(value, bytes) else 'a byte string'


def boolean(value):
    return None if isinstance(value, bool) else 'a boolean'


def dictionary(value):
    return None if isinstance(value, dict) else 'a dictionary'


def integer(lowest, highest=None):
    def check(value):
        if isinstance(value, six.integer_types) and not isinstance(value, bool):
            if value >= lowest and (highest is None or value <= highest):
                return None
        return 'an integer from %s%s' % (lowest, '' if highest is None else ' to %s' % highest)
    return check


def one_of(*choices):
    def check(value):
        return None if text(value) is None and value in choices else 'one of %s' % ', '.join(choices)
    return check


def method(value):
    if text(value) is None and value and value == value.upper():
        return None
    return 'text in upper case'


def channel(kind):
    def check(value):
        try:
            name = names.validate_channel_name(value)
        except (TypeError, ValueError):
            return 'the name of a channel'
        if kind and kind not in name:
            return 'the name of a %s channel' % kind
        return None
    return check


def headers(lower_case):
    def check(value):
        if not isinstance(value, (list, tuple)):
            return 'a list of pairs'
        for header in value:
            if not isinstance(header, (list, tuple)) or [byte_string(part) for part in header] != [None, None]:
                return 'a list of pairs of byte strings'
            name, content = header
            if not _TOKEN.match(name) or b'\r' in content or b'\n' in content or b'\0' in content:
                return 'a list of headers that can be sent'
            if lower_case and (name != name.lower() or b'_' in name):
                return 'a list of headers with names in lower case and without underscores'
        return None
    return check


def address(value):
    if isinstance(value, (list, tuple)) and len(value) == 2:
        if text(value[0]) is None and integer(0, 65535)(value[1]) is None:
            return None
    return 'a list of host and port'


def reason(value):
    if text(value) is None and len(value.encode('utf-8') if isinstance(value, six.text_type) else value) <= 123:
        return None
    return 'text of at most 123 bytes'


def close(value):
    if isinstance(value, bool) or (isinstance(value, six.integer_types) and is_close_code(value)):
        return None
    return 'a boolean or a close code'


def or_null(check):
    def check_or_null(value):
        return None if value is None else check(value)
    return check_or_null
