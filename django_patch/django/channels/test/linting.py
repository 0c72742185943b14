"""
The linter at work in a whole process: whatever is sent keeps the standard.
"""
from __future__ import absolute_import, unicode_literals

import functools

from ..layers.memory import InMemoryChannelLayer
from ..layers.transport.sending import SendOperations
from . import lint


class exempt(object):
    """
    Context manager, and decorator of a test: lint_everything() lets messages
    pass whose only problems are at `keys`.

    For tests of what becomes of messages that break the standard.
    """
    keys = []

    def __init__(self, *keys):
        self._keys = keys

    def __enter__(self):
        exempt.keys.extend(self._keys)

    def __exit__(self, *exc_info):
        del exempt.keys[-len(self._keys):]

    def __call__(self, decorated):
        if isinstance(decorated, type):
            decorated.run = self(decorated.run)
            return decorated

        @functools.wraps(decorated)
        def inner(*args, **kwargs):
            with self:
                return decorated(*args, **kwargs)
        return inner


def lint_everything():
    """
    Have every layer of ours in this process refuse messages that break the
    standard, as lint.LintingLayer does.

    Call it once, where the tests of a server or a worker begin. A layer's own
    errors come before. What a group is sent over Redis is not looked at,
    since its members aren't known here.
    """
    def one(layer, channel, message):
        if isinstance(channel, (type(''), str)):
            found = lint.problems(channel, message)
            # What no layer takes, it says itself.
            if not {'', '__asgi_channel__'} & {key for key, text in found}:
                lint.refuse(channel, [text for key, text in found if key not in exempt.keys])

    def several(layer, pairs):
        for channel, message in pairs:
            one(layer, channel, message)

    def group(layer, group, message):
        for channel in layer.group_channels(group):
            one(layer, channel, message)

    for owner, name, look in (
        (InMemoryChannelLayer, 'send', one), (InMemoryChannelLayer, 'send_group', group),
        (SendOperations, 'send', one), (SendOperations, 'send_many', several),
    ):
        _look_before(owner, name, look)


def _look_before(owner, name, look):
    send = getattr(owner, name)
    if hasattr(send, 'is_linting'):
        return

    @functools.wraps(send)
    def linting(self, *args):
        look(self, *args)
        return send(self, *args)
    linting.is_linting = True
    setattr(owner, name, linting)
