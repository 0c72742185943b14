"""
Groups of a layer: the part of the contract behind `supports_groups`.
"""
from __future__ import absolute_import


class GroupsMixin(object):
    """The part of BaseChannelLayer that has groups."""

    #: Does it have groups: group_add(), group_discard(), group_channels()
    #: and send_group()?
    supports_groups = False

    def group_add(self, group, channel):
        """Make `channel` a member of `group` for `group_expiry` seconds."""
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a group_add() method')

    def group_discard(self, group, channel):
        """Remove `channel` from `group`, whether it is a member or not."""
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a group_discard() method')

    def group_channels(self, group):
        """Return the names of the members of `group` as a list."""
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a group_channels() method')

    def send_group(self, group, message):
        """
        Send `message` to every member of `group`.

        Never raise ChannelFull: members without room are left out and
        counted as dropped in the statistics.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a send_group() method')
