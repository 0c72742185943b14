"""
What happens when a browser's WebSocket opens, says something and closes.

A browser sends ``{"text": "..."}`` and nothing else: who said it comes from
the session that the login page made, never from the browser. It gets
``{"lines": [...]}`` with lines as Line.as_dict() makes them, or
``{"error": "..."}``.
"""
from __future__ import unicode_literals

import json

from django.channels import Group
from django.channels.auth import channel_session_user, channel_session_user_from_http
from django.channels.exceptions import DenyConnection
from django.channels.security.websockets import allowed_hosts_only
from django.http import QueryDict

from .models import Line, Room


def group_of(room_id):
    """Return the group of all sockets that are open in a room."""
    return Group('room-%d' % int(room_id))


def may_speak(user):
    """Tell whether this is somebody who logged in and is still welcome."""
    # An anonymous user has no key. (is_authenticated is a method on Django
    # 1.8 and an attribute on 2.0, where the other form silently misleads.)
    return user.pk is not None and user.is_active


# A page of another site is refused before, as for every socket. This asks for
# more: a client has to name its site, as browsers do.
@allowed_hosts_only
@channel_session_user_from_http
def connect(message, room_id):
    """Let a user in and send what the page has missed since it was made."""
    if not may_speak(message.user) or not Room.objects.filter(pk=room_id).exists():
        raise DenyConnection('Log in and choose a room that exists.')
    # Join first, look second: a line said in between comes twice rather than
    # never, and the page drops lines that it already shows.
    group_of(room_id).add(message.reply_channel)
    message.reply_channel.send({'accept': True})
    missed = Line.latest(room_id, after=last_seen(message))
    if missed:
        send_lines(message.reply_channel, missed)


@channel_session_user
def receive(message, room_id):
    """Keep what a user said and show it to everybody in the room."""
    if not may_speak(message.user):
        message.reply_channel.send({'close': True})
        return
    try:
        text = read_text(message)
    except ValueError as error:
        message.reply_channel.send({'text': json.dumps({'error': '%s' % error})})
        return
    line = Line.objects.create(room_id=room_id, user=message.user, text=text)
    send_lines(group_of(room_id), [line])


@channel_session_user
def disconnect(message, room_id):
    """Forget a socket that is gone."""
    group_of(room_id).discard(message.reply_channel)


def last_seen(message):
    """Return the id of the last line the page shows (int), 0 if it has none."""
    after = QueryDict(message.get('query_string', b'')).get('after', '')
    return int(after) if after.isdecimal() and len(after) < 19 else 0


def read_text(message):
    """
    Return what the user said, as text without surrounding white space.

    ValueError, with a text for the user, if it isn't something to show.
    """
    try:
        text = json.loads(message['text'])['text'].strip()
        # Half a surrogate pair is legal JSON, but no text one could store.
        text.encode('utf-8')
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError('Send one text, as {"text": "..."}.')
    if not text:
        raise ValueError('Say something.')
    if len(text) > Line.MAX_LENGTH:
        raise ValueError('At most %d characters at once, please.' % Line.MAX_LENGTH)
    return text


def send_lines(target, lines):
    """Send lines to a Channel or a Group, in one frame."""
    target.send({'text': json.dumps({'lines': [line.as_dict() for line in lines]})})
