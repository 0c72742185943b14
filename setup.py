"""
Build the distribution ``django-channels-backport``.

The wheel holds the package of django_patch/ and compat/ as they are, below
``channels_backport/_bundle``, where the import hook finds them. Nothing of it
is generated or edited, and neither ``compat`` nor ``tests`` is installed as a
package of its own.

What reads code without running it sees no import hook. For type checkers and
editors the wheel has stubs of ``django.channels``, as a partial stub package
(PEP 561), and ``channels`` has one line for each of them, written here.

Works with setuptools 40 and later, on Python 2.7 and 3.
"""
import io
import os
import re

from setuptools import setup
from setuptools.command.build_py import build_py as setuptools_build_py

#: The home of the project, once it is published: a reserved name (RFC 2606),
#: which nobody else can register meanwhile. The interface server has it, too.
URL = 'https://channels-for-django.example'

CHECKOUT = os.path.dirname(os.path.abspath(__file__))

#: Name of the package in the wheel -> its folder in the checkout.
MOUNTED = {
    'channels_backport._bundle.channels': 'django_patch/django/channels',
    'channels_backport._bundle.channels.compat': 'compat',
}

PACKAGE_DIR = dict(MOUNTED, **{
    'channels': 'backport/channels',
    'channels_backport': 'backport/channels_backport',
})

#: Files for the top of site-packages, which Python reads when it starts.
START_UP = ['zz_channels_backport.pth', 'zz_channels_backport.start']

#: The stubs; their folder's name in the wheel is the same.
STUBS = 'django-stubs'

#: What belongs to a package beside its modules.
DATA_SUFFIXES = ('.css', '.html', '.js', '.json', '.lua', '.mo', '.po', '.ts', '.txt')


def read(name):
    """Return the text of the file ``name`` of the checkout."""
    with io.open(os.path.join(CHECKOUT, name), encoding='utf-8') as file:
        return file.read()


def long_description():
    """Return the README; its links lead to the repository, since a package index has only the text."""
    return re.sub(r'\]\((?!https?:|#)([^)]+)\)', r'](%s/blob/main/\1)' % URL, read('README.md'))


def find_version():
    """Return the version. Importing the package would need Django."""
    source = read('django_patch/django/channels/__init__.py')
    return str(re.search(r"^__version__ = '([^']+)'$", source, re.MULTILINE).group(1))


def find_contents(package, folder):
    """
    Return the packages that ``folder`` holds, and the data of each.

    ``package`` is the dotted name of ``folder``. The answer is a dictionary of
    package name -> paths of its data files, relative to the package's folder.
    """
    contents = {}
    start = os.path.join(CHECKOUT, *folder.split('/'))
    for path, folders, names in os.walk(start):
        folders.sort()
        inside = os.path.relpath(path, start)
        if '__init__.py' in names:
            parts = [] if inside == os.curdir else inside.split(os.sep)
            contents['.'.join([package] + parts)] = []
        for name in sorted(names):
            if name.endswith(DATA_SUFFIXES):
                owner, data = package, os.path.normpath(os.path.join(inside, name)).split(os.sep)
                while '.'.join([owner, data[0]]) in contents:
                    owner = '.'.join([owner, data.pop(0)])
                contents[owner].append('/'.join(data))
    return contents


def find_stubs():
    """Return the stubs' paths below backport/, their marker py.typed included."""
    found = []
    for path, folders, names in os.walk(os.path.join(CHECKOUT, 'backport', STUBS)):
        inside = os.path.relpath(path, os.path.join(CHECKOUT, 'backport')).split(os.sep)
        found.extend('/'.join(inside + [name]) for name in names if name.endswith(('.pyi', '.typed')))
    return sorted(found)


def find_aliases():
    """Return {path of a stub of ``channels``: its text}; all it says is where the real one is."""
    aliases = {'channels/py.typed': ''}
    for path in find_stubs():
        if path.endswith('.pyi'):
            path = path[len(STUBS) + 1:]
            module = path[:-len('.pyi')].replace('/', '.')
            module = module[:-len('.__init__')] if module.endswith('.__init__') else module
            aliases[path] = 'from django.%s import *\n' % module
    aliases['channels/__init__.pyi'] += 'from django.channels import __version__ as __version__\n'
    return aliases


class build_py(setuptools_build_py):
    """Build as usual, and put the start-up files and the stubs beside the packages."""

    def run(self):
        """Copy the modules, the start-up files and the stubs into ``build_lib``."""
        setuptools_build_py.run(self)
        # An editable install has no use for them: it would drop the .pth.
        if not getattr(self, 'editable_mode', False):
            self.mkpath(self.build_lib)
            for name in self.copied():
                self.mkpath(os.path.dirname(os.path.join(self.build_lib, name)))
                self.copy_file(os.path.join('backport', name), os.path.join(self.build_lib, name))
            for name, text in find_aliases().items():
                path = os.path.join(self.build_lib, name)
                self.mkpath(os.path.dirname(path))
                with io.open(path, 'w', encoding='ascii') as file:
                    file.write(u'%s' % text)

    def copied(self):
        """Return the paths, below backport/ and below ``build_lib``, of what is no module."""
        return START_UP + find_stubs()

    def get_outputs(self, include_bytecode=1):
        """Return the paths of all files built, so that uninstalling removes them."""
        built = setuptools_build_py.get_outputs(self, include_bytecode)
        return built + [os.path.join(self.build_lib, name) for name in self.copied() + sorted(find_aliases())]


package_data = {'channels': [], 'channels_backport': []}
for package, folder in MOUNTED.items():
    package_data.update(find_contents(package, folder))

setup(
    name='django-channels-backport',
    version=find_version(),
    description='django.channels, WebSockets and background messages for Django, on every Django from 1.8 on',
    long_description=long_description(),
    long_description_content_type='text/markdown',
    author='the Channels for Django contributors',
    url=URL,
    project_urls={
        'Documentation': URL + '/blob/main/docs/index.txt',
        'Changes': URL + '/blob/main/CHANGES.rst',
        'Source': URL,
        'Tracker': URL + '/issues',
    },
    keywords='django channels websocket asgi redis background',
    license='BSD-3-Clause',
    packages=sorted(package_data),
    package_dir=PACKAGE_DIR,
    package_data=package_data,
    include_package_data=False,
    zip_safe=False,
    cmdclass={'build_py': build_py},
    python_requires='>=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, !=3.5.*',
    install_requires=['Django>=1.8', 'six'],
    extras_require={
        'redis': [
            # From 1.0 on it is pure Python there, and takes several times as long.
            'msgpack>=0.6.2,<1.0; python_version < "3"',
            'msgpack>=1.0; python_version >= "3"',
            'redis>=3.5.3,<4; python_version < "3"',
            'redis>=4.1; python_version >= "3"',
        ],
        # daphne 1.4.2 needs asgiref 1.1, so below Python 3.9 this extra can't
        # be installed beside Django 3.0 and later, which needs a newer one.
        'server': [
            'channels-interface-server; python_version >= "3.9"',
            'daphne==1.4.2; python_version < "3.9"',
            'twisted[http2,tls]; python_version < "3.9"',
        ],
        'metrics': ['prometheus-client'],
        'schedules': ['croniter'],
        'tests': [
            'mock; python_version < "3"',
            'pytest',
            'pytest-django',
            'setuptools',
            'wheel',
        ],
    },
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Web Environment',
        'Framework :: Django',
        'Framework :: Django :: 1.8',
        'Framework :: Django :: 1.9',
        'Framework :: Django :: 1.10',
        'Framework :: Django :: 1.11',
        'Framework :: Django :: 2.2',
        'Framework :: Django :: 3.2',
        'Framework :: Django :: 4.2',
        'Framework :: Django :: 5.2',
        'Framework :: Django :: 6.0',
        'Framework :: Django :: 6.1',
        'Intended Audience :: Developers',
        'Operating System :: OS Independent',
        'Programming Language :: Python',
        'Programming Language :: Python :: 2',
        'Programming Language :: Python :: 2.7',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.6',
        'Programming Language :: Python :: 3.7',
        'Programming Language :: Python :: 3.8',
        'Programming Language :: Python :: 3.9',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Programming Language :: Python :: 3.14',
        'Programming Language :: Python :: 3.15',
        'Programming Language :: Python :: Implementation :: CPython',
        'Topic :: Internet :: WWW/HTTP',
        'Topic :: System :: Networking',
    ],
)
