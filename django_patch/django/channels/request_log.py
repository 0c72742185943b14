"""
Records of the logger django.request that say which message they are about.

Django's own code makes most of them: it knows the request, not its message.
"""
from __future__ import absolute_import

import logging

from .consumption import describe


def facts_of(message):
    """Return what a record about `message`, a Message, has beside its text: a dict for `extra`."""
    channel = message.channel.name or ''
    return describe(channel, message.content, message.consumer, message.attempt)


class MessageFacts(logging.Filter):
    """Lets every record pass, and gives those with a channel's `request` what facts_of() its message returns."""

    def filter(self, record):
        message = getattr(getattr(record, 'request', None), 'message', None)
        # A test's request, and one that came by WSGI, has no message.
        if hasattr(message, 'channel_layer'):
            for name, value in facts_of(message).items():
                if not hasattr(record, name):
                    setattr(record, name, value)
        return True


_message_facts = MessageFacts()


def describe_requests():
    """Have the records of django.request describe the messages of requests; a second call does nothing."""
    # Configuring logging replaces a logger's handlers, and leaves its filters.
    logging.getLogger('django.request').addFilter(_message_facts)
