"""One set of module objects, wherever it lies and whatever is imported first."""
from __future__ import absolute_import

import unittest

import pytest

from . import support

SAME = """
    import %s
    import importlib, inspect, os, sys
    import channels, django.channels

    def same(name):
        real, alias = 'django.channels' + name, 'channels' + name
        %s
        module = sys.modules[real]
        assert module is sys.modules[alias], alias
        assert module.__name__ == real, module.__name__
        assert inspect.getmodule(module) is module
        is_package = os.path.basename(module.__file__).startswith('__init__.')
        assert hasattr(module, '__path__') == is_package, name
        assert module.__package__ in (real if is_package else real.rpartition('.')[0], None), module.__package__
        if sys.version_info >= (3,):
            assert module.__spec__.name == real, module.__spec__
            assert module.__spec__.has_location, module.__spec__
            assert module.__loader__ is module.__spec__.loader
        parent, _, last = alias.rpartition('.')
        if parent:
            assert getattr(sys.modules[parent], last) is module

    for name in ['', '.exceptions', '.names', '.layers', '.layers.base', '.compat', '.management.commands']:
        same(name)

    from channels import Channel, Group
    assert Channel is django.channels.Channel and Group is django.channels.Group
    assert Channel.__module__ == 'django.channels.channel', Channel.__module__
    assert inspect.getsource(Channel).startswith('class Channel('), inspect.getsource(Channel)

    files = {}
    for name, module in list(sys.modules.items()):
        if name.split('.')[0] == 'channels' or name.startswith('django.channels'):
            if getattr(module, '__file__', None):
                files.setdefault(module.__file__, set()).add(id(module))
    assert all(len(modules) == 1 for modules in files.values()), files
    print('same')
"""
REAL_FIRST = 'importlib.import_module(real); importlib.import_module(alias)'
ALIAS_FIRST = 'importlib.import_module(alias); importlib.import_module(real)'


@pytest.mark.once_for_python
class SameObjectTests(unittest.TestCase):

    def test_every_place_and_order_gives_the_same_objects(self):
        for place in sorted(support.PLACES):
            environment, path, start = support.PLACES[place]()
            for first, order in [('channels', ALIAS_FIRST), ('django.channels', REAL_FIRST)]:
                output = environment.code(SAME % (first, order), start=start, path=path)
                self.assertEqual((place, first, output), (place, first, 'same'))

    def test_each_place_has_its_own_files(self):
        code = 'import channels, channels.compat; print(channels.__file__); print(channels.compat.__file__)'
        for place, begin in [
            ('wheel', support.installed().site_packages + '/channels_backport/_bundle/channels/'),
            ('checkout', support.checkout()),
            ('zip', support.wheel() + '/channels_backport/_bundle/channels/'),
            ('patched Django', support.patched().django + '/channels/'),
        ]:
            environment, path, start = support.PLACES[place]()
            package, compat = environment.code(code, start=start, path=path).splitlines()
            self.assertTrue(package.startswith(begin), package)
            self.assertTrue(compat.startswith(begin), compat)

    def test_without_a_start_up_file_channels_comes_first(self):
        for path in (support.backport(), support.wheel()):
            code = 'import channels; from django.channels import Channel; print(Channel is channels.Channel)'
            self.assertEqual(support.bare().code(code, path=[path]), 'True')

    def test_the_hook_imports_no_django(self):
        code = """
            import sys
            print([name in sys.modules for name in ('channels_backport', 'channels', 'django')])
        """
        self.assertEqual(support.installed().code(code), '[True, False, False]')

    def test_a_folder_without_init_is_no_mount(self):
        environment = support.link_checkout(support.make_checkout({'base.py': ''}))
        finished = environment.run('-c', 'import django.channels')
        self.assertIn('No module named', finished.errors)

    def test_circular_imports_see_what_is_there_already(self):
        for name in ('channels', 'django.channels'):
            code = 'import %s.circle_a; from channels.circle_a import B; print(B)' % name
            self.assertEqual(support.small().code(code), 'b')
