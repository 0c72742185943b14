"""
The regular expressions by which routes look at messages.
"""
from __future__ import absolute_import

import re

from .compat import six
from .names import split_path


class Filters(dict):
    """
    Regular expressions on the values of a message, all of which match.

    It is a dict of key -> compiled pattern, as in Channels 1.x. The named
    groups become keyword arguments; a group without a name is an error where
    `named_only`.
    """

    def __init__(self, filters, named_only=True):
        super(Filters, self).__init__()
        for key, pattern in filters.items():
            compiled = _compile(key, pattern)
            if named_only and compiled.groups != len(compiled.groupindex):
                raise ValueError(
                    'The filter %s=%r has a group without a name. Filters become keyword arguments: write '
                    '(?P<name>...), or (?:...) for a group that captures nothing.' % (key, compiled.pattern)
                )
            self[str(key)] = compiled

    def match(self, message):
        """
        Return {key: the match on its value}, or None.
        """
        matches = {}
        for key, pattern in self.items():
            if key not in message.content:
                return None
            match = _first_match(pattern, key, message.content)
            if match is None:
                return None
            matches[key] = match
        return matches


def _first_match(pattern, key, content):
    """
    Return the match of `pattern` on the value that `content` has for `key`.

    A path is what lies below the root path, as it is for views. Routes that
    were written for Channels 1.x, whose sockets had no root path, may name
    the whole.
    """
    value = content[key]
    if type(value) is not six.text_type:
        value = as_text(value)
    if key == 'path' and content.get('root_path'):
        match = pattern.match(split_path(value, as_text(content['root_path'])) or u'/')
        if match is not None:
            return match
    return pattern.match(value)


def _compile(key, pattern):
    if hasattr(pattern, 'match') and hasattr(pattern, 'groupindex'):
        return pattern
    if not isinstance(pattern, (six.text_type, str, bytes)):
        raise TypeError('The filter %s=%r is not a regular expression.' % (key, pattern))
    if isinstance(pattern, bytes):
        # What it is matched with is text.
        pattern = pattern.decode('utf-8')
    try:
        return re.compile(pattern)
    except re.error as error:
        return six.raise_from(
            ValueError('The filter %s=%r is not a regular expression: %s' % (key, pattern, error)), error
        )


def as_text(value):
    """Return the value of a message as text."""
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    return value if isinstance(value, six.text_type) else six.text_type(value)


def keyword_arguments(matches):
    """Return the named groups of what Filters.match() returned, as a dict."""
    kwargs = {}
    for match in matches.values():
        # A group that takes no part in the match is None, as it is to the
        # consumers of Channels 1.x.
        for name, value in match.groupdict().items():
            kwargs[str(name)] = value
    return kwargs
