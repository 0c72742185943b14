"""
Channel and Group: the destinations of messages.
"""
from __future__ import absolute_import

from . import outbox
from .layers import DEFAULT_CHANNEL_LAYER, channel_layers
from .layers.acknowledgement import new_job_id
from .layers.legacy import adapted
from .names import validate_channel_name, validate_group_name
from .prefetch.coalescer import flush_coalesced

#: What a job has beside its content: see a layer's send_job().
_JOB_OPTIONS = {'id', 'delay', 'at', 'priority', 'unique', 'conflict'}


class Sender(object):
    """A name on a channel layer that messages can be sent to."""
    method = None

    def __init__(self, name, alias=DEFAULT_CHANNEL_LAYER, channel_layer=None):
        self.name = self.validate(name)
        self.channel_layer = channel_layers[alias] if channel_layer is None else adapted(channel_layer)

    def validate(self, name):
        raise NotImplementedError('subclasses of Sender must provide a validate() method')

    def send(self, content, immediately=False):
        """
        Send `content`, a dict of what messages can hold.

        Inside a consumer it goes out when the consumer has succeeded, unless
        `immediately`; elsewhere at once. Raise TypeError if it is not a dict.
        """
        if not isinstance(content, dict):
            raise TypeError(
                'You can only send dicts, not %s: wrap it, as in {"value": ...}.' % type(content).__name__
            )
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

        A job goes to an acknowledged channel, and its id is returned. The
        arguments are those of a layer's send_job(): `delay`, `at`,
        `priority`, `unique`, `conflict`.
        """
        if job:
            return self._send_job(content, immediately, job)
        super(Channel, self).send(content, immediately)
        if '!' not in self.name:
            self.channel_layer.warn_if_unread(self.name)

    def _send_job(self, content, immediately, job):
        if not self.channel_layer.supports_acknowledgement:
            raise TypeError('The channel layer %s has no jobs, which %s asks for.' % (
                self.channel_layer, ', '.join(sorted(job))))
        unknown = set(job) - _JOB_OPTIONS
        if unknown:
            raise TypeError('send() got unexpected arguments: %s.' % ', '.join(sorted(unknown)))
        job = dict(job, message=content, id=job.get('id') or new_job_id())
        outbox.send(self.channel_layer, 'put_job', self.name, job, immediately)
        return job['id']


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
