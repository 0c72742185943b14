"""
Metrics of layers and workers: families of samples, named as OpenMetrics asks.

Plain values; `exposition` has them written by the library prometheus_client.
"""
from __future__ import absolute_import, division, unicode_literals

from ..compat import six
from ..exceptions import LayerUnavailable
from ..histograms import BUCKETS
from .snapshot import channels_of, groups_of

#: Seconds that looking for channels may take, and once more for groups.
BUDGET = 1.0
#: Channels that have time series of one number: those with the most of it.
#: Their names may come from users, without an end.
MAX_CHANNELS = 1000

COUNTER, GAUGE, HISTOGRAM = 'counter', 'gauge', 'histogram'

#: Key of the numbers of a channel -> (name of the family, its type, help).
OF_CHANNELS = (
    ('messages_pending', 'channels_messages_pending', GAUGE, 'Messages that wait in a channel.'),
    ('messages_max_age', 'channels_oldest_message_age_seconds', GAUGE, 'How long the oldest of them has waited.'),
    ('messages_count', 'channels_messages_sent', COUNTER, 'Messages that were sent to a channel.'),
    ('channel_full_count', 'channels_messages_refused', COUNTER, 'Messages refused since their channel was full.'),
    ('expired_count', 'channels_messages_expired', COUNTER, 'Messages that nobody received in time.'),
    ('dropped_count', 'channels_messages_dropped', COUNTER, 'Messages to a group that a member had no room for.'),
    ('lost_count', 'channels_messages_lost', COUNTER, 'Messages that were received and could not be handed on.'),
    ('malformed_count', 'channels_messages_malformed', COUNTER, 'Messages that could not be read.'),
    ('unsupported_count', 'channels_messages_unsupported', COUNTER, 'Messages that only a later version can read.'),
)
#: The same of acknowledged channels alone.
OF_ACKNOWLEDGED = (
    ('later', 'channels_jobs_delayed', GAUGE, 'Jobs that are due later, retries included.'),
    ('held', 'channels_jobs_in_progress', GAUGE, 'Messages that are held by their readers.'),
    ('dead_letters', 'channels_dead_letters', GAUGE, 'Dead letters that are kept.'),
    ('retried', 'channels_messages_retried', COUNTER, 'Messages that failed and were put back for another attempt.'),
    ('given_back', 'channels_messages_requeued', COUNTER, 'Messages that came back from readers that died.'),
    ('dead', 'channels_messages_dead', COUNTER, 'Messages that became dead letters.'),
)
#: What interface servers say of themselves.
OF_INTERFACE_SERVERS = (
    ('sockets', 'channels_interface_server_sockets', 'WebSockets that are open at an interface server.'),
    ('requests', 'channels_interface_server_requests', 'Requests that an interface server has in progress.'),
)
#: Key of what they have counted, by text -> (name of the family, help, label).
COUNTED_BY_INTERFACE_SERVERS = (
    ('responses', 'channels_interface_server_responses', 'HTTP responses of an interface server.', 'status'),
    ('closed', 'channels_interface_server_sockets_closed', 'WebSockets of an interface server that ended.', 'code'),
    ('dropped', 'channels_interface_server_dropped', 'What an interface server lost or refused.', 'reason'),
)
OF_SERVERS = (
    ('memory', 'channels_store_memory_bytes', GAUGE, 'Memory that a server of the layer uses.'),
    ('memory_limit', 'channels_store_memory_limit_bytes', GAUGE, 'Memory that it may use; 0 means without a limit.'),
)


class Family(object):
    """
    A family: `name` (without "_total"), `kind`, `help`, `labels` (names).

    `samples` is [(values of the labels, value), ...]; the value of a
    histogram is the list of Histogram.as_list().
    """
    __slots__ = ('name', 'kind', 'help', 'labels', 'samples')

    def __init__(self, name, kind, help, labels):
        self.name, self.kind, self.help, self.labels = name, kind, help, labels
        self.samples = []


def of_layer(layer, alias):
    """Return the families of what `layer` holds, which can be inspected; `alias` is its name among the layers."""
    channels = channels_of(layer, BUDGET)
    families = []
    for key, name, kind, text in OF_CHANNELS:
        families.append(_of_channels(name, kind, text, alias, channels, lambda numbers: numbers[key]))
    for key, name, kind, text in OF_ACKNOWLEDGED:
        families.append(_of_channels(name, kind, text, alias, channels, lambda numbers: numbers.get(key)))
    families.append(single(
        'channels_without_series', 'Channels beyond the %d that have time series of a number.' % MAX_CHANNELS, alias,
        max(0, len(channels) - MAX_CHANNELS)))
    # A time series for each group would be without bounds.
    groups = groups_of(layer, BUDGET)
    number = len(groups) if groups.total is None else groups.total
    families += [
        single('channels_groups', 'Groups that have members.', alias, number),
        single('channels_group_members', 'Members of all groups together.', alias, sum(groups.values())),
    ]
    servers = layer.inspect_servers()
    for key, name, kind, text in OF_SERVERS:
        family = Family(name, kind, text, ('layer', 'server'))
        family.samples = [((alias, server['server']), server[key]) for server in servers if server[key] is not None]
        families.append(family)
    latency = Family('channels_store_latency_seconds', GAUGE, 'A round trip to a server.', ('layer', 'server'))
    latency.samples = [((alias, server['server']), server['latency'] / 1000) for server in servers]
    is_up = Family('channels_store_up', GAUGE, 'Whether a server of the layer answers, 1 or 0.', ('layer', 'server'))
    is_up.samples = [((alias, server['server']), 1) for server in servers] + [
        ((alias, server), 0) for server in sorted(channels.absent)]
    return families + [latency, is_up]


def _of_channels(name, kind, text, alias, channels, value):
    """Return a family of value(numbers), where that isn't None, by channel."""
    family = Family(name, kind, text, ('layer', 'channel'))
    found = [(value(numbers), channel) for channel, numbers in sorted(channels.items())]
    found = [(number, channel) for number, channel in found if number is not None]
    if kind == COUNTER and channels.absent:
        # What servers have counted that are away would come as if it were new
        # once they are back: a gap is better than a peak.
        found = []
    if len(found) > MAX_CHANNELS:
        # One series that comes and goes is no harm: what it tells is true.
        found = sorted(sorted(found, key=lambda pair: -pair[0])[:MAX_CHANNELS], key=lambda pair: pair[1])
    family.samples = [((alias, channel), number) for number, channel in found]
    return family


def everything(layer, alias):
    """Return the families of all that `layer` knows: of its processes, and of what it holds, as far as it can say."""
    # Looking finds out which servers hang; the list then does without them.
    found = of_layer(layer, alias) if layer.supports_inspection else []
    return (of_processes(layer.processes(), alias) if layer.supports_presence else []) + found


def told(families_of, layer, alias):
    """Return families_of(layer, alias) and that the layer answers; if it doesn't, that alone."""
    try:
        found, is_up = families_of(layer, alias), 1
    except LayerUnavailable:
        # What else is told at the same place is not lost with it.
        found, is_up = [], 0
    return found + [single('channels_layer_up', 'Whether the channel layer answers, 1 or 0.', alias, is_up)]


def single(name, text, alias, value):
    """Return a gauge with one value for a layer."""
    family = Family(name, GAUGE, text, ('layer',))
    family.samples = [((alias,), value)]
    return family


def of_processes(processes, alias):
    """
    Return the families of `processes`, as the layer lists them.

    Counts are those of each process, by its name, where it reports them.
    """
    kinds = {}
    for process in processes:
        if process.get('alive'):
            kinds[process['kind']] = kinds.get(process['kind'], 0) + 1
    alive = Family('channels_processes', GAUGE, 'Processes that are alive, by kind.', ('layer', 'kind'))
    alive.samples = [((alias, kind), number) for kind, number in sorted(kinds.items())]
    # Those of interface servers are named where there is none as well.
    families = [alive] + of_interface_server({}, None)
    for key, name, text in OF_INTERFACE_SERVERS:
        family = Family(name, GAUGE, text, ('process',))
        family.samples = [
            ((process['name'],), process['facts'][key]) for process in processes
            if process.get('alive') and isinstance(process.get('facts', {}).get(key), int)
        ]
        families.append(family)
    for process in processes:
        facts = process.get('facts', {}) if process.get('alive') else {}
        for key, families_of in (('numbers', of_activity), ('served', of_interface_server)):
            if facts.get(key):
                families = merged(families, _understood(families_of, facts[key], process['name']))
    return families


def _understood(families_of, told, process):
    """Return families_of(told, process), but for what that process tells as another version does."""
    try:
        families = families_of(told, process)
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
    for family in families:
        # One that can't be written would cost all others.
        family.samples = [sample for sample in family.samples if _can_be_written(family.kind, sample[1])]
    return families


def _can_be_written(kind, value):
    values = value if kind == HISTOGRAM else [value]
    return (
        isinstance(values, list) and len(values) == (len(BUCKETS) + 2 if kind == HISTOGRAM else 1) and
        all(isinstance(number, six.integer_types + (float,)) for number in values)
    )


def of_interface_server(served, process):
    """Return the families of what one interface server has `served`, a dict; `process` is its name."""
    families = []
    for key, name, text, label in COUNTED_BY_INTERFACE_SERVERS:
        family = Family(name, COUNTER, text, ('process', label))
        family.samples = [((process, value), number) for value, number in sorted(served.get(key, {}).items())]
        families.append(family)
    durations = Family('channels_interface_server_request_duration_seconds', HISTOGRAM,
                       "From a request's headers to the end of its response.", ('process',))
    if 'durations' in served:
        durations.samples = [((process,), served['durations'])]
    return families + [durations]


def of_activity(numbers, process):
    """Return the families of one process: `numbers` of Activity.numbers(), `process` is its name."""
    handled = Family('channels_messages_handled', COUNTER, 'Messages by what became of them.',
                     ('process', 'channel', 'outcome'))
    waited = Family('channels_queue_duration_seconds', HISTOGRAM, 'From the sending of a message to its receiving.',
                    ('process', 'channel'))
    spent = Family('channels_consumer_duration_seconds', HISTOGRAM, "From a consumer's beginning to its end.",
                   ('process', 'channel'))
    for channel, of_channel in sorted(numbers.items()):
        handled.samples += [
            ((process, channel, outcome), number) for outcome, number in sorted(of_channel['outcomes'].items())
        ]
        if sum(of_channel['waited'][:-1]):
            waited.samples.append(((process, channel), of_channel['waited']))
        spent.samples.append(((process, channel), of_channel['handled']))
    return [handled, waited, spent]


def merged(families, more):
    """Return `families` with the samples of `more`, those of one name together."""
    by_name = {family.name: family for family in families}
    for family in more:
        if family.name in by_name:
            by_name[family.name].samples += family.samples
        else:
            by_name[family.name] = family
            families = families + [family]
    return families


def cumulative(values):
    """Return ([(upper bound as text, how many were at most that), ...], sum) of Histogram.as_list()."""
    buckets, count = [], 0
    for bound, number in zip([str(bound) for bound in BUCKETS] + ['+Inf'], values):
        count += number
        buckets.append((bound, count))
    return buckets, values[-1]
