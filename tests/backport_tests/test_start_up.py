"""The files that Python reads when it starts."""
from __future__ import absolute_import

import os
import unittest

from . import support


def read(name):
    with open(os.path.join(support.backport(), name)) as file:
        return file.read()


class StartUpTests(unittest.TestCase):

    def test_the_canonical_name_works_first_in_a_bare_interpreter(self):
        for options in ([], ['-E'], ['-I'] if str is not bytes else []):
            command = [support.installed().python] + options
            output = support.succeed(command + ['-c', 'from django.channels import Channel; print(Channel.__name__)'])
            self.assertEqual(output, 'Channel')

    def test_the_file_is_one_line_and_has_the_name_of_its_successor(self):
        self.assertEqual(len(read('zz_channels_backport.pth').splitlines()), 1)
        self.assertTrue(read('zz_channels_backport.pth').startswith('import '))
        self.assertEqual(read('zz_channels_backport.start').strip(), 'channels_backport:install')

    def test_the_line_may_run_twice(self):
        code = """
            import sys
            for turn in range(2):
                exec(%r)
            names = [type(finder).__name__ for finder in sys.meta_path]
            print([names.count('AliasFinder'), names.count('MountFinder')])
        """
        self.assertEqual(support.installed().code(code % read('zz_channels_backport.pth')), '[1, 1]')

    def test_a_left_over_file_is_silent(self):
        environment = support.Environment('stale')
        support.write(environment.site_packages, {'zz_channels_backport.pth': read('zz_channels_backport.pth')})
        finished = environment.run('-c', 'print("started")')
        self.assertEqual((finished.output.strip(), finished.errors), ('started', ''))
