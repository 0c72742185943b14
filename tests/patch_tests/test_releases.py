"""
Versions, changelogs and metadata of the two distributions: they agree.
"""
import re
import unittest

from .support import CHECKOUT, PACKAGE

from harness import interpreters, pairs  # isort:skip  support makes it importable


def read(*parts):
    return CHECKOUT.joinpath(*parts).read_text(encoding='utf-8')


def version(path):
    """Return the __version__ that a file defines."""
    return re.search(r'''^__version__ = ["']([^"']+)["']$''', path.read_text(encoding='utf-8'), re.M).group(1)


VERSIONS = {
    'CHANGES.rst': version(PACKAGE / '__init__.py'),
    'interface_server/CHANGES.rst': version(CHECKOUT / 'interface_server' / 'interface_server' / '__init__.py'),
}


class ReleaseTests(unittest.TestCase):

    def test_the_changelog_begins_with_the_version(self):
        for path, current in VERSIONS.items():
            heading = re.search(r'^(\d[\w.]*)(?: \((.+)\))?\n[=-]+$', read(path), re.M)
            self.assertEqual(heading.group(1), current, path)
            self.assertRegex(heading.group(2) or '', r'^(unreleased|\d{4}-\d\d-\d\d)$', path)

    def test_code_of_the_1_x_family_can_compare_the_version(self):
        current = VERSIONS['CHANGES.rst']
        # As text and as numbers, by whatever code of the family compares it.
        self.assertTrue('1.1.8' < current < '2')
        self.assertTrue((1, 1, 8) < tuple(int(part) for part in current.split('.')) < (2,))

    def test_classifiers_name_each_django_and_python_that_is_tested(self):
        for path, wanted in (('setup.py', interpreters.KNOWN), ('interface_server/pyproject.toml', None)):
            found = set(re.findall(r'''["'](?:Framework :: Django|Programming Language :: Python) :: ([\d.]+)["']''',
                                   read(path)))
            self.assertLessEqual(set(pairs.DJANGO_RELEASES), found, path)
            modern = [item for item in interpreters.KNOWN if len(item) > 3 or item == '3.9']
            self.assertLessEqual(set(wanted or modern), found, path)

    def test_links_of_the_servers_readme_work_where_there_is_no_checkout(self):
        self.assertEqual(re.findall(r'\]\((?!https?:|#)[^)]+\)', read('interface_server', 'README.md')), [])

    def test_links_into_the_repository_lead_somewhere(self):
        for path in ('interface_server/README.md', 'interface_server/pyproject.toml', 'setup.py'):
            for target in re.findall(r'/blob/main/([\w./-]+\.\w+)', read(path)):
                self.assertTrue((CHECKOUT / target).exists(), '%s: %s' % (path, target))
