"""
A page of news, and the stream that brings more of them.

The stream is a response that isn't complete yet. Its reply channel is a
member of a group, and what is sent to the group is a further piece of each
such response. So no thread and no worker waits for news, however many readers
there are, on any Django.
"""
from __future__ import unicode_literals

import json
import re

from django.channels import Group
from django.channels.exceptions import ResponseLater
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from .models import Headline

READERS = 'readers'
#: How many headlines a page shows, and how many a reader gets who was away.
HISTORY = 50

HEADERS = [
    (b'content-type', b'text/event-stream'),
    (b'cache-control', b'no-store'),
    # Has nginx pass on each event at once.
    (b'x-accel-buffering', b'no'),
]


def page(request):
    """Show the headlines; post a new one."""
    text = request.POST.get('text', '').strip()
    if text:
        headline = Headline.objects.create(text=text[:200])
        Group(READERS).send(piece(headline))
        return redirect('page')
    return render(request, 'headlines/page.html', {'headlines': Headline.objects.order_by('-pk')[:HISTORY]})


@require_safe
def events(request):
    """Stream the headlines that are posted from now on, and those that the reader has missed."""
    reader = request.reply_channel
    # At once, since it has to come before what the group gets.
    reader.send({'status': 200, 'headers': HEADERS, 'content': b'', 'more_content': True}, immediately=True)
    # Join first, look second: so nothing is missed. What is posted in between
    # comes first, and twice; the page puts it in its place.
    Group(READERS).add(reader)
    for headline in Headline.objects.filter(pk__gt=last_seen(request)).order_by('pk')[:HISTORY]:
        reader.send(piece(headline))
    raise ResponseLater()


def reader_left(message):
    """Forget the stream of a reader who has closed the page."""
    Group(READERS).discard(message.reply_channel)


def piece(headline):
    """Return the message with a headline as one event of a stream."""
    event = 'id: %d\ndata: %s\n\n' % (headline.pk, json.dumps({'id': headline.pk, 'text': headline.text}))
    return {'content': event.encode('utf-8'), 'more_content': True}


def last_seen(request):
    """Return the id of the last headline that the reader has (int)."""
    # The header is what a browser says when it comes again, the parameter what
    # the page says the first time.
    after = request.META.get('HTTP_LAST_EVENT_ID') or request.GET.get('after', '')
    return int(after) if re.match('[0-9]{1,18}$', after) else 0
