"""
Options that all plans of one layer share.
"""
from __future__ import absolute_import, unicode_literals

from .cipher import Cipher
from .keys import Keys
from .sealing import Sealer

#: Bytes of a body above which it is carried beside the script, as one piece.
#: A script reads every byte of its arguments (Redis hashes them for Lua),
#: which from here on costs more than a second question to Redis.
INLINE_SIZE = 96 << 10
#: Bytes of the largest message. More is a mistake, or an attack.
MAX_SIZE = 1 << 30
#: Milliseconds that pieces outlive the entry that refers to them.
PIECES_GRACE = 60000


class Options(object):
    """
    Keys, lifetimes (ms), capacities and encryption of a layer.

    `get_capacity` and `get_process_capacity` return how many messages a
    channel, and all clients of a ``!`` channel, may have waiting;
    `get_acknowledged` the ChannelOptions of an acknowledged channel, or None.
    `confirm` is a dict of what Confirmation takes, or None.
    """

    def __init__(self, prefix, shards, expiry, group_expiry, get_capacity, get_process_capacity,
                 symmetric_encryption_keys=None, unbound_encryption=None, joining=0,
                 get_acknowledged=lambda channel: None, confirm=None):
        self.keys = Keys(prefix, shards, joining)
        self.lifetime = int(expiry * 1000)
        self.group_lifetime = int(group_expiry * 1000)
        # At least a day, so that what happened at night is seen.
        self.statistics_lifetime = max(self.group_lifetime, 86400000)
        self.get_capacity = get_capacity
        self.get_process_capacity = get_process_capacity
        self.get_acknowledged = get_acknowledged
        if not isinstance(confirm, (dict, type(None))):
            raise TypeError("confirm must be a dict, such as {'replicas': 1}, not %r." % (confirm,))
        self.confirmation = None
        if confirm is not None:
            # It speaks to servers, as what looks at settings doesn't.
            from .confirmation import Confirmation
            self.confirmation = Confirmation(**confirm)
        # Whatever else is false, such as '', was not meant as none.
        is_clear = symmetric_encryption_keys in (None, [], ())
        cipher = None if is_clear else Cipher(symmetric_encryption_keys, self.keys.prefix)
        self.sealer = Sealer(cipher, unbound_encryption)
        self.piece_size, self.string_size = self.sealer.piece_size, self.sealer.string_size

    def queue_lifetime(self, queue):
        """
        Return for how long (ms) the list of `queue` is kept.

        What expires on a normal channel stays until somebody has counted it,
        as long as a counter would.
        """
        return self.lifetime if '!' in queue or '?' in queue else max(self.lifetime, self.statistics_lifetime)
