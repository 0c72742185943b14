"""The page; its socket brings the entries."""
from __future__ import unicode_literals

from django.shortcuts import render


def page(request):
    """Show the page."""
    return render(request, 'entries/page.html')
