"""The rows that lint, check types, build the documentation and spell."""
import argparse
import configparser
import pathlib
import tempfile
import unittest

from harness import labels, pairs, spelling, workshop
from harness.interpreters import Interpreter

FOUND = {'2.7': Interpreter((2, 7, 18), 'python2.7'), '3.11': Interpreter((3, 11, 7), 'python3.11')}


class RowTests(unittest.TestCase):

    def rows(self, globs=(), chosen_labels=(), found=FOUND):
        return workshop.WorkshopRun.rows(argparse.Namespace(
            interpreters=found, pairs=pairs.select(globs, found=found), labels=labels.Labels(chosen_labels),
            cache=argparse.Namespace(logs=pathlib.Path('logs'), root=pathlib.Path('cache')),
            options=argparse.Namespace(require_pairs=True),
            reporter=argparse.Namespace(progress=lambda name, text: None),
        ))

    def test_each_row_has_a_label_of_its_name(self):
        self.assertEqual(tuple(workshop.ROWS), labels.WORKSHOP)

    def test_they_are_part_of_a_run_that_is_not_of_some_other_pairs(self):
        self.assertEqual([row.name for row in self.rows()], list(labels.WORKSHOP))
        self.assertEqual(len(self.rows(['py3.11-*'])), len(labels.WORKSHOP))
        self.assertEqual(self.rows(['py2.7-*']), [])

    def test_labels_choose_among_them(self):
        self.assertEqual([row.name for row in self.rows(chosen_labels=['spelling', 'lint'])], ['lint', 'spelling'])
        self.assertEqual(self.rows(chosen_labels=['patch_tests']), [])

    def test_a_machine_whose_pythons_are_too_old_for_the_tools_fails_where_all_is_required(self):
        [row] = self.rows(chosen_labels=['lint'], found={'3.9': Interpreter((3, 9, 1), 'python3.9')})
        self.assertEqual(row.run().problem, 'the tools need a Python from 3.11 on')

    def test_each_tool_is_pinned(self):
        for requirement in workshop.TOOLS:
            self.assertRegex(requirement, r'^[\w-]+==[\d.]+$')

    def test_a_command_that_fails_is_a_test_that_failed(self):
        [row] = self.rows(chosen_labels=['lint'])
        with tempfile.TemporaryDirectory() as folder:
            run = row.step(lambda row: [(['true'], folder), (['false'], folder)])
            result = run(pathlib.Path(folder) / 'log')
        self.assertEqual((result.passed, result.failed), (1, 1))


class SpellingTests(unittest.TestCase):

    def found(self, suffix, text):
        return [word for line, piece in spelling.READERS[suffix](text) for word in spelling.words(piece)]

    def test_docstrings_comments_and_messages_are_prose(self):
        text = '"""Docstring wrod."""\n# comment wrod\nx = "wrod"\nraise ValueError("this is a wrod of mine")\n'
        self.assertEqual(self.found('.py', text).count('wrod'), 3)

    def test_code_is_not(self):
        self.assertEqual(self.found('.py', 'wrod = wrods.wrodding("wrod")  # noqa: wrod\n'), [])
        text = 'See ``wrod`` and :doc:`wrod`::\n\n    wrod\n\n.. code-block:: x\n\n  wrod\n'
        self.assertEqual(self.found('.txt', text), ['See', 'and'])
        self.assertEqual(self.found('.md', 'See `wrod`\n```\nwrod\n```\n'), ['See'])

    def test_names_as_code_has_them_are_not(self):
        self.assertEqual(self.found('.rst', 'the wrod_x, wrodX, x.wrod, --wrod, WROD, wrod2 and wrods\n'),
                         ['the', 'and', 'wrods'])

    def test_lines_are_told(self):
        pieces = [line for line, text in spelling.READERS['.py']('"""One.\n\nwrod\n"""\n') if 'wrod' in text]
        self.assertEqual(pieces, [3])


class SortingTests(unittest.TestCase):

    def test_the_name_of_the_checkout_makes_no_difference_to_imports(self):
        config = configparser.ConfigParser()
        config.read(str(workshop.CHECKOUT / 'setup.cfg'))
        self.assertEqual(config['isort']['known_third_party'], 'channels, django')
