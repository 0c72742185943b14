"""The finders themselves: what they answer, and what they never do."""
from __future__ import absolute_import

import shutil
import unittest

import pytest

from . import support

NO_IMPORTS = """
    import importlib, sys
    try:
        import builtins
    except ImportError:
        import __builtin__ as builtins
    %s

    def forbidden(*args, **kwargs):
        raise AssertionError('imported %%r' %% (args,))

    finders = [finder for finder in sys.meta_path if type(finder).__name__ in ('AliasFinder', 'MountFinder')]
    assert len(finders) == 2
    path = sys.modules['django.channels'].__path__ if 'django.channels' in sys.modules else None
    names = ['channels', 'django.channels', 'django.channels.compat', 'django.channels.management', 'other']
    if path:
        names += ['channels.tool', 'channels.sub', 'channels.compat', 'channels.missing', 'channels.broken_value']
    before = set(sys.modules)
    kept = builtins.__import__, importlib.import_module
    builtins.__import__ = importlib.import_module = forbidden
    try:
        found = []
        for name in names:
            for finder in finders:
                find = finder.find_spec if sys.version_info >= (3,) else finder.find_module
                if find(name, path):
                    found.append(name)
    finally:
        builtins.__import__, importlib.import_module = kept
    assert set(sys.modules) == before
    print(' '.join(found))
"""


@pytest.mark.once_for_python
class FinderTests(unittest.TestCase):

    def test_looking_for_a_module_imports_nothing(self):
        mounts = ['django.channels', 'django.channels.compat']
        # On Python 2 the package itself serves the top name.
        top = [] if str is bytes else ['channels']
        self.assertEqual(support.small().code(NO_IMPORTS % ''), ' '.join(top + mounts))
        submodules = ['channels.tool', 'channels.sub', 'channels.compat', 'channels.broken_value']
        self.assertEqual(support.small().code(NO_IMPORTS % 'import channels'), ' '.join(top + mounts + submodules))

    def test_install_twice_installs_once(self):
        code = """
            import sys
            before = list(sys.meta_path)
            import channels_backport as first
            first.install()
            assert sys.meta_path == before
            # A second copy of the modules has classes of its own.
            for name in [name for name in sys.modules if name.startswith('channels_backport')]:
                del sys.modules[name]
            import channels_backport as second
            assert second is not first
            second.install()
            assert sys.meta_path == before
            names = [type(finder).__name__ for finder in sys.meta_path]
            print([names.count('AliasFinder'), names.count('MountFinder'), names[0], names[-1]])
        """
        self.assertEqual(support.small().code(code), "[1, 1, 'AliasFinder', 'MountFinder']")

    def test_a_finder_of_the_same_name_but_not_ours_does_not_hinder(self):
        code = """
            import sys

            class AliasFinder(object):
                def find_spec(self, name, path=None, target=None):
                    return None

                def find_module(self, name, path=None):
                    return None

            sys.meta_path.append(AliasFinder())
            import channels_backport
            channels_backport.install()
            import channels
            print(channels.__name__)
        """
        self.assertEqual(support.bare().code(code, path=[support.backport()]), 'django.channels')

    def test_errors_of_our_modules_come_through_and_leave_nothing(self):
        code = """
            import sys
            for prefix in ('channels', 'django.channels'):
                for name, kind, text in [
                    ('broken_value', ValueError, 'broken on purpose'),
                    ('broken_import', ImportError, 'a_module_that_nobody_has'),
                    ('missing', ImportError, 'missing'),
                ]:
                    for attempt in range(2):
                        try:
                            __import__(prefix + '.' + name)
                        except Exception as error:
                            assert isinstance(error, kind) and text in str(error), error
                        else:
                            raise AssertionError(name)
                        assert not [left for left in sys.modules if left.endswith('.' + name)]
            print('clean')
        """
        self.assertEqual(support.small().code(code), 'clean')

    def test_an_error_in_the_package_itself_leaves_no_alias(self):
        environment = support.link_checkout(support.make_checkout({'__init__.py': '1 / 0\n'}))
        code = """
            import sys
            for attempt in range(2):
                try:
                    import channels
                except ZeroDivisionError:
                    print([name for name in ('channels', 'django.channels') if name in sys.modules])
        """
        self.assertEqual(environment.code(code).split('\n'), ['[]', '[]'])

    def test_a_missing_django_is_named(self):
        environment = support.Environment('no-django')
        environment.unpack(support.wheel())
        shutil.rmtree(environment.django)
        for name in ('channels', 'channels.names', 'django.channels'):
            finished = environment.run('-c', 'import ' + name)
            self.assertRegex(finished.errors, "ImportError|ModuleNotFoundError")
            self.assertRegex(finished.errors, "No module named '?django'?")

    def test_looking_for_a_submodule_as_django_does_finds_real_ones_only(self):
        code = """
            from django.utils.module_loading import module_has_submodule
            import channels, django.channels
            print([module_has_submodule(channels, name) for name in ('sub', 'compat', 'base', 'missing')])
        """
        self.assertEqual(support.small().code(code), '[True, True, True, False]')

    if str is bytes:
        assertRegex = unittest.TestCase.assertRegexpMatches
