"""Other packages called channels: the user's own wins, the distribution of that name is refused."""
from __future__ import absolute_import

import os
import sys
import unittest
import zipfile

import pytest

from . import support

#: The beginning of the error, and the two commands that it gives.
ADVICE = (
    "The distribution 'channels' 4.3.2 is installed in ",
    'pip uninstall channels',
    'pip install --force-reinstall --no-deps django-channels-backport',
)


@support.once
def foreign_wheel():
    """Return the path of a wheel that looks like the distribution ``channels`` on PyPI."""
    path = os.path.join(support.new_folder('foreign'), 'channels-4.3.2-py2.py3-none-any.whl')
    info = 'channels-4.3.2.dist-info/'
    files = {
        'channels/__init__.py': "__version__ = '4.3.2'\n",
        'channels/apps.py': (
            "from django.apps import AppConfig\n\n\nclass ChannelsConfig(AppConfig):\n    name = 'channels'\n"
        ),
        'channels/consumer.py': '',
        info + 'METADATA': 'Metadata-Version: 2.1\nName: channels\nVersion: 4.3.2\n',
        info + 'WHEEL': (
            'Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n'
        ),
    }
    record = ''.join('%s,,\n' % name for name in sorted(files)) + info + 'RECORD,,\n'
    with zipfile.ZipFile(path, 'w') as archive:
        for name in sorted(files):
            archive.writestr(name, files[name])
        archive.writestr(info + 'RECORD', record)
    return path


@pytest.mark.once_for_python
class ForeignDistributionTests(unittest.TestCase):

    def assertRefused(self, finished):
        self.assertNotEqual(finished.status, 0, finished.output)
        for text in ADVICE:
            self.assertIn(text, finished.errors)

    def test_theirs_over_ours_is_refused(self):
        environment = support.Environment('theirs-over')
        environment.unpack(support.wheel(), foreign_wheel())
        self.assertRefused(environment.run('-c', 'import channels'))
        self.assertRefused(environment.run('-c', 'from channels.apps import ChannelsConfig'))
        for entry in ('channels', 'channels.apps.ChannelsConfig'):
            self.assertRefused(environment.run('-c', (
                "from django.conf import settings; settings.configure(INSTALLED_APPS=[%r]);"
                "import django; django.setup()" % entry
            )))
        # Only looking does no harm.
        if sys.version_info >= (3,):
            environment.code("import importlib.util; importlib.util.find_spec('channels')")
        environment.code("import pkgutil; list(pkgutil.iter_modules())")

    def test_theirs_installed_after_ours_is_refused_until_the_advice_is_followed(self):
        environment = support.Environment('theirs-last')
        environment.unpack(support.wheel())
        environment.install(foreign_wheel())
        self.assertRefused(environment.run('-c', 'import channels'))
        environment.pip('uninstall', '-y', 'channels')
        if sys.version_info >= (3,):
            # The hook answers, though the file that both have is gone.
            self.assertEqual(environment.code('import channels; print(channels.__name__)'), 'django.channels')
        environment.install(support.wheel())
        output = environment.code('import channels; print(channels.__name__)')
        self.assertEqual(output, 'django.channels')

    def test_theirs_installed_before_ours_is_refused(self):
        environment = support.Environment('ours-last')
        environment.unpack(foreign_wheel(), support.wheel())
        self.assertRefused(environment.run('-c', 'import channels'))
        self.assertRefused(environment.run('-c', 'import channels.names'))
        self.assertRefused(environment.run('-m', 'channels'))

    def test_theirs_before_a_linked_checkout_is_refused(self):
        environment = support.link_checkout(support.make_checkout(support.SMALL_PACKAGE))
        environment.unpack(foreign_wheel())
        self.assertRefused(environment.run('-c', 'import channels'))
        self.assertEqual(environment.code('import django.channels; print(django.channels.NAME)'), 'base')

    def test_the_package_refuses_where_no_start_up_file_is_read(self):
        folder = support.new_folder('target')
        for wheel in (foreign_wheel(), support.wheel()):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
        self.assertRefused(support.bare().run('-c', 'import channels', path=[folder]))

    def test_distributions_of_similar_names_are_no_matter(self):
        environment = support.Environment('similar')
        environment.unpack(support.wheel())
        for name in ('channels_redis-4.3.0.dist-info', 'channels.egg-info', 'django_channels-1.0.dist-info'):
            os.mkdir(os.path.join(environment.site_packages, name))
        self.assertEqual(environment.code('import channels; print(channels.__name__)'), 'django.channels')

    def test_every_form_of_their_metadata_is_recognized(self):
        for name in (
            'channels-1.1.8.dist-info', 'Channels-4.0.dist-info', 'channels-1.1.8-py2.7.egg-info',
            'channels-4.0.0b1.dist-info',
        ):
            folder = support.new_folder('metadata')
            os.mkdir(os.path.join(folder, name))
            code = 'from channels_backport import conflict; print(bool(conflict.find_conflict(%r)))' % folder
            self.assertEqual(support.bare().code(code, path=[support.backport()]), 'True')


@pytest.mark.once_for_python
class OwnPackageTests(unittest.TestCase):

    def setUp(self):
        self.folder = support.write(support.new_folder('project'), {
            'channels/__init__.py': "WHOSE = 'mine'\n",
            'channels/own.py': "",
            'main.py': "import channels, channels.own\nprint(channels.WHOSE)\n",
        })

    def test_a_package_in_the_working_directory_wins_and_ours_works_beside_it(self):
        code = """
            import %s
            import channels, channels.own, django.channels.names
            assert channels is not django.channels
            try:
                import channels.names
            except ImportError:
                print(channels.WHOSE)
        """
        for place in ('wheel', 'patched Django'):
            environment, path, start = support.PLACES[place]()
            for first in ('channels', 'django.channels'):
                self.assertEqual(environment.code(code % first, cwd=self.folder), 'mine')
        output = support.bare().code(
            code % 'channels', start=support.INSTALL, cwd=self.folder, path=[support.backport()],
        )
        self.assertEqual(output, 'mine')

    def test_a_package_beside_the_script_wins(self):
        output = support.succeed([support.installed().python, os.path.join(self.folder, 'main.py')])
        self.assertEqual(output, 'mine')

    def test_a_module_in_the_working_directory_wins(self):
        folder = support.write(support.new_folder('module'), {'channels.py': "WHOSE = 'mine'\n"})
        output = support.installed().code(
            'import channels, django.channels.names; print(channels.WHOSE)', cwd=folder,
        )
        self.assertEqual(output, 'mine')

    def test_a_folder_without_init_does_not_hide_ours(self):
        folder = support.write(support.new_folder('folder'), {'channels/readme.txt': ""})
        output = support.installed().code('import channels; print(channels.__name__)', cwd=folder)
        self.assertEqual(output, 'django.channels')
