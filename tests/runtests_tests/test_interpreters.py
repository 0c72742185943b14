"""Interpreters are found by running them, never by the name of a file."""
import pathlib
import stat
import sys
import tempfile
import unittest

from harness import interpreters
from harness.packages import BUILDERS


class FindTests(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environ = {'PYENV_ROOT': str(self.folder / 'pyenv'), 'PATH': str(self.folder / 'bin')}

    def program(self, name, script):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\n%s\n' % script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def test_a_shim_without_a_version_behind_it_is_no_interpreter(self):
        shim = self.program('bin/python2.7', 'echo "pyenv: python2.7: command not found" >&2; exit 127')
        self.assertIsNone(interpreters.probe(shim))
        self.assertNotIn('2.7', interpreters.find(self.environ))

    def test_what_does_not_exist_is_no_interpreter(self):
        self.assertIsNone(interpreters.probe(str(self.folder / 'python3')))

    def test_this_very_python_is_found_though_path_is_empty(self):
        found = interpreters.find(self.environ)
        self.assertEqual(found['%d.%d' % sys.version_info[:2]].version, sys.version_info[:3])

    def test_each_python_that_may_run_this_builds_wheels(self):
        self.assertEqual(
            sorted(BUILDERS, key=float), sorted(interpreters.KNOWN[interpreters.KNOWN.index('3.9'):], key=float))

    def test_the_version_that_runs_counts_not_the_name(self):
        self.program('bin/python3.9', 'echo 3.8.18')
        found = interpreters.find(self.environ)
        self.assertEqual(found['3.8'].version, (3, 8, 18))
        self.assertFalse('3.9' in found and found['3.9'].executable.startswith(self.environ['PATH']))

    def test_the_newest_patch_release_is_taken(self):
        self.program('pyenv/versions/2.7.9/bin/python', 'echo 2.7.9')
        newest = self.program('pyenv/versions/2.7.18/bin/python', 'echo 2.7.18')
        self.program('bin/python2.7', 'echo 2.7.16')
        self.assertEqual(interpreters.find(self.environ)['2.7'], interpreters.Interpreter((2, 7, 18), newest))

    def test_a_version_that_we_do_not_know_is_left_alone(self):
        self.program('bin/python3', 'echo 3.2.1')
        self.assertNotIn('3.2', interpreters.find(self.environ))

    def test_a_program_that_is_not_python_is_no_interpreter(self):
        self.assertIsNone(interpreters.probe(self.program('bin/python3', 'echo hello')))
