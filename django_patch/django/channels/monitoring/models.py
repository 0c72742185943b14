"""
A model without a table, which gives the admin's pages their permissions.
"""
from __future__ import absolute_import, unicode_literals

from django.db import models


class Overview(models.Model):
    """What the admin lists: all that a project's channel layers hold."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (
            ('view_channels', 'Can see what channels hold'),
            ('change_channels', 'Can remove messages and members'),
        )
        verbose_name = 'overview'
        verbose_name_plural = 'overview'
