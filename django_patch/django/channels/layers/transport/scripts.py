"""
The Lua scripts of layers/lua/, and what to do when a server forgot them.
"""
from __future__ import absolute_import, unicode_literals

import hashlib
import itertools
import os
import re

from .resp import ProtocolError, ReplyError, argument, command, is_call, pack, restarted

_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'lua')


def read_text(name):
    """Return the text of the file `name` of layers/lua/, also from a zip."""
    path = os.path.join(_FOLDER, name)
    loader = globals().get('__loader__')
    if hasattr(loader, 'get_data'):
        return loader.get_data(path).decode('utf-8')
    with open(path, 'rb') as file:
        return file.read().decode('utf-8')


class Script(object):
    """One script: its text, which begins with those of `first`, and calls of it by its SHA-1."""

    def __init__(self, name, *first):
        self.name = name
        # Put together when a server needs it: most have most in common.
        self._parts = first + (read_text(name + '.lua'),)
        self.sha = hashlib.sha1(self.text.encode('utf-8')).hexdigest()
        #: The packed arguments that every call begins with.
        self.start = [argument('EVALSHA'), argument(self.sha)]

    @property
    def text(self):
        """The whole of it."""
        return ''.join(self._parts)

    def call(self, keys, arguments):
        """Return the packed command that calls it."""
        return self.head(keys, arguments, 0)

    def head(self, keys, arguments, more, is_known=True):
        """
        Return a packed call that lacks its last `more` arguments.

        Unless `is_known`, it brings the script's text, without comments.
        """
        start = self.start
        if not is_known:
            start = [argument('EVAL'), argument(re.sub('(?m)^ *--.*\n|^ +', '', self.text))]
        return command(start + packed(keys, arguments), more)


def packed(keys, arguments=()):
    """Return the packed arguments of a call behind those that it begins with, a list."""
    return [argument(value) for value in itertools.chain([len(keys)], keys, arguments)]


_prelude = read_text('prelude.lua')
_mark = read_text('mark.lua')
_sending = (_prelude, read_text('sending.lua'))
_records = (read_text('acknowledged.lua'), read_text('records.lua'))
_recorded = (_prelude,) + _records

SEND = Script('send', read_text('send_first.lua'), *_sending)
GROUP_SEND = Script('group_send', _prelude)
GROUP_ADD = Script('group_add', _mark)
GROUP_DISCARD = Script('group_discard', _mark)
GROUP_MEMBERS = Script('group_members')
HELLO = Script('hello', _mark)
FORGET = Script('forget')
POP = Script('pop')
RECEIVED = Script('received', _mark)
KEEP = Script('keep')
REQUEUE = Script('requeue')
RELEASE = Script('release')
EXPIRE = Script('expire', _prelude)
BEAT = Script('beat')
PUT = Script('put', read_text('put_first.lua'), *_recorded)
TAKE = Script('take', read_text('take_first.lua'), *_recorded)
ACKNOWLEDGE = Script('acknowledge', read_text('acknowledge_first.lua'), *(_sending + _records))
POSTPONE = Script('postpone', *_recorded)
RECOVER = Script('recover', *_recorded)
CANCEL = Script('cancel', *_recorded)

ALL = (
    SEND, KEEP, GROUP_SEND, GROUP_ADD, GROUP_DISCARD, GROUP_MEMBERS, HELLO, FORGET, POP, RECEIVED, REQUEUE,
    RELEASE, BEAT, PUT, TAKE, ACKNOWLEDGE, POSTPONE, RECOVER, CANCEL, EXPIRE,
)


class _Loading(object):
    """The commands that make a server know all scripts, packed when they are asked for."""

    def __len__(self):
        return len(ALL)

    def __iter__(self):
        return (pack('SCRIPT', 'LOAD', script.text) for script in ALL)


#: The commands that make a server know all of them.
LOAD = _Loading()
#: What asks whether the commands before it are safe; see `confirmation`.
_CONFIRMING = ('WAIT', 'WAITAOF')
#: What begins a transaction (see keeping.py), which nothing comes before.
_BEGINNING = ('CLIENT',)
#: What EXEC says, and no other command, if it carries nothing out.
_ENDED = re.compile('EXECABORT|ERR EXEC without MULTI')


def to_repeat(commands, replies, codes=('NOSCRIPT',)):
    """
    Return the indexes of `commands` that were refused with one of `codes`.

    Nothing of them was executed. What asks behind them whether they are safe
    was answered for nothing, and is among them, as is all of a transaction.
    Raise ProtocolError as check_step() does.
    """
    check_step(commands[0], replies)
    found = []
    for index, reply in enumerate(replies):
        if type(reply) is ReplyError:
            if reply.code in codes:
                found.append(index)
        elif found and is_call(commands[index], _CONFIRMING):
            found.append(index)
    if found and is_call(commands[0], _BEGINNING):
        return list(range(len(commands)))
    return found


def check_step(command, replies):
    """
    Raise ProtocolError if more comes than `replies` to what `command` begins.

    Where CLIENT REPLY is refused, since an ACL forbids it or the server is
    BUSY with a script of somebody, it has an answer, and so has MULTI.
    """
    if type(replies[0]) is ReplyError and is_call(command, _BEGINNING):
        last = replies[-1]
        if type(last) is not list and not (type(last) is ReplyError and _ENDED.match('%s' % last)):
            raise ProtocolError('It answers what it was told not to: %s' % replies[0])


def with_texts(commands):
    """
    Return LOAD and `commands`, which then bring the texts of their scripts.

    The server may forget all of them again in between.
    """
    # How a call of each begins, and with what it may begin instead.
    starts = {
        b''.join(script.start): b''.join([argument('EVAL'), argument(script.text)]) for script in ALL
    }
    return tuple(LOAD) + tuple(restarted(command, starts) for command in commands)
