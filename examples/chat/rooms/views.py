"""The pages: the list of rooms, a room, and signing up."""
from __future__ import unicode_literals

from django.contrib import auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import UserCreationForm
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from .forms import RoomForm
from .models import Line, Room


@login_required
def room_list(request):
    """Show all rooms; open a new one."""
    form = RoomForm(request.POST or None)
    if request.method == 'POST' and form.is_valid():
        return redirect('room', room_id=form.save().pk)
    return render(request, 'rooms/room_list.html', {'rooms': Room.objects.order_by('title'), 'form': form})


@login_required
def room(request, room_id):
    """Show a room with the last lines said in it; the socket does the rest."""
    return render(request, 'rooms/room.html', {
        'room': get_object_or_404(Room, pk=room_id),
        'lines': Line.latest(room_id),
        'max_length': Line.MAX_LENGTH,
    })


def signup(request):
    """Make an account and log it in."""
    form = UserCreationForm(request.POST or None)
    if request.method == 'POST' and form.is_valid():
        form.save()
        user = auth.authenticate(
            username=form.cleaned_data['username'],
            password=form.cleaned_data['password1'],
        )
        auth.login(request, user)
        return redirect('rooms')
    return render(request, 'rooms/signup.html', {'form': form})


@require_POST
def logout(request):
    """Log out. By POST, so that no link or image elsewhere can do it."""
    auth.logout(request)
    return redirect('login')
