"""
The rules for the names of channels and groups.

A name is text of fewer than 100 characters out of ``[A-Za-z0-9._-]``. A
channel name may hold one type character: ``?`` (one reader, somewhere) or
``!`` (one process; what follows names a client of that process). See the
message standard, "Channel names".
"""
from __future__ import absolute_import, unicode_literals

import re
import uuid

from .compat import six

#: Characters; a valid name has fewer.
MAX_NAME_LENGTH = 100

_CHANNEL = re.compile(r'^[a-zA-Z0-9._-]+(?:[?!][a-zA-Z0-9._-]*)?\Z')
_GROUP = re.compile(r'^[a-zA-Z0-9._-]+\Z')

# Names repeat: a worker's channels always, a client's reply channel for each
# of its messages. Bounded, since clients come and go.
_KNOWN_LIMIT = 4096
_known_channels = {}
_known_groups = {}


def validate_channel_name(name, receive=False):
    """
    Return `name` as text if it is a valid channel name.

    With `receive`, also refuse a ``!`` name with a local part, which only
    its process can know: readers wait on the part up to the ``!``. Raise
    TypeError if `name` isn't text, and ValueError if it breaks a rule.
    """
    try:
        # Those of clients are new ones: no KeyError for each.
        known = _known_channels.get(name)
    except TypeError:
        known = None
    if known is None:
        known = _remember(_known_channels, _CHANNEL, 'channel', name)
    if receive and '!' in known and not known.endswith('!'):
        raise ValueError(
            "Can't receive from %r: wait on %r, which gets the messages of all its clients." %
            (str(known), str(non_local_name(known)))
        )
    return known


def validate_group_name(name):
    """
    Return `name` as text if it is a valid group name.

    Raise TypeError if `name` isn't text, and ValueError if it breaks a
    rule.
    """
    try:
        return _known_groups[name]
    except (KeyError, TypeError):
        return _remember(_known_groups, _GROUP, 'group', name)


def validate_process_name(name):
    """
    Return `name` as text if it is a valid name of a process.

    The rules, and what is raised, are those of a group's name.
    """
    return _remember({}, _GROUP, 'process', name)


def validate_job_id(id):
    """
    Return `id` as text if it is a valid id of a job.

    The rules, and what is raised, are those of a group's name.
    """
    return _remember({}, _GROUP, 'job', id)


def _remember(known, rule, kind, name):
    text = _as_text(kind, name)
    if len(text) >= MAX_NAME_LENGTH or not rule.match(text):
        raise ValueError(
            '%r is not a valid %s name: use fewer than %d of the ASCII letters, digits, hyphens, underscores and '
            'periods%s.' % (
                name, kind, MAX_NAME_LENGTH,
                ', and at most one "?" or "!" after the first of them' if kind == 'channel' else '',
            )
        )
    if len(known) >= _KNOWN_LIMIT:
        known.clear()
    known[text] = text
    return text


def _as_text(kind, name):
    if isinstance(name, six.text_type):
        return name
    if isinstance(name, bytes):
        # A native string on Python 2.
        try:
            return name.decode('ascii')
        except UnicodeDecodeError:
            raise ValueError('%r is not a valid %s name: it is not ASCII.' % (name, kind))
    raise TypeError('A %s name must be a string, not %s (%r).' % (kind, type(name).__name__, name))


def non_local_name(name):
    """Return the part of a channel's name that a reader waits on."""
    end = name.find('!')
    return name if end < 0 else name[:end + 1]


def random_token(length=12):
    """
    Return `length` (1 to 32) hexadecimal characters that nobody can guess.

    They come from the operating system's source of randomness, so two
    processes never share one, forked or not.
    """
    return six.text_type(uuid.uuid4().hex[-length:])


def process_channel(prefix, is_good=None):
    """
    Return a new ``!`` channel name for this process: "prefix.<token>!".

    `is_good(name)` may turn names down.
    """
    return new_name(prefix + '.', '!', is_good)


def new_name(start, end, is_good=None):
    """
    Return a new channel name: `start`, a token, `end`, if is_good() likes it.

    The token is long enough (80 bits) to be unique among all servers of a
    layer without asking it, and nobody can guess it.
    """
    while True:
        name = validate_channel_name('%s%s%s' % (start, random_token(20), end))
        if is_good is None or is_good(name):
            return name


#: What the names of disconnect_channel() begin with.
DISCONNECT_CHANNELS = 'http.disconnect?'


def disconnect_channel(reply_channel):
    """
    Return the channel on which a server says that this client went away.

    None if that name would be too long, which it isn't for servers of ours.
    """
    name = DISCONNECT_CHANNELS + reply_channel.replace('!', '.')
    return name if len(name) < MAX_NAME_LENGTH else None


def split_path(path, root_path):
    """
    Return what is left of the text `path` below `root_path`.

    A root path covers whole segments: "/app" is not a root of "/apples". What
    doesn't lie below it was stripped before the message was made.
    """
    root = root_path.rstrip('/')
    if root and path.startswith(root) and path[len(root):len(root) + 1] in ('', '/'):
        path = path[len(root):]
    return path


def statistics_name(queue):
    """
    Return the name that a queue's counters go by.

    A process's token and what comes after a "?" are used too briefly to be
    counted each: "http.response.Xy1!" and "body?Xy1" count as
    "http.response!" and "body?".
    """
    if queue.endswith('!'):
        name, dot, token = queue.rpartition('.')
        return name + '!' if name else queue
    head, mark, token = queue.partition('?')
    return head + mark
