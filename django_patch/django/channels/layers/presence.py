"""
Presence: which processes use a layer; the part behind `supports_presence`.

A process is alive as long as it announces itself every few seconds. The layer
judges that by a clock of its own, so that all callers get the same answer,
and lists dead processes for a while.
"""
from __future__ import absolute_import, unicode_literals

import collections
import os
import re
import socket
import time

from ..exceptions import AnotherProject
from ..names import random_token

#: Seconds between two announcements, and after the last one until a process
#: counts as dead.
BEAT_INTERVAL, LIFETIME = 5.0, 15.0
#: Seconds for which a dead process stays listed.
REMEMBERED = 300.0
#: What programs call themselves.
WORKER, SERVER = 'worker', 'server'
#: The channel of clients that went away, and the fact in which a worker says
#: whether it reads it.
DISCONNECT_CHANNEL, DISCONNECT_FACT = 'http.disconnect', 'disconnects'

#: A process: its `name`, which no other ever has; its `kind`, such as WORKER;
#: its `host` and number there, `pid`; the `version` of its program; when it
#: `started`, in seconds since 1970 by its own clock.
Process = collections.namedtuple('Process', 'name kind host pid version started')


def this_host():
    """Return the name of this machine as text."""
    host = socket.gethostname()
    return host.decode('utf-8', 'replace') if isinstance(host, bytes) else host


def this_process(kind, version):
    """Return a Process that stands for the calling one; not before a fork, whose child is another."""
    host = this_host()
    # A host name and a process id may come again, as in a container that is
    # restarted, and a dead process must not be mistaken for its successor.
    name = '%s-%d-%s' % (re.sub('[^a-zA-Z0-9._-]', '_', host)[:60], os.getpid(), random_token(8))
    return Process(name, kind, host, os.getpid(), version, int(time.time()))


class PresenceMixin(object):
    """The part of BaseChannelLayer that lists processes."""

    #: Does it list the processes that use it?
    supports_presence = False

    def announce(self, process, facts):
        """
        Announce that `process`, a Process, is alive, with `facts`.

        `facts` is a dict that JSON can hold: what the process is doing. To be
        called every BEAT_INTERVAL seconds. Return the numbers of the shards
        that listed the process before and don't any more: it was silent for
        so long that it counted as dead there, or the shard lost its data.
        What the process held there has been requeued.
        Shards that can't be reached are left out. Raise LayerUnavailable if
        none can, and ValueError for a name that can't be one.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer with presence must provide an announce() method')

    def claim(self, process, facts, project):
        """
        As announce() for the first time, if no other project has the layer.

        `project` has its fingerprints, a list of texts, which should be the
        fact "project" as well. Raise AnotherProject, and list nobody, while
        living processes say in theirs that they are of other projects, and
        none that it is of this one. A layer with processes on several
        machines should do both at once: of two projects that begin in the same
        moment only one may.
        """
        check_project(self.processes(), project)
        return self.announce(process, facts)

    def withdraw(self, process):
        """Remove `process`, which is about to end, from the list."""
        raise NotImplementedError('subclasses of BaseChannelLayer with presence must provide a withdraw() method')

    def processes(self, kind=None):
        """
        Return the processes that were announced, of one `kind` or of all.

        A list of dicts, sorted by kind, host, number and name. Each has the
        fields of Process, the `facts`, `age` (seconds since its last
        announcement) and `alive` (whether that is less than LIFETIME).
        Processes that ended without withdraw() stay for REMEMBERED seconds.
        Empty without `supports_presence`.
        """
        return []

    def new_processes(self, known):
        """
        Return (names, processes) for a caller that looks again and again.

        `names` is a list of those of all processes(), and `processes` is what
        processes() returns of those whose names aren't in `known`, a set.
        """
        found = self.processes()
        return [process['name'] for process in found], [
            process for process in found if process['name'] not in known
        ]


def check_project(found, project):
    """
    Raise AnotherProject if `found`, what processes() returns, is another's.

    Who says nothing of its project is taken to belong. `project` has the
    fingerprints of this one; without any it can't be told from others.
    """
    own, other = set(project), None
    for process in found if own else ():
        said = process['facts'].get('project')
        if process['alive'] and said and isinstance(said, list):
            if not own.isdisjoint(map(str, said)):
                # Those of the other were told to begin here, too.
                return
            other = process
    if other is not None:
        raise AnotherProject(other['host'], other['pid'])


def listed(found, kind):
    """
    Return what processes(kind) returns.

    `found` is [(Process, facts, age in seconds), ...], where a process may
    come several times.
    """
    newest = {}
    for process, facts, age in found:
        if kind is None or process.kind == kind:
            if process.name not in newest or age < newest[process.name]['age']:
                newest[process.name] = dict(process._asdict(), facts=facts, age=age, alive=age < LIFETIME)
    return sorted(newest.values(), key=lambda entry: (entry['kind'], entry['host'], entry['pid'], entry['name']))
