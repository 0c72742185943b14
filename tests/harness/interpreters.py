"""
Find the Python interpreters of this machine by running them.

The name of a file proves nothing: pyenv puts a `python2.7` on PATH that exits
with 127 unless that version is selected.
"""
import collections
import glob
import os
import re
import shutil
import subprocess
import sys

#: The versions we look for, as 'X.Y'.
KNOWN = ('2.7', '3.6', '3.7', '3.8', '3.9', '3.10', '3.11', '3.12', '3.13', '3.14', '3.15')

#: version: a tuple of three ints; executable: the path that was run.
Interpreter = collections.namedtuple('Interpreter', 'version executable')

_PROBE = 'import sys; print(".".join(map(str, sys.version_info[:3])))'


def series(interpreter):
    """Return 'X.Y' of an Interpreter."""
    return '%d.%d' % interpreter.version[:2]


def probe(executable):
    """Return the Interpreter behind the path executable, or None when it does not run."""
    try:
        answer = subprocess.run(
            [executable, '-c', _PROBE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(rb'^(\d+)\.(\d+)\.(\d+)\s*$', answer.stdout)
    if answer.returncode != 0 or not match:
        return None
    return Interpreter(tuple(int(part) for part in match.groups()), executable)


def candidates(environ):
    """Yield the paths worth running: pyenv's versions, PATH, and this process' own."""
    pyenv = environ.get('PYENV_ROOT') or os.path.join(os.path.expanduser('~'), '.pyenv')
    yield from sorted(glob.glob(os.path.join(pyenv, 'versions', '*', 'bin', 'python')))
    for name in ['python' + version for version in KNOWN] + ['python3']:
        path = shutil.which(name, path=environ.get('PATH'))
        if path:
            yield path
    # A virtualenv may have been left half deleted; its base is the sure one.
    yield os.path.join(sys.base_prefix, 'bin', 'python3')
    yield sys.executable


def find(environ=os.environ):
    """
    Return a dictionary 'X.Y' -> Interpreter: the newest patch release of each
    known version that runs on this machine.
    """
    found: dict = {}
    for path in candidates(environ):
        interpreter = probe(path)
        if interpreter is None or series(interpreter) not in KNOWN:
            continue
        present = found.get(series(interpreter))
        if present is None or interpreter.version > present.version:
            found[series(interpreter)] = interpreter
    return found
