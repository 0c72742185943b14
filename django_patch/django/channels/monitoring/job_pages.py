"""
The admin's pages about acknowledged channels: jobs and dead letters.
"""
from __future__ import absolute_import, unicode_literals

import collections
import contextlib
import time

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect

from ..compat import six
from ..compat.url_patterns import reverse
from ..exceptions import ChannelsError, LayerUnavailable
from . import overview
from .job_rows import job_rows, letter_rows, running_rows, with_every_dead_letter
from .paging import page_of
from .process_rows import process_rows
from .wording import counted, sentences

#: Jobs, and dead letters, that a page lists.
MAX_JOBS, MAX_LETTERS = 100, 100
#: Ids that one entry of the admin's log names.
MAX_LOGGED = 50

#: What may be done: the method of the layer, what is asked, what was done
#: to how many of what.
Action = collections.namedtuple('Action', 'method question past noun')
ACTIONS = {
    'cancel': Action('cancel_jobs', 'Cancel %s? Nobody will receive them.', 'Cancelled', 'job'),
    'replay': Action('replay', 'Have %s be received again?', 'Replayed', 'dead letter'),
    'delete': Action('delete_dead_letters', 'Delete %s? They can\'t be had back.', 'Deleted', 'dead letter'),
}


@contextlib.contextmanager
def found():
    """Raise Http404 for what a layer says can't be, such as a name; its absence comes through."""
    try:
        yield
    except LayerUnavailable:
        raise
    except (ValueError, ChannelsError) as error:
        raise Http404(six.text_type(error))


class JobPagesMixin(object):
    """The views of OverviewAdmin about jobs."""

    def jobs_view(self, request, alias, name):
        """Show the jobs of a channel, what runs now, and its dead letters from `offset` of the query string on."""
        layer, absent = self.get_acknowledging_layer(request, alias, overview.VIEW), {}
        may_change, look = overview.may(request.user, overview.CHANGE), layer.looking(absent)
        with found():
            numbers = look.acknowledged_statistics(name).get(name)
            jobs = look.jobs(name, MAX_JOBS)
            page = page_of(request.GET, MAX_LETTERS, numbers['dead_letters'] if numbers else 0)
            letters = look.dead_letters(name, MAX_LETTERS, page['offset'])
            processes = layer.processes() if layer.supports_presence else ()
        workers = process_rows(processes, time.time())[0]
        return self.page(
            request, 'jobs', name, alias=alias, absent=sentences(absent), numbers=numbers, may_change=may_change,
            jobs=job_rows(jobs, may_change), letters=letter_rows(letters, may_change),
            running=running_rows(workers, name), is_cut=len(jobs) == MAX_JOBS, page=page,
        )

    def letter_view(self, request, alias, name, id):
        """Show one dead letter with all that is known of it."""
        layer, absent = self.get_acknowledging_layer(request, alias, overview.VIEW), {}
        may_change = overview.may(request.user, overview.CHANGE)
        with found():
            rows = letter_rows(layer.looking(absent).dead_letters(name, id=id), may_change, with_text=True)
        for text in absent.values() if not rows else ():
            # It may be there.
            raise LayerUnavailable(text)
        if not rows:
            raise Http404('There is no such dead letter, or no longer.')
        row, = rows
        return self.page(request, 'letter', id, alias=alias, channel=name, letter=row, may_change=may_change)

    def act_view(self, request, alias, name):
        """Ask whether to do what a form of the pages says, with what it has ticked; do it once that is confirmed."""
        layer = self.get_acknowledging_layer(request, alias, overview.CHANGE)
        action, ids, every = request.POST.get('action'), request.POST.getlist('id'), request.POST.get('every') == 'yes'
        back = reverse(self.admin_site.name + ':channels_monitoring_jobs', args=(alias, name))
        if request.method != 'POST' or action not in ACTIONS or every and action == 'cancel':
            return HttpResponseRedirect(back)
        if not ids and not every:
            messages.warning(request, 'Nothing was ticked, so nothing was done.')
            return HttpResponseRedirect(back)
        if request.POST.get('confirmed') != 'yes':
            what = 'all dead letters of %s' % name if every else '%d of %s' % (len(ids), name)
            return self.page(
                request, 'act', name, alias=alias, action=action, ids=ids, every=every, back=back,
                question=ACTIONS[action].question % what,
            )
        method = getattr(layer, ACTIONS[action].method)
        named = 'all' if every else ', '.join(ids[:MAX_LOGGED]) + (', ...' if len(ids) > MAX_LOGGED else '')
        with found():
            layer.check_servers()
            wanted = '%s %ss (%s)' % (action.title(), ACTIONS[action].noun, named)
            with self.logged(request, alias, name, wanted) as log:
                done = with_every_dead_letter(layer, name, method) if every else method(name, ids)
                text = '%s %s' % (ACTIONS[action].past, counted(done, ACTIONS[action].noun))
                log.change_message = '%s: %s.' % (text, named)
        messages.success(request, '%s of %s.' % (text, name))
        return HttpResponseRedirect(back)

    def get_acknowledging_layer(self, request, alias, permission):
        """Return the layer, which has acknowledged channels; raise PermissionDenied or Http404."""
        layer = self.get_layer(request, alias, permission)
        if not layer.supports_acknowledgement:
            raise Http404('This channel layer has no acknowledged channels.')
        return layer
