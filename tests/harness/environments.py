"""
Make the virtual environments, and install packages into them.

One way serves all interpreters from 2.7 to 3.13: virtualenv 20.21.1, the last
release that makes environments for Python 2.7 and 3.6, run by a Python from 3.9
to 3.13, with the pip that it carries. Its default of taking newer pips from a
cache in the user's home breaks 3.6 (that pip's syntax is too new for it).
Python 3.14 and later can't run that pip; they have their own, by "-m venv".
"""
import collections
import re
import shutil
import zipfile

from . import process
from .cache import digest
from .interpreters import series

VIRTUALENV = 'virtualenv==20.21.1'

#: Tells virtualenv to use the packages it carries, and nothing downloaded.
EMBEDDED = ['--no-periodic-update', '--pip', 'embed', '--setuptools', 'embed', '--wheel', 'embed']

#: Changes whenever environments of an earlier layout must be made again.
LAYOUT = '2'

#: Pips of 2.7 and 3.6 fail on some extra indexes of a user's configuration;
#: the second attempt does without it.
WITHOUT_USER_CONFIGURATION = {
    'PIP_CONFIG_FILE': '/dev/null', 'PIP_FIND_LINKS': '', 'PIP_EXTRA_INDEX_URL': '',
}


class Environment:
    """A virtual environment: its folder, and the path of its Python."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / 'bin' / 'python'

    def pip(self, arguments, log, what, **options):
        """Run pip; the second attempt ignores the user's configuration. StepFailed when both fail."""
        command = [self.python, '-m', 'pip', '--disable-pip-version-check', '--no-input'] + list(arguments)
        if process.run(command, log, **options) != 0:
            process.check(command, log, what, **dict(options, **WITHOUT_USER_CONFIGURATION))


class Environments:
    """Makes environments in a Cache with the interpreters found; each is made once and kept."""

    def __init__(self, cache, interpreters):
        self.cache = cache
        self.interpreters = interpreters

    def toolbox(self):
        """Return the Environment that has virtualenv. StepFailed without a Python that can make it."""
        tool = Environment(self.cache.root / 'tool')
        log = self.cache.logs / 'tool.log'
        stamp = tool.folder / 'runtests-stamp'
        with self.cache.lock('tool'):
            if stamp.is_file() and stamp.read_text() == VIRTUALENV and _works(tool, log):
                return tool
            for version in ('3.11', '3.13', '3.12', '3.10', '3.9'):
                if version not in self.interpreters:
                    continue
                shutil.rmtree(tool.folder, ignore_errors=True)
                command = [self.interpreters[version].executable, '-m', 'venv', tool.folder]
                if process.run(command, log) == 0:
                    tool.pip(['install', '-q', VIRTUALENV], log, 'Installing virtualenv')
                    stamp.write_text(VIRTUALENV)
                    return tool
        raise process.StepFailed(
            "No Python from 3.9 to 3.13 here could run 'python -m venv'. On Debian: apt-get install python3-venv", log,
        )

    def _making(self, interpreter):
        """Return the command that makes an environment, without its last argument, the folder."""
        if interpreter.version >= (3, 14):
            return [interpreter.executable, '-m', 'venv']
        return [self.toolbox().python, '-m', 'virtualenv', '-q'] + EMBEDDED + ['-p', interpreter.executable]

    def make(self, name, python, requirements, log, wheels=(), base=None):
        """
        Return the Environment called name for the Python 'X.Y', with the
        requirements and the wheels (Wheel objects) installed. An existing one
        is reused when interpreter and requirements, also those of the wheels,
        are what they were; changed wheels are then installed into it. The
        caller holds the lock of its name.

        base, a Base, is a shorter way to the same: what it has is not
        fetched, unpacked and compiled once more. pip is told all requirements
        still, and replaces what doesn't suit them.
        """
        interpreter = self.interpreters[python]
        environment = Environment(self.cache.environments / name)
        stamp = environment.folder / 'runtests-stamp'
        wanted = digest(
            LAYOUT, interpreter.executable, interpreter.version, VIRTUALENV, *sorted(requirements),
            *[line for wheel in wheels for line in wheel.requirements()]
        )
        if not (stamp.is_file() and stamp.read_text() == wanted and _works(environment, log)):
            shutil.rmtree(environment.folder, ignore_errors=True)
            if base is None:
                process.check(
                    self._making(interpreter) + [environment.folder],
                    log, 'Making an environment for Python %s' % series(interpreter),
                )
            else:
                with self.cache.lock(base.name):
                    _copy(self.make(base.name, python, base.requirements, log), environment)
            if requirements or wheels:
                environment.pip(
                    ['install'] + list(requirements) + [wheel.with_extras() for wheel in wheels],
                    log, 'Installing Django, the wheels and what the tests need',
                )
            _wheels_stamp(environment).write_text(_stamp_lines(wheels))
            stamp.write_text(wanted)
        self.install_wheels(environment, wheels, log)
        return environment

    def install_wheels(self, environment, wheels, log):
        """
        Install the wheels in place of all that an earlier run installed. What
        they depend on must be there: make() has installed it, or it is the
        test's own affair.
        """
        stamp = _wheels_stamp(environment)
        before = stamp.read_text().splitlines()
        wanted = _stamp_lines(wheels)
        if before == wanted.splitlines():
            return
        # Should this be broken off, the next run knows that nothing is sure.
        stamp.write_text(''.join('%s ?\n' % line.split()[0] for line in before))
        left = sorted({line.split()[0] for line in before} - {wheel.name for wheel in wheels})
        if left:
            environment.pip(['uninstall', '-y'] + left, log, 'Removing %s' % ', '.join(left))
        changed = [wheel for wheel in wheels if _stamp_lines([wheel]).strip() not in before]
        if changed:
            environment.pip(
                ['install', '--no-deps', '--force-reinstall', '--no-index'] + [wheel.path for wheel in changed],
                log, 'Installing %s' % ', '.join(wheel.name for wheel in changed),
            )
        process.check(
            [environment.python, '-m', 'pip', 'check'], log, 'Looking whether the wheels have all that they depend on',
        )
        stamp.write_text(wanted)


class Base(collections.namedtuple('Base', 'name requirements')):
    """What several environments of one Python have in common: the name of an environment, and what it has."""
    __slots__ = ()


class Wheel:
    """A wheel that was built: its path, and the extras to install with it."""

    def __init__(self, path, extras=()):
        self.path = path
        self.extras = tuple(extras)
        self.name = path.name.split('-')[0].replace('_', '-')

    def with_extras(self):
        """Return what pip is told to install."""
        return '%s[%s]' % (self.path, ','.join(self.extras)) if self.extras else str(self.path)

    def requirements(self):
        """Return the lines that say what the wheel depends on."""
        return [self.with_extras().rpartition('/')[2]] + [
            line for line in self._metadata() if line.startswith('Requires-')
        ]

    def dependencies(self):
        """Return what the wheel with its extras depends on, as pip is told it."""
        found = []
        for line in self._metadata():
            if line.startswith('Requires-Dist:'):
                requirement, _, marker = line.partition(':')[2].partition(';')
                parts = re.match(r"(.*?)(?: and)?\s*(?:\bextra == [\"'](.+)[\"'])?$", marker.strip())
                marker, extra = parts.groups() if parts else (marker, None)
                if extra is None or extra in self.extras:
                    found.append(requirement.strip() + (' ; ' + marker if marker else ''))
        return found

    def _metadata(self):
        with zipfile.ZipFile(self.path) as archive:
            [metadata] = [name for name in archive.namelist() if name.endswith('.dist-info/METADATA')]
            return archive.read(metadata).decode('utf-8').splitlines()


def _wheels_stamp(environment):
    return environment.folder / 'runtests-wheels'


def _stamp_lines(wheels):
    return ''.join('%s %s\n' % (wheel.name, digest(wheel.path)) for wheel in wheels)


def _works(environment, log):
    # An interpreter may be gone, or replaced, since the environment was made.
    return environment.python.exists() and process.run([environment.python, '-c', 'import pip'], log) == 0


def _copy(source, target):
    """
    Copy an Environment to where another one ought to be. Its path stands in
    the scripts; what is compiled learns from Python where it lies.
    """
    shutil.copytree(source.folder, target.folder, symlinks=True, ignore=shutil.ignore_patterns('runtests-*'))
    for script in (target.folder / 'bin').iterdir():
        content = script.read_bytes()
        if not script.is_symlink() and bytes(source.folder) in content:
            # Write, don't replace: the file keeps its mode.
            script.write_bytes(content.replace(bytes(source.folder), bytes(target.folder)))
