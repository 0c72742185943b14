"""
The names of apps, which code of the 1.x family asks for without "django.".
"""
from __future__ import absolute_import


class AppName(str):
    """
    The dotted name of an app below django.channels.

    It equals the name under which `channels` is an alias of django.channels,
    so that ``apps.is_installed('channels')``, which compares names, tells the
    truth by either.
    """

    def __eq__(self, other):
        # A slice is a plain string, which Python 2 compares with text, too.
        return self[:] == other or self[len('django.'):] == other

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__
