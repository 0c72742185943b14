"""The wheel: what is in it, and that uninstalling it leaves nothing."""
from __future__ import absolute_import

import os
import re
import unittest
import zipfile

import pytest

from . import support

BUNDLE = 'channels_backport/_bundle/channels'


def files_below(folder, prefix):
    """Return the names in the wheel that the files of ``folder`` ought to have."""
    names = []
    for path, folders, files in os.walk(os.path.join(support.checkout(), *folder.split('/'))):
        if '__pycache__' in folders:
            folders.remove('__pycache__')
        inside = os.path.relpath(path, os.path.join(support.checkout(), *folder.split('/')))
        for name in files:
            if not name.endswith('.pyc'):
                names.append(os.path.normpath(os.path.join(prefix, inside, name)).replace(os.sep, '/'))
    return names


class WheelTests(unittest.TestCase):

    def test_it_has_every_file_of_the_package_and_no_other(self):
        with zipfile.ZipFile(support.wheel()) as archive:
            names = [name for name in archive.namelist() if '.dist-info/' not in name and not name.endswith('/')]
        expected = files_below('backport', '')
        # Written for each stub, with one line each.
        expected += [
            name for name in files_below('backport/django-stubs', '') if name.endswith(('.pyi', 'py.typed'))
        ]
        expected[expected.index('py.typed')] = 'channels/py.typed'
        expected += files_below('django_patch/django/channels', BUNDLE) + files_below('compat', BUNDLE + '/compat')
        self.assertEqual(sorted(names), sorted(expected))

    def test_the_stubs_of_the_alias_lead_to_those_of_django_channels(self):
        with zipfile.ZipFile(support.wheel()) as archive:
            texts = {
                name: archive.read(name).decode('ascii') for name in archive.namelist()
                if name.startswith('channels/') and name.endswith('.pyi')
            }
            self.assertEqual(archive.read('django-stubs/py.typed'), b'partial\n')
        self.assertEqual(
            texts['channels/generic/websockets.pyi'], 'from django.channels.generic.websockets import *\n'
        )
        self.assertEqual(texts['channels/__init__.pyi'].splitlines()[0], 'from django.channels import *')

    def test_it_serves_both_pythons(self):
        self.assertTrue(support.wheel().endswith('-py2.py3-none-any.whl'), support.wheel())

    def test_the_version_is_the_package_s_own(self):
        output = support.installed().code('import channels; print(channels.__version__)')
        self.assertIn('-%s-' % output, os.path.basename(support.wheel()))

    def metadata(self):
        """Return the wheel's METADATA as text."""
        with zipfile.ZipFile(support.wheel()) as archive:
            [name] = [name for name in archive.namelist() if name.endswith('.dist-info/METADATA')]
            return archive.read(name).decode('utf-8')

    def test_it_has_addresses_and_its_readme_leads_there(self):
        text = self.metadata()
        labels = re.findall(r'^Project-URL: (\w+), https://', text, re.M)
        self.assertEqual(sorted(labels), ['Changes', 'Documentation', 'Source', 'Tracker'])
        self.assertIn('](https://', text)
        self.assertEqual(re.findall(r'\]\((?!https?:|#)[^)]+\)', text), [])

    def test_its_hard_dependencies_are_django_and_six(self):
        lines = self.metadata().splitlines()
        required = [line.split(':')[1].strip() for line in lines if line.startswith('Requires-Dist:')]
        hard = sorted(line.replace(' ', '').replace('(', '').replace(')', '') for line in required if ';' not in line)
        self.assertEqual(hard, ['Django>=1.8', 'six'])

    @pytest.mark.once_for_python
    def test_an_editable_install_works_from_the_alias_on(self):
        try:
            from setuptools.command import editable_wheel  # NOQA
        except ImportError:
            self.skipTest('This setuptools knows nothing of editable wheels.')
        environment = support.Environment('editable')
        environment.pip('install', '--no-build-isolation', '--use-pep517', '--no-deps', '-e', support.checkout())
        output = environment.code('''
            import channels
            from django.channels.channel import Channel
            print(Channel is channels.Channel)
            print(channels.__file__)
        ''')
        same, path = output.splitlines()
        self.assertEqual(same, 'True')
        self.assertTrue(path.startswith(support.checkout()), path)
        # setuptools drops the start-up file.
        self.assertIn('django.channels', environment.run('-c', 'import django.channels').errors)

    @pytest.mark.once_for_python
    def test_uninstalling_leaves_nothing(self):
        environment = support.Environment('uninstall')
        before = set(os.listdir(environment.site_packages))
        environment.install(support.wheel())
        self.assertEqual(set(os.listdir(environment.site_packages)) - before, {
            'channels', 'channels_backport', 'django-stubs', 'zz_channels_backport.pth', 'zz_channels_backport.start',
            '-'.join(os.path.basename(support.wheel()).split('-')[:2]) + '.dist-info',
        })
        self.assertEqual(environment.code('import channels; print(channels.__name__)'), 'django.channels')
        environment.pip('uninstall', '-y', 'django-channels-backport')
        self.assertEqual(set(os.listdir(environment.site_packages)), before)
