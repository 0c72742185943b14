"""
What the tests of the patch set share: paths, sources of Django, and commands.
"""
import atexit
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PATCH_SET = CHECKOUT / 'django_patch'
PACKAGE = PATCH_SET / 'django' / 'channels'
COMPAT = CHECKOUT / 'compat'

for folder in (PATCH_SET, CHECKOUT / 'tests'):
    if str(folder) not in sys.path:
        # At the end: the patch set has a folder "django", and must not hide
        # the Django of the environment.
        sys.path.append(str(folder))

#: The releases that every run needs.
REQUIRED_RELEASES = ('1.10', '1.10.8')


def sdists():
    """
    Return {release: path of its source distribution} for every 1.10.x in the
    folder $CHANNELS_SDISTS, which runtests.py fills.
    """
    folder = os.environ.get('CHANNELS_SDISTS')
    if not folder:
        raise EnvironmentError(
            'CHANNELS_SDISTS must name a folder with %s; runtests.py sets it.'
            % ' and '.join('Django-%s.tar.gz' % release for release in REQUIRED_RELEASES)
        )
    found = {}
    for path in pathlib.Path(folder).glob('Django-1.10*.tar.gz'):
        found[re.match(r'Django-([\d.]+)\.tar', path.name).group(1)] = path
    missing = set(REQUIRED_RELEASES) - set(found)
    if missing:
        raise EnvironmentError('%s has no source distribution of %s.' % (folder, ', '.join(sorted(missing))))
    return found


def unpack(release, folder):
    """
    Unpack Django's `release` below `folder`, but for its tests and its
    translations, which nothing is merged into and most of its files are;
    return the path of its tree.
    """
    unwanted = re.compile(r'[^/]+/((js_)?tests|extras)(/|$)|.+/locale/(?!en(/|$)|__init__\.py)[^/]+(/|$)')
    with tarfile.open(str(sdists()[release])) as archive:
        archive.extractall(str(folder), [
            member for member in archive.getmembers() if not unwanted.match(member.name)
        ])
    return pathlib.Path(folder) / ('Django-%s' % release)


def apply(*arguments, **options):
    """
    Run apply.py with the given arguments; return (exit status, output).
    Keyword `python` names another interpreter than this one.
    """
    python = options.pop('python', sys.executable)
    return run([python, PATCH_SET / 'apply.py'] + list(arguments), **options)


def run(command, **options):
    """Run a command to its end; return (exit status, text of both outputs)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(('PYTHON', 'DJANGO_'))}
    environment.update(options.pop('env', {}))
    process = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=environment, timeout=300, **options
    )
    return process.returncode, process.stdout.decode('utf-8', 'replace')


@functools.lru_cache()
def shared_folder():
    """Return a folder for what all tests share; it goes away with this process."""
    folder = tempfile.mkdtemp(prefix='patch-tests-')
    atexit.register(shutil.rmtree, folder)
    return pathlib.Path(folder)


@functools.lru_cache()
def pristine_tree():
    """Return the path of a tree of Django 1.10.8. Tests read it, and change copies."""
    return unpack('1.10.8', shared_folder() / 'pristine')


@functools.lru_cache()
def merged_tree():
    """Return the path of such a tree with the merge, for the same use."""
    tree = copy(pristine_tree(), shared_folder() / 'merged')
    status, output = apply(tree)
    if status:
        raise AssertionError(output)
    return tree


def snapshot(tree):
    """Return {path: bytes} of all files below `tree` but what Python compiled."""
    found = {}
    for folder, _, names in os.walk(str(tree)):
        for name in names:
            if not name.endswith(('.pyc', '.pyo')):
                path = os.path.join(folder, name)
                with open(path, 'rb') as content:
                    found[os.path.relpath(path, str(tree))] = content.read()
    return found


def folders(tree):
    """Return the set of folders below `tree`, but for __pycache__."""
    return {
        os.path.relpath(os.path.join(folder, name), str(tree))
        for folder, names, _ in os.walk(str(tree)) for name in names if name != '__pycache__'
    }


def copy(tree, target):
    """Copy a tree; return the path of the copy."""
    shutil.copytree(str(tree), str(target), symlinks=True)
    return target


@functools.lru_cache()
def era_pythons():
    """Return the Pythons of this machine that Django 1.10 was made for, as {'X.Y': path}."""
    from harness import interpreters
    found = interpreters.find()
    return {version: found[version].executable for version in ('2.7', '3.6') if version in found}


def sources(*folders):
    """Return the paths of all Python files below the folders, compiled and scratch ones aside."""
    return sorted(path for folder in folders for path in folder.rglob('*.py') if '__pycache__' not in path.parts)
