"""
CONTRIBUTING.md: what it names exists.
"""
import re
import unittest

from .support import CHECKOUT
from .test_layering import LEVELS

TEXT = (CHECKOUT / 'CONTRIBUTING.md').read_text(encoding='utf-8')


class ContributingTests(unittest.TestCase):

    def test_the_answers_to_the_twenty_questions_exist(self):
        answers = re.findall(r'^\| … [^|]+ \| `([^`]+)` \|$', TEXT, re.M)
        self.assertEqual(len(answers), 20)
        self.assertEqual([path for path in answers if not (CHECKOUT / path).is_file()], [])

    def test_each_link_leads_somewhere(self):
        targets = re.findall(r'\]\(([^)#]+)', TEXT)
        self.assertEqual([target for target in targets if not (CHECKOUT / target).exists()], [])

    def test_the_levels_are_those_that_are_tested(self):
        levels = re.findall(r'^ (\d)  (.+)$', TEXT, re.M)
        self.assertEqual(len(levels), 9)
        for level, names in levels:
            for name in re.sub(r'\([^)]*\)', '', names).split():
                self.assertEqual(LEVELS[name], int(level), name)

    def test_the_verbs_of_commits_are_eight(self):
        verbs = re.findall(r'^\| ([A-Z]\w+) \|', TEXT, re.M)
        self.assertEqual(verbs, ['Fixed', 'Added', 'Changed', 'Moved', 'Removed', 'Documented', 'Tested', 'Refs'])
