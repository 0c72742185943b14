"""
What became of numbered jobs: from the notes of who sent and did them, and the
deaths of workers and servers meanwhile.
"""
import bisect
import collections
import dataclasses
import statistics
from typing import Optional

#: Seconds before a death within which what was done may not have been
#: acknowledged yet.
WINDOW = 5.0

#: The kind of Death of a worker that lives, and that another has taken for
#: dead, since the machine did not let it say that it lives.
TAKEN = 'taken for dead'

#: Seconds after a holder's death within which a job is to begin again.
PROMISE = 15.0
#: Seconds without any worker after which nobody is taken for dead for what was
#: before.
AWAY = 5.0

#: `attempt` is 0 where it isn't known.
Note = collections.namedtuple('Note', 'time worker attempt', defaults=[0])
#: A job that began again `after` so many seconds, since its `worker` was killed.
#: `holders` is how many had held it and died by then, that worker among them
#: (0: unknown), `others` the numbers of who of them are known, and `is_late` is
#: whether that is longer than PROMISE for each of them.
Again = collections.namedtuple('Again', 'after number worker holders others is_late')


@dataclasses.dataclass(frozen=True)
class Death:
    """
    A worker or a server that was away from `begin` to `end`, in seconds since 1970.

    `kind` is 'killed', 'frozen', 'ended' (SIGTERM) or TAKEN of a worker,
    whose session's number `worker` is, and otherwise what happened to a
    server.
    """
    kind: str
    begin: float
    end: float
    worker: Optional[int] = None

    def explains(self, first, second, second_begun, window=WINDOW):
        """Return whether a job may have been done twice for it; both are Notes of its end."""
        if self.worker is None:
            return self.begin - window <= first.time <= self.end + window
        if self.kind == 'ended':
            # It had the time to say what it has done.
            return False
        if self.worker == first.worker:
            # It does nothing more until it is awake again.
            return self.begin - window <= first.time <= self.end + window and self.begin <= second.time
        # The other had it when it froze, and did it nevertheless.
        return self.worker == second.worker and self.begin <= first.time and second_begun <= self.end + window


class Account:
    """
    Notes of the sender and of the workers (lists of lines), and Deaths.

    `window` is for how many seconds what was done may not be acknowledged.
    """

    def __init__(self, sent, worked, deaths, window=WINDOW):
        self.window = window
        self.confirmed, self.failed = {}, collections.Counter()
        self.begun, self.done = collections.defaultdict(list), collections.defaultdict(list)
        taken = []
        for line in sent:
            kind, number, time = line.split()[:3]
            if kind == 'c':
                self.confirmed[int(number)] = float(time)
            else:
                self.failed[line.split()[3]] += 1
        for line in worked:
            kind, number, worker, time, *attempt = line.split()
            if kind == 't':
                taken.append((float(time), int(number)))
            else:
                notes = self.begun if kind == 'b' else self.done
                notes[int(number)].append(Note(float(time), int(worker), *map(int, attempt)))
        self.taken = sorted(taken)
        times = sorted([time for time, worker in taken] + [
            note.time for notes in (self.begun, self.done) for of_job in notes.values() for note in of_job])
        #: (begin, end) of when no worker did anything.
        self.pauses = [pair for pair in zip(times, times[1:]) if pair[1] - pair[0] >= AWAY]
        self.deaths = sorted(deaths, key=lambda death: death.begin)
        self.deaths += self._starved()

    def _starved(self):
        """Return a list of Deaths for who was taken for dead, without known ones."""
        found = []
        for time, worker in self.taken:
            if any(death.worker == worker and death.begin <= time and
                   (death.kind != 'frozen' or time <= death.end + self.window) for death in self.deaths):
                # Who was killed is dead, and who was to end must leave nothing.
                continue
            later = [note.time for notes in self.begun.values() for note in notes
                     if note.worker == worker and note.time >= time]
            found.append(Death(TAKEN, time, min(later, default=time), worker))
        return found

    def lost(self):
        """Return the numbers of the jobs that were confirmed, and not done."""
        return sorted(set(self.confirmed) - set(self.done))

    def twice(self):
        """Return [(number, Note of one end, Note of the next, the Death that explains it or None), ...]."""
        found = []
        for number, notes in sorted(self.done.items()):
            notes = sorted(notes)
            for first, second in zip(notes, notes[1:]):
                begun = max((
                    note.time for note in self.begun[number] if note.worker == second.worker and note <= second
                ), default=second.time)
                why = [death for death in self.deaths if death.explains(first, second, begun, self.window)]
                found.append((number, first, second, why[0] if why else None))
        return found

    def redelivered(self):
        """Return an Again for each job that began again that a worker was doing when it was killed."""
        found, killed = [], {death.worker: death.begin for death in self.deaths if death.kind == 'killed'}
        for number, notes in self.begun.items():
            for note in notes:
                at = killed.get(note.worker)
                if at is None or any(done.worker == note.worker for done in self.done.get(number, ())):
                    continue
                again = [other for other in notes if other.worker != note.worker and other.time > at]
                if again:
                    found.append(self._again(number, note, at, min(again)))
        return sorted(found)

    def _again(self, number, note, at, next_note):
        holders = max(0, next_note.attempt - note.attempt)
        others = []
        if holders > 1:
            others = sorted({worker for time, worker in self.taken
                             if at < time <= next_note.time and worker not in (note.worker, next_note.worker)})
        due = at
        for _ in range(max(holders, 1)):
            due = self._due(due)
        return Again(next_note.time - at, number, note.worker, holders, others, next_note.time > due)

    def _due(self, moment):
        """Return when a job is to begin again whose holder has died at `moment`: nobody may be there meanwhile."""
        due = moment + PROMISE
        away = self.pauses + [(death.begin, death.end) for death in self.deaths if death.worker is None]
        for begin, end in sorted(away):
            if begin <= due and end > moment:
                due = max(due, end + PROMISE)
        return due

    def describe(self, again):
        """Return a line about an Again."""
        text = 'job %d of worker %d began again after %.1f s; %s held it meanwhile' % (
            again.number, again.worker, again.after,
            'nobody else' if again.holders == 1 else
            'it is not known who' if not again.holders else '%d others' % (again.holders - 1))
        for death in self.deaths:
            if death.worker in again.others:
                text += '; worker %d was %s at %.1f, for %.1f s' % (
                    death.worker, death.kind, death.begin, death.end - death.begin)
        return text + ': %s %d s for each death' % ('MORE THAN' if again.is_late else 'within', PROMISE)

    def oldest_lost(self):
        """Return how many seconds before a server's end the oldest job was confirmed that was lost; None without."""
        ends = [death.begin for death in self.deaths if death.worker is None]
        ages = []
        for number in self.lost():
            index = bisect.bisect(ends, self.confirmed[number])
            ages.append(ends[index] - self.confirmed[number] if index < len(ends) else float('inf'))
        return max(ages, default=None)

    def figures(self):
        """Return a dict of what there is to say."""
        twice, again = self.twice(), self.redelivered()
        unexplained = [entry[:3] for entry in twice if entry[3] is None]
        kinds = collections.Counter(death.kind for death in self.deaths)
        return {
            'deaths': dict(sorted(kinds.items())), 'confirmed': len(self.confirmed), 'failed': dict(self.failed),
            'lost': len(self.lost()), 'oldest_lost': self.oldest_lost(), 'twice': len(twice),
            'twice_by': dict(collections.Counter(why.kind for *rest, why in twice if why)),
            'unexplained': len(unexplained), 'redelivered': len(again),
            'again_median': statistics.median(entry.after for entry in again) if again else None,
            'again_longest': again[-1].after if again else None, 'late': sum(entry.is_late for entry in again),
        }


def table_row(scenario, contender, figures):
    """Return `figures`, of Account.figures(), as texts beneath TABLE_HEAD."""
    def seconds(value):
        return '-' if value is None else '%.1f s' % value

    return [
        scenario, contender, '{:,}'.format(figures['confirmed']), '{:,}'.format(sum(figures['failed'].values())),
        '{:,}'.format(figures['lost']), seconds(figures['oldest_lost']), str(figures['twice']),
        str(figures['unexplained']), str(sum(figures['deaths'].values())), seconds(figures['again_longest']),
    ]


TABLE_HEAD = [
    'scenario', 'of', 'confirmed', 'not sent', 'lost', 'oldest', 'twice', 'unexplained', 'deaths', 'again after',
]
