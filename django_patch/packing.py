"""
Build the wheel of a merged Django, in a scratch copy of the tree.
"""
from __future__ import absolute_import

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import merging


@contextlib.contextmanager
def scratch_tree(source):
    """
    Give the path of a private copy of `source`, a folder or a .tar.gz of the
    Django project, without what Python compiled. It is removed afterwards.
    """
    scratch = tempfile.mkdtemp(prefix='django-channels-')
    try:
        if os.path.isdir(source):
            tree = os.path.join(scratch, 'tree')
            ignored = shutil.ignore_patterns('*.pyc', '*.pyo', '__pycache__', '.git', 'build', 'dist')
            shutil.copytree(source, tree, symlinks=True, ignore=ignored)
        else:
            tree = unpack(source, scratch)
        yield tree
    finally:
        shutil.rmtree(scratch)


def unpack(archive, folder):
    """
    Unpack the source distribution `archive` below `folder`; return the path of its tree.

    The calling user owns its files. Unpacked by root, they would else belong to
    the user that the archive names, and Django's tests write into them.
    """
    try:
        with tarfile.open(archive) as content:
            for member in content.getmembers():
                if member.name.startswith('/') or '..' in member.name.split('/'):
                    raise merging.MergeError('%s names a file outside itself: %s' % (archive, member.name))
                member.uid, member.gid = [getattr(os, name, int)() for name in ('geteuid', 'getegid')]
                member.uname = member.gname = ''
            content.extractall(folder)
    except tarfile.TarError as error:
        raise merging.MergeError('%s is neither a folder nor a .tar archive (%s).' % (archive, error))
    return os.path.join(folder, os.listdir(folder)[0])


def local_version():
    """Return the local version label of the wheel, for example 'channels.2.0'."""
    path = os.path.join(merging.HERE, 'django', 'channels', '__init__.py')
    with io.open(path, encoding='utf-8') as lines:
        found = re.search(r"^__version__ = '([A-Za-z0-9.]+)'", lines.read(), re.M)
    if found is None:
        raise merging.MergeError("%s has no line __version__ = '...' with letters, digits and dots." % path)
    return 'channels.%s' % found.group(1)


def build_wheel(source, target, shims=True):
    """
    Build the wheel of the tree or archive `source`, merged if it isn't yet
    (see merging.merge_changes() for `shims`), into the folder `target`.
    Return the path of the wheel.
    """
    target = os.path.abspath(target)
    for tool in ('setuptools', 'wheel'):
        if subprocess.call([sys.executable, '-c', 'import %s' % tool], stderr=subprocess.PIPE):
            raise merging.MergeError(
                '%s has no %s, which builds the wheel. Install it: %s -m pip install setuptools wheel'
                % (sys.executable, tool, sys.executable)
            )
    with scratch_tree(source) as tree:
        merging.check_source(tree)
        if not merging.is_merged(tree):
            merging.write_changes(tree, merging.merge_changes(tree, shims))
        built = os.path.join(tree, 'dist')
        run_setup(tree, [
            'egg_info', '--tag-build=+%s' % local_version(),
            'bdist_wheel', '--python-tag', 'py2.py3', '--dist-dir', built,
        ])
        wheel, = os.listdir(built)
        if not os.path.isdir(target):
            os.makedirs(target)
        path = os.path.join(target, wheel)
        shutil.copyfile(os.path.join(built, wheel), path)
        return path


def run_setup(tree, arguments):
    """Run Django's own setup.py in `tree`; raise MergeError with its output if it fails."""
    # The folder of this file has a folder "django" in it, and must not shadow
    # the tree's: the child starts in the tree and gets no PYTHONPATH of ours.
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    process = subprocess.Popen(
        [sys.executable, 'setup.py', '-q'] + arguments, cwd=tree, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    output = process.communicate()[0].decode('utf-8', 'replace')
    if process.returncode:
        raise merging.MergeError("Django's setup.py failed:\n%s" % output)
