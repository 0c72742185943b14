"""
Rows of processes, as a terminal and a page show them.
"""
from __future__ import absolute_import, division, unicode_literals

from ..layers.presence import SERVER, WORKER

#: Messages in progress that are shown of one process.
MAX_DOING = 20


def process_rows(processes, now):
    """
    Return (workers, servers, others), lists of dicts about `processes`.

    These are as a layer lists them, at the time `now` in seconds since 1970.
    Each dict has `where` ("host:number"), `state` ("alive", "stopping" or
    "dead"), `version`, `up` (text), `age` (seconds) and `doing`, a list of
    dicts with `consumer`, `channel`, `thread` and `seconds`; and of what the
    process says of itself `threads`, `tasks`, `running`, `sockets` and
    `requests`, numbers or None.
    """
    found = {WORKER: [], SERVER: []}
    others = []
    for process in processes:
        found.get(process['kind'], others).append(_row(process, now))
    return found[WORKER], found[SERVER], others


def _row(process, now):
    facts = process['facts']
    row = {key: facts.get(key) for key in ('threads', 'tasks', 'running', 'sockets', 'requests')}
    state = 'dead' if not process['alive'] else 'stopping' if facts.get('stopping') else 'alive'
    row.update(
        kind=process['kind'], where='%s:%s' % (process['host'], process['pid']), state=state,
        version=process['version'], age=process['age'], up=duration(max(0, now - process['started'])),
        # It has gone on since it was told.
        doing=list(_tasks(facts.get('doing'), process['age'] if process['alive'] else 0))[:MAX_DOING],
    )
    return row


def _tasks(doing, more):
    for task in doing if isinstance(doing, list) else ():
        try:
            yield {
                'consumer': task.get('consumer') or 'a consumer', 'channel': task['channel'],
                'thread': task.get('thread'), 'seconds': task['seconds'] + more,
            }
        except (AttributeError, KeyError, TypeError):
            # As another program understands it.
            continue


def duration(seconds):
    """Return a duration as people write it: "35 s", "12 min", "5 h", "3 d"."""
    for unit, size in (('d', 86400), ('h', 3600), ('min', 60)):
        if seconds >= 2 * size:
            return '%d %s' % (seconds // size, unit)
    return '%d s' % seconds


def work_done(processes, channel):
    """
    Return what those of `processes` that are alive have counted of `channel`.

    That is, as far as they tell, a dict of `outcomes`, [(text, number), ...],
    and of the average seconds that a message has `waited` and been `handled`,
    or None.
    """
    outcomes, counts, totals = {}, {'waited': 0, 'handled': 0}, {'waited': 0.0, 'handled': 0.0}
    for process in processes:
        try:
            told = process['facts']['numbers'][channel] if process['alive'] else {'outcomes': {}}
            for outcome, number in told['outcomes'].items():
                outcomes[outcome] = outcomes.get(outcome, 0) + int(number)
            for key in set(counts).intersection(told):
                # As Histogram.as_list() has them.
                counts[key] += sum(told[key][:-1])
                totals[key] += told[key][-1]
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            # None of it, or as another program understands it.
            continue
    averages = {key: totals[key] / counts[key] if counts[key] else None for key in counts}
    return dict(averages, outcomes=sorted(outcomes.items(), key=lambda item: (-item[1], item[0])))
