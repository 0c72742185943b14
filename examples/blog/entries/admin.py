"""Where the editor writes."""
from __future__ import unicode_literals

from django.contrib import admin

from .models import Entry


class EntryAdmin(admin.ModelAdmin):
    """Entries, whose publication is a click in their list."""
    list_display = ['pk', 'text', 'published']
    list_editable = ['published']


admin.site.register(Entry, EntryAdmin)
