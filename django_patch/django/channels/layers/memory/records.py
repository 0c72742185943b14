"""
Records of messages on acknowledged channels of the in-memory layer.
"""
from __future__ import absolute_import


class JobRecord(object):
    """A message of an acknowledged channel; `sent` is by time.time(), `born` by the layer's clock."""
    __slots__ = ('id', 'message', 'deliveries', 'priority', 'sent', 'born', 'unique', 'story')

    def __init__(self, id, message, priority, sent, born, unique):
        self.id = id
        self.message = message
        self.deliveries = 0
        self.priority = priority
        self.sent = sent
        self.born = born
        self.unique = unique
        #: Of its last attempt, if that has failed.
        self.story = ''
