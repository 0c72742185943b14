"""The modules that the program of tests/interop needs, by npm."""
import shutil

from . import process
from .cache import digest
from .packages import CHECKOUT

INTEROP = CHECKOUT / 'tests' / 'interop'
#: What npm reads there.
FILES = ('package.json', 'package-lock.json', '.npmrc')


def modules(cache, log):
    """
    Return the folder with the modules of the lock file, installed once.

    None without npm: the tests that need them are skipped then, and say so.
    StepFailed when npm fails.
    """
    npm = shutil.which('npm')
    if npm is None:
        return None
    folder = cache.root / 'node'
    stamp = folder / 'runtests-stamp'
    wanted = digest(*[INTEROP / name for name in FILES])
    with cache.lock('node'):
        if not (stamp.is_file() and stamp.read_text() == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in FILES:
                shutil.copy(INTEROP / name, folder)
            process.check([npm, 'ci', '--ignore-scripts'], log, 'Installing the modules of tests/interop', cwd=folder)
            stamp.write_text(wanted)
    return folder / 'node_modules'
