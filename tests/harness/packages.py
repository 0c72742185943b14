"""Fetch Django's sources, and build our wheels from the checkout, each once."""
import pathlib
import shutil
import tarfile

from . import process
from .cache import digest
from .pairs import DJANGO_RELEASES

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]

#: Never part of a build: history, caches, results of earlier builds.
IGNORED = shutil.ignore_patterns(
    '.git', '.runtests*', '__pycache__', '*.pyc', 'build', 'dist', '*.egg-info', '.pytest_cache', '.tox',
    'node_modules',
)

#: What setup.py of the backport reads; more than this is not its business.
BACKPORT_PARTS = (
    'setup.py', 'setup.cfg', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE', 'AUTHORS', 'CHANGES.rst',
    'backport', 'compat', 'django_patch',
)

#: The Pythons that wheels are built with, in the order they are preferred:
#: whichever runs this is one of them.
BUILDERS = ('3.11', '3.10', '3.9', '3.12', '3.13', '3.14', '3.15')

#: Put on every file of a wheel, so that the same sources give the same wheel,
#: and an environment that has it is left alone (1980 is where zip begins).
BUILD_DATE = '1000000000'


class Packages:
    """Sources and wheels in a Cache; environments is used to build; keep spares the trees that were built in."""

    def __init__(self, cache, environments, keep=False):
        self.cache = cache
        self.environments = environments
        self.keep = keep

    # Django's sources

    def find_sdist(self, release):
        """Return the path of the sdist of a Django release in the cache, or None."""
        for name in ('Django-%s.tar.gz', 'django-%s.tar.gz'):
            path = self.cache.sdists / (name % release)
            if path.is_file():
                return path
        return None

    def sdist(self, release, log):
        """Return the path of the sdist of a Django release, fetched once."""
        with self.cache.lock('sdist-' + release):
            path = self.find_sdist(release)
            if path is None:
                partial = self.cache.sdists / ('partial-' + release)
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                # pip asks every sdist for its metadata. One setuptools that reads
                # those of all releases needs not be installed for each; the
                # Python that the release asks for is not the one to run it.
                self._tools('fetch', 'setuptools>=77', log).pip(
                    ['download', '--no-deps', '--no-build-isolation', '--ignore-requires-python',
                     '--no-binary', 'django', '-d', partial, 'Django==' + release],
                    log, "Fetching Django %s's sources" % release,
                )
                for fetched in partial.glob('[Dd]jango-*.tar.gz'):
                    fetched.rename(self.cache.sdists / fetched.name)
                shutil.rmtree(partial)
                path = self.find_sdist(release)
                if path is None:
                    raise process.StepFailed('pip fetched no sdist of Django %s' % release, log)
            return path

    def source(self, release, log):
        """Return a folder with the tests/ of a Django release's sources. Nobody may write there."""
        sdist = self.sdist(release, log)
        target = self.cache.sources / release
        with self.cache.lock('source-' + release):
            stamp = target / 'runtests-stamp'
            wanted = digest(sdist)
            if not (stamp.is_file() and stamp.read_text() == wanted):
                partial = self.cache.sources / ('partial-' + release)
                for folder in (partial, target):
                    shutil.rmtree(folder, ignore_errors=True)
                with tarfile.open(sdist) as archive:
                    # The rest is most of it, and used by nobody.
                    tests = [member for member in archive if member.name.split('/')[1:2] == ['tests']]
                    # Python 3.12 warns when the choice is left to it.
                    if hasattr(tarfile, 'data_filter'):
                        archive.extractall(partial, tests, filter='data')
                    else:
                        archive.extractall(partial, tests)
                [folder] = partial.iterdir()
                folder.rename(target)
                partial.rmdir()
                stamp.write_text(wanted)
        return target

    # Our wheels

    def builder(self, log):
        """Return the Environment that builds wheels."""
        return self._tools('build', 'setuptools>=61', log)

    def _tools(self, name, setuptools, log):
        with self.cache.lock(name):
            version = next(v for v in BUILDERS if v in self.environments.interpreters)
            return self.environments.make(name, version, [setuptools, 'wheel'], log)

    def build_wheel(self, name, source, parts=None):
        """
        Return the path of the wheel built from the folder source, or from
        its parts alone, in a copy, so that the build leaves nothing behind.
        """
        log = self.cache.logs / ('build-%s.log' % name)
        builder = self.builder(log)
        copy = self.cache.logs / ('build-' + name)
        output = self.cache.logs / ('wheel-' + name)
        if parts is None:
            shutil.copytree(source, copy, ignore=IGNORED, symlinks=True)
        else:
            copy.mkdir()
            for part in parts:
                if (source / part).is_dir():
                    shutil.copytree(source / part, copy / part, ignore=IGNORED, symlinks=True)
                elif (source / part).exists():
                    shutil.copy2(source / part, copy / part)
        builder.pip(
            ['wheel', '--no-deps', '--no-build-isolation', '--no-index', '-w', output, copy],
            log, 'Building the wheel of %s' % name, SOURCE_DATE_EPOCH=BUILD_DATE,
        )
        if not self.keep:
            shutil.rmtree(copy)
        return _only_wheel(output, log)

    def backport(self):
        """Return the path of the backport's wheel, built from the checkout."""
        return self.build_wheel('backport', CHECKOUT, BACKPORT_PARTS)

    def interface_server(self):
        """Return the path of the interface server's wheel, built from the checkout."""
        return self.build_wheel('interface_server', CHECKOUT / 'interface_server')

    def patched_django(self):
        """Return the path of the wheel of Django 1.10 with our patches, built from the checkout."""
        log = self.cache.logs / 'build-patched.log'
        release = DJANGO_RELEASES['1.10']
        builder = self.builder(log)
        output = self.cache.logs / 'wheel-patched'
        process.check(
            [builder.python, CHECKOUT / 'django_patch' / 'apply.py', '--build-wheel', output,
             self.sdist(release, log)],
            log, 'Patching Django %s and building its wheel' % release, SOURCE_DATE_EPOCH=BUILD_DATE,
        )
        return _only_wheel(output, log)


def _only_wheel(folder, log):
    wheels = list(folder.glob('*.whl'))
    if len(wheels) != 1:
        raise process.StepFailed('Expected one wheel in %s, found %d' % (folder, len(wheels)), log)
    return wheels[0]
