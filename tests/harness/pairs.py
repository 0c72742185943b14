"""The table of (Python, Django) pairs, and the choice among them."""
import collections
import fnmatch
import shutil

#: Newest patch release of every Django that is supported.
DJANGO_RELEASES = {
    '1.8': '1.8.19', '1.9': '1.9.13', '1.10': '1.10.8', '1.11': '1.11.29',
    '2.2': '2.2.28', '3.2': '3.2.25', '4.2': '4.2.30',
    '5.2': '5.2.19', '6.0': '6.0.10', '6.1': '6.1.3',
}

#: The first and the last release that the patches must fit.
PATCHABLE_RELEASES = ('1.10', '1.10.8')

#: Pythons that each present-day Django officially supports.
OFFICIAL_PYTHONS = {
    '2.2': ('3.6', '3.7', '3.8', '3.9'),
    '3.2': ('3.6', '3.7', '3.8', '3.9', '3.10'),
    '4.2': ('3.8', '3.9', '3.10', '3.11', '3.12'),
    '5.2': ('3.10', '3.11', '3.12', '3.13', '3.14'),
    '6.0': ('3.12', '3.13', '3.14'),
    '6.1': ('3.12', '3.13', '3.14', '3.15'),
}

ERA_DJANGOS = ('1.8', '1.9', '1.10', '1.10p', '1.11')

#: The Pythons that those Djangos were made for.
ERA_PYTHONS = ('2.7', '3.6')

#: The pairs of a run without options. `1.10p` is Django 1.10 with our patches.
DEFAULT = [(python, django) for python in ERA_PYTHONS for django in ERA_DJANGOS] + [
    ('3.9', '2.2'),
    ('3.10', '3.2'),
    ('3.11', '4.2'),
    ('3.11', '5.2'),
    ('3.13', '5.2'),
    ('3.12', '6.0'),
    ('3.13', '6.1'),
]

#: Pythons that are newer than the era's Djangos, which run there with the shims
#: of compat/old_django.py, oldest first.
NEWER_PYTHONS = ('3.8', '3.9', '3.10', '3.11', '3.12', '3.13', '3.14', '3.15')

#: Those of them that no stable release of Debian has. A default run names them
#: all the same, and CI fetches them, but runs without them where it can't.
HARD_TO_GET = ('3.14', '3.15')

#: What `--all` adds: every other pair that the Django's authors support, and
#: the era's Djangos on newer Pythons.
EXTRA = [
    (python, django) for django in sorted(OFFICIAL_PYTHONS, key=float) for python in OFFICIAL_PYTHONS[django]
    if (python, django) not in DEFAULT
] + [(python, django) for python in NEWER_PYTHONS for django in ERA_DJANGOS]

#: Pairs whose servers and workers the system tests start as real processes.
SYSTEM = [('2.7', '1.8'), ('3.6', '1.10p'), ('3.11', '5.2'), ('3.13', '6.1')]

#: Pairs that run some modules of the system tests, in full: what Python changes
#: about processes, sockets and threads shows in these few as well.
SYSTEM_IN_PART = {('3.15', '6.1'): ('test_chat.py', 'test_jobs.py')}

#: The pair that runs, for all, what neither Django nor Python makes a
#: difference to; see also once().
ONCE = ('3.11', '5.2')


#: Without this program, which apply.py calls, no Django is patched.
PATCH = 'patch'


class Pair(collections.namedtuple('Pair', 'python django')):
    """python: 'X.Y'; django: 'X.Y', with 'p' behind it when patched."""
    __slots__ = ()

    def __str__(self):
        return 'py%s-dj%s' % self

    @property
    def patched(self):
        return self.django.endswith('p')

    @property
    def release(self):
        """The release of Django in full, as it is named on PyPI."""
        return DJANGO_RELEASES[self.django.rstrip('p')]

    @property
    def python_version(self):
        return tuple(int(part) for part in self.python.split('.'))

    @property
    def django_version(self):
        return tuple(int(part) for part in self.release.split('.'))

    def lack(self, found):
        """Return what a machine with the Pythons found lacks to run it, '' if nothing."""
        if self.python not in found:
            return 'no Python %s' % self.python
        return 'no program "%s"' % PATCH if self.patched and not shutil.which(PATCH) else ''

    @property
    def has_interface_server(self):
        """Whether the interface server goes with it: it needs Python 3.9, and the backport to be there first."""
        return self.python_version >= (3, 9) and not self.patched


#: Row -> the module of system tests that needs the environments of several
#: pairs, and these, in the order that it needs.
JOINT = {
    'mixed': ('test_mixed.py', (Pair('3.11', '5.2'), Pair('2.7', '1.8'))),
    # With --long only: it needs two environments that nothing else does.
    'path': ('test_path.py', tuple(Pair(*row) for row in (
        ('2.7', '1.8'), ('3.13', '1.8'), ('3.13', '1.11'), ('3.11', '2.2'), ('3.11', '3.2'), ('3.11', '4.2'),
        ('3.11', '5.2'), ('3.13', '6.1'),
    ))),
}


def all_pairs():
    """Return every Pair of the table, default ones first."""
    return [Pair(*row) for row in DEFAULT + EXTRA]


def select(globs=(), everything=False, found=ERA_PYTHONS):
    """
    Return the pairs that match one of globs (such as 'py2.7-*'), or without
    globs the default ones, or all when everything is true. ValueError when a
    glob matches none.

    found has the Pythons ('X.Y') of this machine; the default run has the
    era's Djangos on the newest of them as well, and today's on each that is
    newer than those of DEFAULT, found or HARD_TO_GET.
    """
    known = all_pairs()
    if not globs:
        if everything:
            return known
        return [Pair(*row) for row in DEFAULT + todays_elsewhere(found) + era_elsewhere(found)]
    for pattern in globs:
        if not any(fnmatch.fnmatchcase(str(pair), pattern) for pair in known):
            raise ValueError("No pair matches '%s'; --list shows them all." % pattern)
    return [pair for pair in known if any(fnmatch.fnmatchcase(str(pair), pattern) for pattern in globs)]


def era_elsewhere(found):
    """Return the rows of the era's Djangos on the newest of the Pythons found, if that is newer than they are."""
    newer = [python for python in NEWER_PYTHONS if python in found]
    return [(newer[-1], django) for django in ERA_DJANGOS] if newer else []


def todays_elsewhere(found):
    """Return the rows of today's Djangos on Pythons newer than DEFAULT's, of those found or HARD_TO_GET."""
    in_default = {python for python, _ in DEFAULT}
    newer = NEWER_PYTHONS[max(NEWER_PYTHONS.index(python) for python in in_default if python in NEWER_PYTHONS) + 1:]
    return [(python, django) for python in newer if python in found or python in HARD_TO_GET
            for django, pythons in sorted(OFFICIAL_PYTHONS.items()) if python in pythons]


def once(found):
    """Return ONCE; on a machine without its Python the newest Django's pair of the table that can run, or None."""
    rows = [ONCE] + [row for row in reversed(DEFAULT) if row[0] not in ERA_PYTHONS] + todays_elsewhere(found)[::-1]
    return next((row for row in rows if row[0] in found), None)


def once_for_python(pairs, found):
    """
    Return the set of those of the pairs that run, each for all pairs of its
    Python, the tests to which Django makes no difference: ONCE, else the
    row of the newest Django.
    """
    chosen = {}
    for pair in sorted(pairs, key=lambda pair: (pair == once(found), pair.django_version, not pair.patched)):
        chosen[pair.python] = pair
    return set(chosen.values())


def system(found):
    """
    Return the pairs of the system tests on a machine with the Pythons found:
    SYSTEM, and what stands in for those whose Pythons are lacking: the pair of
    what is tested once, and the era's first Django on the newest Python.
    """
    alone = once(found)
    lacking = not any(python in found for python in ERA_PYTHONS)
    return SYSTEM + ([alone] if alone and alone not in SYSTEM else []) + (era_elsewhere(found)[:1] if lacking else [])


def between(pairs, found):
    """
    Return the set of Pythons 'X.Y' of the pairs that have an older and a newer
    one of today beside them: what takes long and differs by Python alone runs
    on those, and on the one that runs what is tested once.
    """
    todays = sorted({pair.python for pair in pairs if pair.python in found and pair.has_interface_server},
                    key=lambda python: int(python.split('.')[1]))
    alone = once(found)
    return {python for python in todays[1:-1] if alone and python != alone[0]}
