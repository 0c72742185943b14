"""
The rows that read the checkout instead of running it: style, types, the build
of the documentation, and spelling. Each is also a label: ``--labels lint``.
"""
import shutil

from . import process
from .environments import Wheel
from .packages import CHECKOUT
from .pairs import Pair, once
from .results import Result
from .steps import PairRun

HARNESS = CHECKOUT / 'tests' / 'harness'
TYPES = CHECKOUT / 'tests' / 'types'

#: The tools, pinned: a release with new rules must not fail a change that has
#: nothing to do with them. One environment has them all.
TOOLS = [
    'flake8==7.5.0', 'isort==9.0.2', 'mypy==2.4.1', 'Sphinx==9.0.4', 'codespell==2.4.3', 'spylls==0.1.7',
]

#: Beside them, what the checked code imports and has types of its own for.
TYPED_REQUIREMENTS = ['uvicorn', 'httptools', 'h2', 'websockets', 'redis', 'msgpack']

#: Environments in which tests/types looks at the wheel, and what they have.
READERS = ['mypy==2.4.1', 'pyright==1.1.414', 'jedi==0.20.1']
STUBS = {
    'types': READERS,
    'types-django-stubs': READERS + ['django-stubs==6.1.2', 'redis', 'msgpack'],
}

#: The Pythons that these releases run on, in the order they are preferred.
PYTHONS = ('3.11', '3.12', '3.13', '3.14', '3.15')

#: Seconds that one command may take.
TIMEOUT = 600


def flake8(row):
    """Check the style of all Python files."""
    return [([row.tool, '-m', 'flake8'], CHECKOUT)]


def isort(row):
    """Check the order of imports of all Python files."""
    return [([row.tool, '-m', 'isort', '--check-only', '--diff', '.'], CHECKOUT)]


def mypy(row):
    """Check types: strictly in the interface server, as far as there are any in the tools of the checkout."""
    command = [row.tool, '-m', 'mypy', '--cache-dir']
    cache = row.bench.cache.root / 'mypy'
    return [
        (command + [cache / 'server'], CHECKOUT / 'interface_server'),
        (command + [cache / 'tools', '--config-file', HARNESS / 'mypy.ini'], CHECKOUT),
    ]


def stubs(row):
    """Have type checkers and an editor's library read the installed wheel, alone and beside Django's stubs."""
    return [([environment.python, TYPES / 'check.py'], TYPES) for environment in row.readers]


def sphinx(row):
    """Build the users' documentation, and Django's pages; each warning, such as one of a dead reference, fails."""
    command = [row.tool, '-m', 'sphinx', '-q', '-n', '-W', '--keep-going', '-E']
    output = row.bench.cache.scratch / 'docs'
    return [
        (command + [CHECKOUT / 'docs', output / 'ours'], CHECKOUT),
        (command + ['-c', HARNESS / 'django_docs', CHECKOUT / 'django_patch' / 'docs', output / 'django'], CHECKOUT),
    ]


def codespell(row):
    """Look for common misspellings in every file."""
    return [([row.tool, '-m', 'codespell_lib'], CHECKOUT)]


def prose(row):
    """Look each word of the documentation, of docstrings, comments and messages up in a dictionary."""
    return [([row.tool, HARNESS / 'spelling.py'], CHECKOUT)]


#: Row, which is its label as well -> its steps.
ROWS = {
    'lint': (flake8, isort),
    'types': (mypy, stubs),
    'docs': (sphinx,),
    'spelling': (codespell, prose),
}


class WorkshopRun(PairRun):
    """One of ROWS, in the environment of the tools."""

    def __init__(self, bench, name):
        super().__init__(bench, Pair(*once(bench.interpreters)))
        self.name = name
        self.logs = bench.cache.logs / name
        self.series = next((series for series in PYTHONS if series in bench.interpreters), None)
        self.python = bench.interpreters[self.series].version if self.series else ()

    @classmethod
    def rows(cls, bench):
        """Return those that are part of a run: none if it was to be of some other pairs."""
        if once(bench.interpreters) not in bench.pairs:
            return []
        return [cls(bench, name) for name in ROWS if bench.labels.of(name)]

    @property
    def needs_wheel(self):
        """Whether it looks at the wheel of the package."""
        return self.name == 'types'

    @property
    def tool(self):
        """The path of the Python of the environment."""
        return self.environment.python

    def run(self):
        """Run the steps, or say that no Python here is new enough for the tools; return the Result."""
        if self.series:
            return super().run()
        reason = 'the tools need a Python from %s on' % PYTHONS[0]
        required = self.bench.options.require_pairs
        self.bench.reporter.progress(self.name, '%s: %s' % ('CANNOT RUN' if required else 'SKIPPED', reason))
        return Result(problem=reason) if required else Result(skipped=1, reasons=[reason])

    def steps(self):
        """Yield the steps, as PairRun does."""
        yield 'environment', self.prepare
        for step in ROWS[self.name]:
            yield step.__name__, self.step(step)

    def prepare(self, log):
        """Make the environment, or find it made."""
        with self.bench.cache.lock('workshop'):
            self.environment = self.bench.environments.make(
                'workshop', self.series, TOOLS + TYPED_REQUIREMENTS, log,
            )
            self.readers = [
                self.bench.environments.make(
                    name, self.series, requirements + ['Django==' + self.pair.release], log,
                    [Wheel(self.bench.wheel('backport'))],
                )
                for name, requirements in STUBS.items() if self.needs_wheel
            ]

    def step(self, commands):
        """Return the step that runs what the function returns: (command, folder) pairs, each of them a test."""
        def run(log):
            if commands is stubs and not (shutil.which('node') or self.bench.options.require_pairs):
                # Without it, pyright would fetch one.
                return Result(skipped=1, reasons=['pyright: no program "node" on this machine'])
            result = Result()
            for command, folder in commands(self):
                status = process.run(
                    command, log, cwd=folder, timeout=TIMEOUT, PYTHONDONTWRITEBYTECODE='1',
                    PYRIGHT_PYTHON_CACHE_DIR=str(self.bench.cache.root / 'pyright'),
                )
                result += Result(passed=1) if status == 0 else Result(failed=1, log=log)
            return result
        return run
