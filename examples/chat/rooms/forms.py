"""The one form of the chat that Django doesn't bring along."""
from __future__ import unicode_literals

from django import forms

from .models import Room


class RoomForm(forms.ModelForm):
    """Opens a new room."""

    class Meta:
        model = Room
        fields = ['title']
