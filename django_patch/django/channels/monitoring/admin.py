"""
The admin's pages: what the channel layers hold, and what may be removed.
"""
from __future__ import absolute_import, unicode_literals

import contextlib
import datetime

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE as CHANGED, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse

from ..compat.url_patterns import re_path, reverse
from ..exceptions import LayerUnavailable
from ..layers import channel_layers
from . import overview
from .job_pages import JobPagesMixin, found
from .job_rows import message_text
from .models import Overview
from .paging import page_of
from .process_rows import work_done
from .snapshot import channels_of, whole
from .wording import counted, sentences

#: Messages and members that a page lists.
MAX_MESSAGES, MAX_MEMBERS = 20, 200


class OverviewAdmin(JobPagesMixin, admin.ModelAdmin):
    """Stands where a model's list would stand, and shows layers instead."""

    def __init__(self, model, admin_site):
        super(OverviewAdmin, self).__init__(model, admin_site)
        overview.sites.add(admin_site)

    def get_urls(self):
        def named(regex, view, name):
            def answered(request, *args, **kwargs):
                return self.answered(view, request, *args, **kwargs)

            inside = self.admin_site.admin_view(answered)
            setattr(inside, overview.SITE, self.admin_site)
            return re_path(regex, inside, name='channels_monitoring_' + name)

        return [
            named(r'^$', self.changelist_view, 'overview_changelist'),
            named(r'^(?P<alias>.+)/channel/(?P<name>[\w.?!-]+)/$', self.channel_view, 'channel'),
            named(r'^(?P<alias>.+)/channel/(?P<name>[\w.?!-]+)/purge/$', self.purge_view, 'purge'),
            named(r'^(?P<alias>.+)/group/(?P<name>[\w.-]+)/$', self.group_view, 'group'),
            named(r'^(?P<alias>.+)/jobs/(?P<name>[\w.-]+)/$', self.jobs_view, 'jobs'),
            named(r'^(?P<alias>.+)/jobs/(?P<name>[\w.-]+)/act/$', self.act_view, 'act'),
            named(r'^(?P<alias>.+)/jobs/(?P<name>[\w.-]+)/dead/(?P<id>[\w.-]+)/$', self.letter_view, 'letter'),
        ]

    def answered(self, view, request, *args, **kwargs):
        """Return the response of `view`, or say, with status 503, what can't be reached; 404 if it can't be asked."""
        try:
            return view(request, *args, **kwargs)
        except NotImplementedError as error:
            raise Http404('This channel layer doesn\'t tell: %s' % error)
        except LayerUnavailable as error:
            response = self.page(request, 'unavailable', 'Channels', error=error)
            response.status_code = 503
            return response

    # Permissions

    def has_module_permission(self, request):
        return overview.may(request.user, overview.VIEW)

    def has_view_permission(self, request, obj=None):
        return overview.may(request.user, overview.VIEW)

    # Django before 2.1 asks this one before it shows a link.
    has_change_permission = has_view_permission

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    # Pages

    def changelist_view(self, request, extra_context=None):
        """Show the layer `layer` of the query string, or the first."""
        aliases = sorted(channel_layers)
        alias = request.GET.get('layer') or (aliases or [''])[0]
        if not aliases:
            return self.page(request, 'overview', 'Channels', error='CHANNEL_LAYERS is empty.')
        layer = self.get_layer(request, alias, overview.VIEW)
        return self.page(
            request, 'overview', 'Channels', aliases=aliases,
            **overview.collect(layer, alias, self.admin_site.name)
        )

    def channel_view(self, request, alias, name):
        """Show what waits in a channel, the oldest messages first."""
        layer, absent = self.get_layer(request, alias, overview.VIEW), {}
        look = layer.looking(absent)
        with found():
            waiting = look.peek(name, MAX_MESSAGES)
            numbers = look.channel_statistics(name) if layer.supports_statistics else (
                channels_of(layer, overview.BUDGET).get(name, {}))
        points = overview.curves(layer).get(name, [])
        processes = layer.processes() if layer.supports_presence else ()
        # What messages hold is more private than how many there are.
        may_read = overview.may(request.user, overview.CHANGE)
        return self.page(
            request, 'channel', name, alias=alias, absent=sentences(absent),
            channel=overview.channel_row(name, whole(numbers), points), may_change=may_read,
            done=work_done(processes, name), points=[
                dict(point, clock=datetime.datetime.fromtimestamp(point['time'])) for point in points[::-1]
            ], waiting=[
                {'age': age, 'names': ', '.join(names),
                 'text': message_text(message) if may_read and message is not None else None}
                for age, names, message in waiting
            ],
        )

    def purge_view(self, request, alias, name):
        """Ask whether the messages of a channel shall be removed; remove them on POST."""
        layer = self.get_layer(request, alias, overview.CHANGE)
        with found():
            if request.method != 'POST':
                absent = {}
                number = layer.looking(absent).channel_statistics(name)['messages_pending']
                if absent:
                    # Of some that may be removed it isn't known.
                    raise LayerUnavailable('. '.join(sentences(absent)))
                return self.page(request, 'purge', name, alias=alias, number=number)
            layer.check_servers()
            with self.logged(request, alias, name, 'Remove all messages') as log:
                number = layer.purge(name)
                log.change_message = 'Removed %s.' % counted(number, 'message')
        messages.success(request, 'Removed %s from %s.' % (counted(number, 'message'), name))
        return HttpResponseRedirect(reverse(
            self.admin_site.name + ':channels_monitoring_channel', args=(alias, name)))

    def group_view(self, request, alias, name):
        """Show the members of a group, from `offset` of the query string on."""
        layer, absent = self.get_layer(request, alias, overview.VIEW), {}
        if not layer.supports_groups:
            raise Http404('This channel layer has no groups.')
        with found():
            members = sorted(layer.looking(absent).group_channels(name))
        page = page_of(request.GET, MAX_MEMBERS, len(members))
        return self.page(
            request, 'group', name, alias=alias, absent=sentences(absent), page=page,
            members=members[page['offset']:page['last']],
        )

    # Helpers

    def get_layer(self, request, alias, permission):
        """Return the layer; raise PermissionDenied or Http404."""
        if not overview.may(request.user, permission):
            raise PermissionDenied
        if alias not in channel_layers:
            raise Http404('There is no channel layer of this alias.')
        return channel_layers[alias]

    def page(self, request, template, title, **context):
        """Return the response of one of the templates."""
        # Where the project has more admins than one.
        request.current_app = self.admin_site.name
        context = dict(self.admin_site.each_context(request), title=title, opts=Overview._meta, **context)
        return TemplateResponse(request, 'channels_monitoring/%s.html' % template, context)

    @contextlib.contextmanager
    def logged(self, request, alias, name, wanted):
        """
        Write into the admin's log who does what, before the block does it.

        `wanted` is what the log says until the block has said, in the entry's
        change_message, what came of it: if the database can't be written to,
        nothing is done that nobody would know of; and if the layer fails in
        between, the log tells that some of it may be done.
        """
        name = '%s/%s' % (alias, name)
        entry = LogEntry(
            user_id=request.user.pk, content_type_id=ContentType.objects.get_for_model(Overview).pk,
            object_id=name, object_repr=name[:200], action_flag=CHANGED, change_message=wanted + ': begun.',
        )
        entry.save()
        try:
            yield entry
        except Exception as error:
            entry.change_message = '%s: failed, some of it may be done. %s' % (wanted, error)
            raise
        finally:
            entry.save()


admin.site.register(Overview, OverviewAdmin)
