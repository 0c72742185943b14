"""
Channel and Group: the destinations of messages.
"""
from __future__ import absolute_import

from . import outbox
from .layers import DEFAULT_CHANNEL_LAYER, ChannelLayerWrapper, channel_layers
from .layers.acknowledgement import may_be_acknowledged, new_job_id
from .layers.job_options import check_job
from .layers.legacy import adapted
from .names import validate_channel_name, validate_group_name
from .prefetch.coalescer import flush_coalesced

#: What a job has beside its content: see a layer's send_job().
_JOB_OPTIONS = {'id', 'delay', 'at', 'priority', 'unique', 'conflict'}
#: Those of what is only late, and can be for any channel.
_TIME_OPTIONS = {'id', 'delay', 'at'}
#: Where messages for channels that aren't acknowledged wait for their time.
DELAYED = 'channels.delayed'

_NOT_A_DICT = 'You can only send dicts, not %s: wrap it, as in {"value": ...}.'


class Sender(object):
    """A name on a channel layer that messages can be sent to."""
    method = None

    def __init__(self, name, alias=DEFAULT_CHANNEL_LAYER, channel_layer=None):
        self.name = self.validate(name)
        if channel_layer is None:
            channel_layer = channel_layers[alias]
        elif type(channel_layer) is not ChannelLayerWrapper:
            channel_layer = adapted(channel_layer)
        self.channel_layer = channel_layer

    def validate(self, name):
        raise NotImplementedError('subclasses of Sender must provide a validate() method')

    def send(self, content, immediately=False):
        """
        Send `content`, a dict of what messages can hold.

        Inside a consumer it goes out when the consumer has succeeded, unless
        `immediately`; elsewhere at once. Raise TypeError if it is not a dict.
        """
        if not isinstance(content, dict):
            raise TypeError(_NOT_A_DICT % type(content).__name__)
        outbox.send(self.channel_layer, self.method, self.name, content, immediately)

    def asend(self, content, immediately=False, **job):
        """As send(), for async code, which awaits it."""
        from .asynchronous.sending import asend
        return asend(self.send, outbox.holds_back, content, immediately, job)

    def __str__(self):
        return self.name

    def __repr__(self):
        return '<%s %s>' % (type(self).__name__, self.name)


class Channel(Sender):
    """
    A channel of the layer `alias`, or of the given `channel_layer`.

    Sending to a full channel outside of a consumer raises the layer's
    ChannelFull.
    """
    method = 'send'
    validate = staticmethod(validate_channel_name)

    def send(self, content, immediately=False, **job):
        """
        Send `content`, as Sender.send() does; with more arguments, as a job.

        Its id is returned, or that of the job that has its `unique` key. Where
        it goes out later, as from a consumer, that isn't known yet: then it is
        its own. The arguments are those of a layer's send_job():
        `delay`, `at`, `priority`, `unique`, `conflict`. A job goes to an
        acknowledged channel; `delay` and `at` do for any, where a worker runs
        the routes of `schedules`.
        """
        if not isinstance(content, dict):
            raise TypeError(_NOT_A_DICT % type(content).__name__)
        if job:
            return self._send_job(content, immediately, job)
        outbox.send(self.channel_layer, 'send', self.name, content, immediately)
        if '!' not in self.name:
            self.channel_layer.warn_if_unread(self.name)

    def _send_job(self, content, immediately, job):
        if not self.channel_layer.supports_acknowledgement:
            raise TypeError('The channel layer %s has no jobs, which %s asks for.' % (
                self.channel_layer, ', '.join(sorted(job))))
        unknown = set(job) - _JOB_OPTIONS
        if unknown:
            raise TypeError('send() got unexpected arguments: %s.' % ', '.join(sorted(unknown)))
        check_job(**job)
        name, job = self.name, dict(job, message=content, id=job.get('id') or new_job_id())
        if not set(job) - _TIME_OPTIONS - {'message'} and self.channel_layer.options_of(name) is None:
            name, job['message'] = DELAYED, {'channel': name, 'content': content}
            self.channel_layer.warn_if_unread(DELAYED)
        # The layer knows another one with the same unique key.
        return outbox.send(self.channel_layer, 'put_job', name, job, immediately) or job['id']

    def cancel(self, id):
        """Have the job of that id, which send() returned, not be received; return whether it still waited."""
        flush_coalesced()
        layer = self.channel_layer
        if not layer.supports_acknowledgement:
            raise TypeError('The channel layer %s has no jobs that could be cancelled.' % layer)
        of_its_own = may_be_acknowledged(self.name) and layer.cancel_jobs(self.name, [id])
        return bool(of_its_own or layer.cancel_jobs(DELAYED, [id]))

    def acancel(self, id):
        """As cancel(), for async code, which awaits it."""
        from .asynchronous.sending import acall
        return acall(self.cancel, id)


class Group(Sender):
    """
    A set of channels; what is sent to the group goes to all of them.

    Members without room miss the message; the layer's statistics count them.
    """
    method = 'send_group'
    validate = staticmethod(validate_group_name)

    def add(self, channel):
        """Make `channel`, a Channel or a name, a member of this group."""
        flush_coalesced()
        self.channel_layer.group_add(self.name, _channel_name(channel))

    def discard(self, channel):
        """Remove `channel`, a Channel or a name, from this group."""
        flush_coalesced()
        self.channel_layer.group_discard(self.name, _channel_name(channel))

    def aadd(self, channel):
        """As add(), for async code, which awaits it."""
        from .asynchronous.sending import acall
        return acall(self.add, channel)

    def adiscard(self, channel):
        """As discard(), for async code, which awaits it."""
        from .asynchronous.sending import acall
        return acall(self.discard, channel)


def _channel_name(channel):
    return channel.name if isinstance(channel, Channel) else validate_channel_name(channel)
