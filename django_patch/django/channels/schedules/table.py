"""
CHANNEL_SCHEDULES, turned into Schedules.
"""
from __future__ import absolute_import, unicode_literals

import zlib

from django.conf import settings
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.utils.timezone import get_default_timezone

from ..channel import Channel
from ..compat import six
from ..compat.time_zones import named_zone
from ..conf import conf
from ..durations import checked_seconds
from ..exceptions import UnknownChannelLayerError
from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers
from ..layers.validation import check_values
from ..names import validate_channel_name
from .cron import CronLine

#: Where the next run of each schedule waits for its time.
SCHEDULES = 'channels.schedules'

#: Seconds between two times at least.
_SHORTEST = 0.001

_KEYS = {'channel', 'content', 'task', 'args', 'kwargs', 'cron', 'every', 'timezone', 'layer', 'grace'}

_TYPES = [
    ('content', dict, 'a dict'), ('args', (list, tuple), 'a list'), ('kwargs', dict, 'a dict'),
    ('cron', (six.text_type, str), 'a line of five fields, as text'),
    ('layer', (six.text_type, str), 'the alias of a channel layer'),
]


class Interval(object):
    """Times that are `seconds` apart; they are the same in each process."""

    def __init__(self, seconds):
        self._seconds = checked_seconds('every', seconds)
        if seconds < _SHORTEST:
            # The next time would be the same, to the precision of a job's.
            raise ValueError('every must be %s seconds or more, not %r.' % (_SHORTEST, seconds))

    def next_after(self, moment):
        """Return the first time after `moment`, both in seconds since 1970."""
        return (moment // self._seconds + 1) * self._seconds


class Schedule(object):
    """
    The item `name` of CHANNEL_SCHEDULES, whose value is `config`.

    Raise ValueError or TypeError, saying what is wrong with it; ImportError
    for what has to be installed.
    """

    def __init__(self, name, config):
        _check_types(name, config)
        unknown = sorted(str(key) for key in set(config) - _KEYS)
        if unknown:
            raise ValueError('it has the unknown key %s.' % ', '.join(unknown))
        if ('channel' in config) == ('task' in config):
            raise ValueError('it needs a channel or a task.')
        if 'task' in config and not (config['task'] and isinstance(config['task'], (six.text_type, str))):
            raise TypeError('task must be the dotted path of a task, not %r.' % (config['task'],))
        if ('cron' in config) == ('every' in config):
            raise ValueError('it needs cron, a line of five fields, or every, a number of seconds.')
        self.name = name
        self.layer = config.get('layer', DEFAULT_CHANNEL_LAYER)
        #: Seconds after which a run that is late isn't worth it; None: it
        #: always is.
        self.grace = checked_seconds('grace', config['grace']) if config.get('grace') is not None else None
        self.task = config.get('task')
        self._arguments = config.get('args', ()), config.get('kwargs', {})
        self.channel = None if self.task else validate_channel_name(config['channel'])
        self._content = config.get('content', {})
        check_values(self._content)
        zone = config.get('timezone')
        if 'cron' in config:
            self._times = CronLine(config['cron'], named_zone(zone) if zone else _default_zone())
        else:
            self._times = Interval(config['every'])
        #: What is another one once it has other times.
        self.version = '%08x' % (zlib.crc32(
            ('%s %s %s' % (config.get('cron'), config.get('every'), zone)).encode('utf-8')) & 0xffffffff)

    def next_after(self, moment):
        """Return the first time after `moment`, both in seconds since 1970."""
        return self._times.next_after(moment)

    def check_task(self):
        """Raise ImportError or TypeError, saying why, if it is for a task that is not there."""
        if not self.task:
            return
        try:
            task = import_string(self.task)
        except ImportError as error:
            raise ImportError('its task %r can\'t be imported: %s' % (str(self.task), error))
        if not hasattr(task, 'enqueue'):
            raise TypeError('%r is not a task: it has no enqueue().' % str(self.task))

    def send(self, channel_layer):
        """Send what it is for: the message by `channel_layer`, or the task by its backend."""
        if self.task:
            args, kwargs = self._arguments
            import_string(self.task).enqueue(*args, **kwargs)
        else:
            Channel(self.channel, channel_layer=channel_layer).send(dict(self._content))


def _default_zone():
    try:
        return get_default_timezone()
    except (TypeError, LookupError):
        # Django takes None for the system's zone, and then can't name one.
        raise ValueError('cron needs a time zone, and TIME_ZONE is %r: set that, or the timezone of this one.' % (
            settings.TIME_ZONE,))


def _check_types(name, config):
    if not isinstance(name, (six.text_type, str)):
        raise TypeError('its name must be text.')
    if not isinstance(config, dict):
        raise TypeError('it must be a dict.')
    for key, kind, what in _TYPES:
        if key in config and not isinstance(config[key], kind):
            raise TypeError('%s must be %s, not %r.' % (key, what, config[key]))


def _configs():
    if not isinstance(conf.schedules, dict):
        raise TypeError('it must be a dict of name -> dict.')
    return conf.schedules


def schedule_of(name):
    """Return the Schedule of that name; None if the settings have none. Raise as Schedule does."""
    configs = _configs()
    return Schedule(name, configs[name]) if name in configs else None


def schedules_of(alias):
    """Return the Schedules of the layer `alias`, by name. Raise as Schedule does."""
    return [
        schedule for schedule in (schedule_of(name) for name in sorted(_configs(), key=six.text_type))
        if schedule.layer == alias
    ]


def check_schedules(app_configs=None, **kwargs):
    """Return the errors of CHANNEL_SCHEDULES; a system check."""
    configs = conf.schedules
    if not isinstance(configs, dict):
        return [_error('CHANNEL_SCHEDULES must be a dict of name -> dict.')]
    errors, aliases = [], set()
    for name in sorted(configs, key=six.text_type):
        try:
            schedule = Schedule(name, configs[name])
            aliases.add(schedule.layer)
            schedule.check_task()
        except (TypeError, ValueError, ImportError) as error:
            errors.append(_error("CHANNEL_SCHEDULES['%s'] can't be used: %s" % (name, error)))
    for alias in sorted(aliases, key=six.text_type):
        errors.extend(_check_layer(alias))
    return errors


def _check_layer(alias):
    try:
        layer = channel_layers[alias]
        channels = layer.router.channels
    except UnknownChannelLayerError:
        return [_error('CHANNEL_SCHEDULES names the channel layer %r, which CHANNEL_LAYERS doesn\'t have.' % (alias,))]
    except (TypeError, ValueError, ImproperlyConfigured):
        # The check of CHANNEL_LAYERS tells.
        return []
    if not layer.supports_acknowledgement:
        return [_error('CHANNEL_SCHEDULES uses the channel layer %s, which has no acknowledged channels.' % layer,
                       'Use InMemoryChannelLayer or RedisChannelLayer.')]
    if SCHEDULES not in channels:
        return [_error('No route of the channel layer %s runs what CHANNEL_SCHEDULES has.' % layer,
                       "Add include('django.channels.schedules.channel_routing') to its ROUTING.")]
    return []


def _error(text, hint="For example {'report': {'channel': 'reports', 'content': {}, 'cron': '30 2 * * *'}}."):
    return Error(text, hint=hint, id='channels.E025')
