"""
Work out what the merge changes in a Django source tree, and write it.

A merge is a list of ``Change`` values, worked out completely before the
first byte is written: the overlay (whole files of ours) and the series (small
diffs against files of Django's). The reverse is worked out in the same way.
Nothing here prints or exits; every refusal is a ``MergeError``.
"""
from __future__ import absolute_import, unicode_literals

import io
import os
import re
import shutil
import subprocess
import tempfile
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
PATCHES = os.path.join(HERE, 'patches')
PACKAGE = 'django/channels'

# What is copied as it is: (folder of ours, its place in a Django tree).
OVERLAY = [
    (os.path.join(HERE, 'django'), 'django'),
    (os.path.join(HERE, 'docs'), 'docs'),
    (os.path.join(os.path.dirname(HERE), 'docs', 'standards'), 'docs/ref/channels/standards'),
]

# The files of compat/ that serve the backport only: the selectors and the eras
# of other versions. In the place of a selector comes what it would select.
COMPAT = os.path.join(os.path.dirname(HERE), 'compat')
COMPAT_STAYS_OUT = {
    '__init__.py', 'abilities.py', 'app_config.py', 'django18.py', 'django111.py', 'django20.py', 'server_advice.py',
    'django_tasks.py',
}
COMPAT_RENAMED = {
    'native.py': '__init__.py',
    'native_app_config.py': 'app_config.py',
    'native_server_advice.py': 'server_advice.py',
    'native_abilities.py': 'abilities.py',
}

# What makes the merged Django start on Python 3.8 and later, and can be left
# out: a patch, and the file that its line loads.
SHIMS = {'0013-newer-pythons.patch', 'django/channels/compat/old_django.py'}

# Files of the overlay that serve the backport only. The patched core command
# serves channels itself, which a second one would hide. Tasks came with 6.0.
STAYS_OUT = {
    'django/channels/management/commands/runserver.py', 'django/channels/tasks.py', 'django/channels/task_results.py',
}

# Folders of the overlay whose modules have async code, which no Django that is
# patched can run, and Python 2.7 can't read.
FOLDERS_STAY_OUT = ('django/channels/asynchronous/',)

# Of the documentation, only pages are merged. The standards' test data is for
# other projects, which take it from this one.
NO_PAGE = re.compile(r'^docs/(?!.*\.txt$)')

SUPPORTED = (1, 10)
NEWEST_MICRO = 8

#: One file of the tree: its path below the tree with forward slashes, and its
#: bytes on each side of the merge. ``None`` means that there is no such file.
Change = namedtuple('Change', 'path before after')


class MergeError(Exception):
    """Raised when a tree can't be merged, reversed or packed as asked."""


def check_source(source):
    """
    Return the version tuple of the Django source tree `source`, for example
    ``(1, 10, 8)``. Raise MergeError when it isn't one the series is made for.
    """
    for needed in ('setup.py', 'django/__init__.py', 'docs/index.txt'):
        if not os.path.isfile(os.path.join(source, *needed.split('/'))):
            raise MergeError(
                '%s is not a Django source tree: it has no %s. Unpack the source distribution of '
                'Django 1.10.x (pip download --no-binary :all: --no-deps "Django==1.10.%s") and name '
                'the folder that it makes.' % (source, needed, NEWEST_MICRO)
            )
    text = read(source, 'django/__init__.py').decode('utf-8')
    found = re.search(r"^VERSION = \((\d+), (\d+), (\d+), '(\w+)', \d+\)", text, re.M)
    if found is None:
        raise MergeError('%s: there is no VERSION line in django/__init__.py.' % source)
    version = tuple(int(number) for number in found.group(1, 2, 3))
    if version[:2] != SUPPORTED or version[2] > NEWEST_MICRO or found.group(4) != 'final':
        raise MergeError(
            '%s holds Django %s (%s). The series is made for the releases 1.10 to 1.10.%s; on other '
            'versions install the backport (django-channels-backport) instead.'
            % (source, '.'.join(found.group(1, 2, 3)), found.group(4), NEWEST_MICRO)
        )
    return version


def is_merged(source):
    """Return whether the tree `source` has django.channels already."""
    return os.path.isdir(os.path.join(source, *PACKAGE.split('/')))


def has_shims(source):
    """Return whether the merged tree `source` has what SHIMS names."""
    return any(os.path.isfile(os.path.join(source, *path.split('/'))) for path in SHIMS)


def merge_changes(source, shims=True):
    """
    Return the changes that merge django.channels into the tree `source`, in
    the order of their paths; without SHIMS, if `shims` is false. Raise
    MergeError when one of them is impossible.
    """
    check_source(source)
    if is_merged(source):
        raise MergeError(
            '%s has %s already: it is merged. Take it out with --reverse first.' % (source, PACKAGE)
        )
    changes = []
    for path, content in overlay_files(shims).items():
        if os.path.exists(os.path.join(source, *path.split('/'))):
            raise MergeError('%s has a file %s of its own; the merge would overwrite it.' % (source, path))
        changes.append(Change(path, None, content))
    changes += series_changes(source, reverse=False, shims=shims)
    return sorted(changes)


def reverse_changes(source):
    """
    Return the changes that take django.channels out of the merged tree
    `source`. Raise MergeError when a file isn't as the merge left it.
    """
    check_source(source)
    if not is_merged(source):
        raise MergeError('%s has no %s: there is nothing to reverse.' % (source, PACKAGE))
    shims = has_shims(source)
    ours = overlay_files(shims)
    differing = [path for path, content in ours.items() if read(source, path) != content]
    strangers = [path for path in list_files(os.path.join(source, *PACKAGE.split('/')), PACKAGE) if path not in ours]
    if differing or strangers:
        raise MergeError(
            'These files are not as this revision of the patch set merges them, and reversing would '
            'lose them: %s. Save your own changes elsewhere; if another revision made the merge, '
            'reverse with that one.' % ', '.join(sorted(differing + strangers))
        )
    changes = [Change(path, content, None) for path, content in ours.items()]
    changes += series_changes(source, reverse=True, shims=shims)
    return sorted(changes)


def write_changes(source, changes):
    """
    Bring the tree `source` to the ``after`` side of `changes`. If a write
    fails, undo the ones before it and let the error through.
    """
    done = []
    try:
        for change in changes:
            done.append(change)
            put(source, change.path, change.after)
    except BaseException:
        # A full disk or Ctrl-C in the middle must not leave half a merge.
        for change in reversed(done):
            put(source, change.path, change.before)
        raise


def overlay_files(shims=True):
    """
    Return {path in the tree: bytes} of every whole file that is merged;
    without that of SHIMS, if `shims` is false.
    """
    found = {}
    for folder, place in OVERLAY:
        for path in list_files(folder, place):
            if path not in STAYS_OUT and not path.startswith(FOLDERS_STAY_OUT) and not NO_PAGE.match(path):
                found[path] = read(folder, path[len(place) + 1:])
    for path in list_files(COMPAT, 'compat'):
        name = path[len('compat/'):]
        if name not in COMPAT_STAYS_OUT:
            found['%s/compat/%s' % (PACKAGE, COMPAT_RENAMED.get(name, name))] = read(COMPAT, name)
    return found if shims else {path: content for path, content in found.items() if path not in SHIMS}


def series(shims=True):
    """
    Return the paths of the patches in the order they apply; without that of
    SHIMS, if `shims` is false.
    """
    with io.open(os.path.join(PATCHES, 'series'), encoding='utf-8') as text:
        lines = [line.strip() for line in text]
    names = [line for line in lines if line and not line.startswith('#') and (shims or line not in SHIMS)]
    return [os.path.join(PATCHES, name) for name in names]


def series_changes(source, reverse, shims=True):
    """
    Return the changes that the series (see there) makes to the tree `source`,
    with zero fuzz. They are made in a scratch folder: `source` is only read.
    """
    patches = series(shims)
    touched = sorted({path for patch in patches for path in patched_paths(patch)})
    scratch = tempfile.mkdtemp(prefix='django-channels-')
    try:
        for path in touched:
            content = read(source, path)
            if content is not None:
                put(scratch, path, content)
        for patch in reversed(patches) if reverse else patches:
            run_patch(scratch, patch, reverse)
        return [Change(path, read(source, path), read(scratch, path)) for path in touched]
    finally:
        shutil.rmtree(scratch)


def patched_paths(patch):
    """Return the set of paths that the patch file `patch` touches."""
    with io.open(patch, encoding='utf-8') as lines:
        return {line[6:].strip() for line in lines if re.match(r'(--- a/|\+\+\+ b/)', line)}


def run_patch(folder, patch, reverse):
    """Apply the file `patch` below `folder`; raise MergeError if it doesn't fit."""
    # --force: never ask, and never guess that a patch is meant backwards.
    command = ['patch', '-p1', '-F0', '--force', '-d', folder, '-i', patch] + (['-R'] if reverse else [])
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise MergeError(
            "The program 'patch' can't be run (%s). Install it: the package is called patch "
            "(apt-get install patch, dnf install patch, apk add patch)." % error
        )
    output = process.communicate()[0].decode('utf-8', 'replace')
    if process.returncode:
        raise MergeError(
            '%s does not %s. Nothing was changed. The program said:\n%s' % (
                os.path.basename(patch), 'reverse' if reverse else 'apply', output,
            )
        )


def list_files(folder, place):
    """
    Return the paths of all source files below `folder`, each with `place` in
    front. Compiled files, hidden files and what editors leave are no source.
    """
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != '__pycache__' and not name.startswith('.'))
        for name in sorted(names):
            if not re.search(r'^\.|\.(py[co]|orig|rej)$|~$', name):
                below = os.path.relpath(os.path.join(root, name), folder)
                found.append('%s/%s' % (place, below.replace(os.sep, '/')))
    return found


def read(folder, path):
    """Return the bytes of the file `path` below `folder`, None if it is missing."""
    full = os.path.join(folder, *path.split('/'))
    if not os.path.isfile(full):
        return None
    with open(full, 'rb') as content:
        return content.read()


def put(folder, path, content):
    """
    Make `content` the bytes of the file `path` below `folder`. None removes
    the file, what Python compiled from it, and the folders left empty.
    """
    full = os.path.join(folder, *path.split('/'))
    parent = os.path.dirname(full)
    if content is not None:
        if not os.path.isdir(parent):
            os.makedirs(parent)
        with open(full, 'wb') as target:
            target.write(content)
        return
    if os.path.isfile(full):
        os.remove(full)
    remove_compiled(full)
    while os.path.isdir(parent) and not os.listdir(parent):
        os.rmdir(parent)
        parent = os.path.dirname(parent)


def remove_compiled(module):
    """Remove what Python compiled from the file `module`: 2.7 would go on importing it."""
    parent, name = os.path.split(module)
    stem = os.path.splitext(name)[0]
    cache = os.path.join(parent, '__pycache__')
    for folder, pattern in [(parent, r'\.py[co]$'), (cache, r'\..+\.py[co]$')]:
        if os.path.isdir(folder):
            for entry in os.listdir(folder):
                if re.match(re.escape(stem) + pattern, entry):
                    os.remove(os.path.join(folder, entry))
    if os.path.isdir(cache) and not os.listdir(cache):
        os.rmdir(cache)
