"""
The names of apps, which code of the 1.x family asks for without "django.".
"""
from __future__ import absolute_import

from .compat import six
from .conf import conf


class AppName(six.text_type):
    """
    The dotted name of an app below django.channels.

    It equals the name under which `channels` is an alias of django.channels,
    so that ``apps.is_installed('channels')``, which compares names, tells the
    truth by either.
    """
    #: Is it hashed as the name without "django."?
    is_short = False

    def as_listed(self):
        """
        Return the same name, hashed as INSTALLED_APPS has it.

        Sets find it by that one, such as that of a test case's available_apps.
        """
        short = self[len('django.'):]
        name = type(self)(self)
        name.is_short = any(entry == short or entry.startswith(short + '.apps.') for entry in conf.installed_apps)
        return name

    def __eq__(self, other):
        # A slice is plain text. That of Python 2 asks what derives from it
        # first.
        return self[:] == other or self[len('django.'):] == other

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self[len('django.'):] if self.is_short else self[:])


class NameAsListedMixin(object):
    """The part of an AppConfig whose `name` is an AppName."""

    def __init__(self, app_name, app_module):
        super(NameAsListedMixin, self).__init__(self.name.as_listed(), app_module)
