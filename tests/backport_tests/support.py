"""
Environments and sources for the tests of the import hook.

What the hook does is decided when an interpreter starts, so most tests start
fresh ones. Their environments are copies of the virtual environment that runs
the tests, with its packages, but without our distribution.
"""
from __future__ import absolute_import

import atexit
import collections
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import threading
import zipfile

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IGNORED = shutil.ignore_patterns('__pycache__', '*.pyc')

#: Seconds after which an interpreter is taken to hang (a deadlock).
TIMEOUT = 120

SITE_PACKAGES = sysconfig.get_path('purelib')

#: Beginnings of the names that our distribution has in site-packages.
OURS = ('channels', 'django_channels_backport', 'zz_channels_backport')

#: For places where Python reads no start-up file of ours.
INSTALL = 'import channels_backport; channels_backport.install()\n'

#: What a merge adds to django/__init__.py.
SHIMS_LINE = re.compile(r"^if .*\n.*old_django\.py.*\n", re.M)

#: A small django.channels, with modules that the real one has no reason for.
SMALL_PACKAGE = {
    '__init__.py': "from .base import NAME\n",
    '__main__.py': "import sys\nprint('main %s' % __package__)\n",
    'base.py': "NAME = 'base'\n",
    'broken_import.py': "import a_module_that_nobody_has\n",
    'broken_value.py': "raise ValueError('broken on purpose')\n",
    'circle_a.py': "A = 'a'\nfrom channels.circle_b import B\n",
    'circle_b.py': "from channels.circle_a import A\nB = 'b'\n",
    'data.txt': "data\n",
    'sub/__init__.py': "",
    'sub/leaf.py': "from ..compat import MARK\n",
    'tool.py': "from .base import NAME\nif __name__ == '__main__':\n    print('tool %s' % NAME)\n",
}

Finished = collections.namedtuple('Finished', 'status output errors')


def once(function):
    """Return ``function``, to be run when first called and never again."""
    results = []

    def first_result():
        if not results:
            results.append(function())
        return results[0]
    return first_result


@once
def scratch():
    """Return a folder that goes away with this process."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix='backport_tests-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def new_folder(name):
    """Return the path of a new, empty folder."""
    return tempfile.mkdtemp(prefix=name + '-', dir=scratch())


def write(folder, files):
    """Write ``files``, a dictionary of relative path -> text, below ``folder``; return it."""
    for name, text in files.items():
        path = os.path.join(folder, *name.split('/'))
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        with open(path, 'w') as file:
            file.write(textwrap.dedent(text))
    return folder


def run(command, cwd=None, path=(), **variables):
    """
    Run ``command`` and return Finished, with its output as text.

    ``path`` is its PYTHONPATH, ``variables`` are added to its environment.
    """
    environ = {
        name: value for name, value in os.environ.items()
        if not name.startswith(('PYTHON', 'DJANGO', 'COV_'))
    }
    environ.update(dict({'PYTHONPATH': os.pathsep.join(path), 'PYTHONDONTWRITEBYTECODE': '1'}, **variables))
    process = subprocess.Popen(
        command, cwd=cwd or scratch(), env=environ, universal_newlines=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    try:
        output, errors = process.communicate()
    finally:
        timer.cancel()
    return Finished(process.returncode, output, errors)


def succeed(command, **options):
    """Run ``command`` as run() does and return its output, without line ends. It has to succeed."""
    finished = run(command, **options)
    if finished.status != 0:
        raise AssertionError('%s\nexit status %s\n%s%s' % ((command,) + finished))
    return finished.output.strip()


def is_patched():
    """Return whether the tests' own Django has django.channels."""
    return os.path.isdir(os.path.join(SITE_PACKAGES, 'django', 'channels'))


class Environment(object):
    """A copy of the tests' own virtual environment, without our distribution."""

    def __init__(self, name):
        if not os.path.exists(os.path.join(sys.prefix, 'pyvenv.cfg')):
            raise RuntimeError("These tests copy the virtual environment they run in; run them in one.")
        self.folder = new_folder(name)
        self.python = os.path.join(self.folder, 'bin', 'python')
        self.site_packages = os.path.join(self.folder, os.path.relpath(SITE_PACKAGES, sys.prefix))
        for part in ('bin', os.path.relpath(os.path.dirname(SITE_PACKAGES), sys.prefix)):
            shutil.copytree(
                os.path.join(sys.prefix, part), os.path.join(self.folder, part),
                symlinks=True, ignore=shutil.ignore_patterns('site-packages'),
            )
        shutil.copy(os.path.join(sys.prefix, 'pyvenv.cfg'), self.folder)
        self.link(SITE_PACKAGES, self.site_packages, OURS + ('django',))
        # A package of links, so that django.channels can be missing or there,
        # and with it what a merge adds to the package itself.
        self.link(os.path.join(SITE_PACKAGES, 'django'), self.django, ('channels', '__init__.py'))
        with open(os.path.join(SITE_PACKAGES, 'django', '__init__.py')) as file:
            write(self.django, {'__init__.py': SHIMS_LINE.sub('', file.read())})
        for name in os.listdir(SITE_PACKAGES):
            # The stubs are our wheel's.
            if name.startswith('django') and name not in ('django', 'django-stubs') and not name.startswith(OURS):
                os.symlink(os.path.join(SITE_PACKAGES, name), os.path.join(self.site_packages, name))

    @property
    def django(self):
        """The folder of the package django."""
        return os.path.join(self.site_packages, 'django')

    @staticmethod
    def link(source, target, excluded):
        """Make ``target`` a folder of links to all that lies in ``source``, but for some beginnings."""
        os.mkdir(target)
        for name in os.listdir(source):
            if not name.startswith(excluded):
                os.symlink(os.path.join(source, name), os.path.join(target, name))

    def merge_channels(self):
        """Make this Django one that has django.channels of its own; return the folder."""
        folder = os.path.join(self.django, 'channels')
        native = os.path.join(SITE_PACKAGES, 'django', 'channels')
        if is_patched():
            shutil.copytree(native, folder, ignore=IGNORED)
            shutil.copy(os.path.join(SITE_PACKAGES, 'django', '__init__.py'), self.django)
        else:
            shutil.copytree(os.path.join(checkout(), 'django_patch', 'django', 'channels'), folder)
            shutil.copytree(os.path.join(checkout(), 'compat'), os.path.join(folder, 'compat'))
        return folder

    def pip(self, *arguments):
        """Run this environment's pip, which must not fetch anything."""
        return succeed(
            (self.python, '-m', 'pip', '-q', '--disable-pip-version-check') + arguments,
            PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX='1',
        )

    def install(self, *wheels):
        """Install ``wheels`` (paths), in this order."""
        for wheel in wheels:
            self.pip('install', '--no-deps', '--no-compile', '--force-reinstall', wheel)

    def unpack(self, *wheels):
        """Put the files of ``wheels`` where pip would put them, only faster."""
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(self.site_packages)

    def code(self, code, start='', **options):
        """Return what a fresh interpreter prints that runs ``start`` and ``code``, which have to succeed."""
        return succeed([self.python, '-c', start + textwrap.dedent(code)], **options)

    def run(self, *arguments, **options):
        """Run an interpreter with ``arguments`` and return Finished."""
        return run((self.python,) + arguments, **options)


@once
def checkout():
    """Return a copy of the parts of this checkout that setup.py reads. Nothing is written to the original."""
    folder = new_folder('checkout')
    for name in os.listdir(CHECKOUT):
        if os.path.isfile(os.path.join(CHECKOUT, name)):
            shutil.copy(os.path.join(CHECKOUT, name), folder)
    for name in ('backport', 'compat', 'django_patch'):
        shutil.copytree(os.path.join(CHECKOUT, name), os.path.join(folder, name), ignore=IGNORED)
    return folder


def backport():
    """Return the folder that a checkout's user puts on sys.path."""
    return os.path.join(checkout(), 'backport')


@once
def wheel():
    """Return the path of the wheel, built with this interpreter's setuptools."""
    folder = new_folder('wheel')
    succeed([sys.executable, 'setup.py', '-q', 'bdist_wheel', '--dist-dir', folder], cwd=checkout())
    [name] = os.listdir(folder)
    return os.path.join(folder, name)


@once
def bare():
    """Return an Environment in which nothing of ours is installed."""
    return Environment('bare')


@once
def installed():
    """Return an Environment with the wheel."""
    environment = Environment('wheel')
    environment.unpack(wheel())
    return environment


@once
def patched():
    """Return an Environment whose Django has django.channels, and the wheel beside it."""
    environment = Environment('patched')
    environment.merge_channels()
    environment.unpack(wheel())
    return environment


def make_checkout(package):
    """Return a folder laid out as a checkout, with ``package``, for write(), as its django.channels."""
    folder = new_folder('made')
    shutil.copytree(os.path.join(checkout(), 'backport'), os.path.join(folder, 'backport'))
    write(folder, {'compat/__init__.py': 'MARK = 1\n'})
    # Django itself may need it.
    shutil.copy(os.path.join(checkout(), 'compat', 'old_django.py'), os.path.join(folder, 'compat'))
    write(os.path.join(folder, 'django_patch', 'django', 'channels'), package)
    return folder


def link_checkout(checkout):
    """Return an Environment that a two-line .pth file points to the folder ``checkout``."""
    environment = Environment('linked')
    write(environment.site_packages, {'zz_checkout.pth': '%s\nimport channels_backport; %s\n' % (
        os.path.join(checkout, 'backport'), 'channels_backport.install()',
    )})
    return environment


@once
def small():
    """Return an Environment linked to a checkout with SMALL_PACKAGE as its django.channels."""
    return link_checkout(make_checkout(SMALL_PACKAGE))


#: Name -> (Environment, PYTHONPATH, code that goes first) of each way to have
#: django.channels.
PLACES = {
    'wheel': lambda: (installed(), [], ''),
    'checkout': lambda: (bare(), [backport()], INSTALL),
    'zip': lambda: (bare(), [wheel()], INSTALL),
    'patched Django': lambda: (patched(), [], ''),
}
