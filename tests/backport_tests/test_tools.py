"""What looks at modules: pickle, multiprocessing, runpy, inspect, mock, reload, autoreloaders."""
from __future__ import absolute_import

import os
import unittest

import pytest

from . import support

PYTHON_2 = str is bytes


class PickleTests(unittest.TestCase):

    def test_pickles_name_the_canonical_module(self):
        code = """
            import pickle
            from channels.exceptions import ChannelFull
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                data = pickle.dumps(ChannelFull, protocol)
                assert b'django.channels.exceptions' in data, data
                assert pickle.loads(data) is ChannelFull
            print('canonical')
        """
        self.assertEqual(support.installed().code(code), 'canonical')

    def test_a_fresh_process_reads_pickles_of_either_name(self):
        for environment in (support.installed(), support.patched()):
            for module in ('channels.exceptions', 'django.channels.exceptions'):
                code = 'import pickle; kind = pickle.loads(%r.encode()); print(kind.__module__)' % (
                    'c%s\nChannelFull\n.' % module,
                )
                self.assertEqual(environment.code(code), 'django.channels.exceptions')

    @unittest.skipIf(PYTHON_2, 'Python 2 has no spawn method')
    def test_spawned_processes_import_either_name(self):
        folder = support.write(support.new_folder('spawn'), {'main.py': """
            import multiprocessing

            def name_of(kind):
                return kind.__module__

            if __name__ == '__main__':
                from channels.exceptions import ChannelFull
                context = multiprocessing.get_context('spawn')
                queue = context.Queue()
                child = context.Process(target=queue.put, args=(ChannelFull,))
                child.start()
                print(queue.get(timeout=30) is ChannelFull)
                child.join()
                print(child.exitcode)
        """})
        output = support.succeed([support.installed().python, os.path.join(folder, 'main.py')])
        self.assertEqual(output.split(), ['True', '0'])


@pytest.mark.once_for_python
class RunModuleTests(unittest.TestCase):
    """python -m NAME"""

    def run_module(self, name):
        return support.small().run('-m', name)

    def test_packages_and_modules_run_under_either_name(self):
        for name, output in [
            ('channels.tool', 'tool base'),
            ('django.channels.tool', 'tool base'),
            ('channels', 'main channels'),
        ]:
            finished = self.run_module(name)
            self.assertEqual((finished.status, finished.output.strip()), (0, output), finished.errors)
            self.assertEqual(finished.errors, '')

    def test_the_package_runs_under_its_canonical_name(self):
        finished = self.run_module('django.channels')
        if PYTHON_2:
            # pkgutil skips meta_path for dotted names there.
            self.assertIn('No module named django.channels', finished.errors)
        else:
            self.assertEqual((finished.status, finished.output.strip()), (0, 'main django.channels'), finished.errors)

    def test_a_module_that_is_not_there_is_named(self):
        for name in ('channels.missing', 'django.channels.missing'):
            self.assertIn('No module named', self.run_module(name).errors)


@pytest.mark.once_for_python
class InspectionTests(unittest.TestCase):

    def test_tracebacks_show_the_file_and_its_lines(self):
        finished = support.small().run('-c', 'import channels.broken_value')
        self.assertIn(os.path.join('django_patch', 'django', 'channels', 'broken_value.py'), finished.errors)
        self.assertIn('raise ValueError', finished.errors)

    def test_mock_patches_the_one_module(self):
        code = """
            try:
                from unittest import mock
            except ImportError:
                import mock
            import django.channels.base
            with mock.patch('channels.base.NAME', 'other'):
                print(django.channels.base.NAME)
            print(django.channels.base.NAME)
        """
        self.assertEqual(support.small().code(code).split(), ['other', 'base'])

    def test_reload_keeps_one_module(self):
        code = """
            try:
                from importlib import reload
            except ImportError:
                pass
            import sys
            import channels.base
            kept = channels, channels.base
            channels.base.NAME = 'changed'
            assert reload(channels.base) is kept[1] and reload(channels) is kept[0]
            assert sys.modules['channels'] is sys.modules['django.channels'] is kept[0]
            assert sys.modules['channels.base'] is sys.modules['django.channels.base'] is kept[1]
            print(channels.base.NAME)
        """
        self.assertEqual(support.small().code(code), 'base')

    def test_submodules_are_listed_and_data_is_read(self):
        code = """
            import pkgutil
            import channels
            assert {'base', 'sub', 'tool'} <= set(item[1] for item in pkgutil.iter_modules(channels.__path__))
            print([pkgutil.get_data(name, 'data.txt') for name in ('channels', 'django.channels')])
        """
        # Python 2's pkgutil skips meta_path for dotted names.
        expected = '[None, None]' if PYTHON_2 else r"[b'data\n', b'data\n']"
        self.assertEqual(support.small().code(code), expected)

    @unittest.skipIf(PYTHON_2, 'Python 2 has no module specs')
    def test_imports_under_the_alias_warn_about_nothing(self):
        code = """
            import warnings
            import django
            warnings.simplefilter('error')
            import channels.sub.leaf, channels.circle_a, django.channels.tool
            from channels.sub import leaf
            print(leaf.__spec__.name)
        """
        self.assertEqual(support.small().code(code).split('\n')[-1], 'django.channels.sub.leaf')


class AutoreloadTests(unittest.TestCase):

    def test_modules_imported_under_the_alias_are_watched(self):
        code = """
            from django.conf import settings
            settings.configure(INSTALLED_APPS=[])
            import django
            django.setup()
            from django.utils import autoreload
            import channels.sub.leaf
            if django.VERSION >= (2, 2):
                files = list(autoreload.iter_all_python_module_files())
            else:
                files = list(autoreload.gen_filenames())
            print(channels.sub.leaf.__file__.rstrip('c') in [str(name) for name in files])
        """
        self.assertEqual(support.small().code(code), 'True')
