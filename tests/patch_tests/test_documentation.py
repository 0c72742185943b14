"""
The documentation for users: complete, without dead links, and valid Python.
"""
import ast
import doctest
import re
import textwrap
import unittest

from .support import CHECKOUT, PACKAGE, PATCH_SET

DOCS = CHECKOUT / 'docs'
PAGES = sorted(DOCS.rglob('*.txt')) + sorted((PATCH_SET / 'docs').rglob('*.txt'))


def read(path):
    return path.read_text(encoding='utf-8')


def python_blocks(path):
    """Yield (line, code) of each block of a page that is Python."""
    if path.suffix == '.md':
        found = re.finditer(r'^```python\n(.*?)^```$', read(path), re.M | re.S)
    else:
        # Code in other languages has a directive that says so.
        found = re.finditer(r'^(?!\.\. ).*::\n\n(( +)\S.*\n(?:\2.*\n|\n)*)', read(path), re.M)
    for match in found:
        yield read(path)[:match.start()].count('\n') + 1, textwrap.dedent(match.group(1))


class DocumentationTests(unittest.TestCase):

    def test_the_reference_names_each_page(self):
        reference = read(DOCS / 'reference.txt')
        for path in (PATCH_SET / 'docs').rglob('*.txt'):
            if path.name != 'index.txt':
                self.assertIn('``%s``' % path.relative_to(PATCH_SET / 'docs').as_posix(), reference)

    def test_the_reference_has_each_setting_with_its_default(self):
        settings = re.findall(r"_quick\('(CHANNELS?_\w+)', ([^)]+)\)", read(PACKAGE / 'conf.py'))
        self.assertGreater(len(settings), 5)
        for name, default in settings:
            self.assertIn('\n``%s`` (default: ``%s``)\n' % (name, default), read(DOCS / 'reference.txt'))

    def test_the_patch_set_has_each_number_that_an_option_defaults_to(self):
        text = read(PATCH_SET / 'patches' / '0009-docs-commands.patch')
        count = 0
        for path in ('management/worker_options.py', 'management/runserver.py'):
            for option, default in re.findall(r"'(--\w+)', dest='\w+', type=int, default=(\d+)", read(PACKAGE / path)):
                count += 1
                section = re.search(r'django-admin-option:: %s .*\n((?:\+(?!\.\.).*\n)+)' % option, text).group(1)
                self.assertRegex(section, r'(Defaults to|The[\s+]+default[\s+]+is) %s\.' % default, option)
        self.assertEqual(count, 5)

    def test_timeouts_of_requests(self):
        server = re.search(
            r'^    http_timeout: float = (\d+)', read(CHECKOUT / 'interface_server/interface_server/options.py'), re.M,
        ).group(1)
        runserver = re.search(r"'--http_timeout', .*default=(\d+)", read(PACKAGE / 'management/runserver.py')).group(1)
        told = 'within %s seconds, or within %s under ``runserver``' % (server, runserver)
        self.assertIn(told, read(DOCS / 'troubleshooting.txt'))

    def test_examples_send_once_the_socket_is_open(self):
        count = 0
        for path in PAGES:
            for block in re.findall(r'^\.\. code-block:: javascript\n\n((?:    .*\n|\n)+)', read(path), re.M):
                count += 'new WebSocket(' in block
                self.assertNotRegex(block, r'(?m)^    \w+\.send\(', path)
        self.assertGreater(count, 1)

    def test_every_link_leads_somewhere(self):
        dead = []
        for path in [CHECKOUT / 'README.md', CHECKOUT / 'SECURITY.md'] + PAGES:
            targets = re.findall(r'\]\((?!https?:)([^)#]+)', read(path)) if path.suffix == '.md' else []
            if DOCS in path.parents:
                targets += [name + '.txt' for name in re.findall(r':doc:`(?:[^`]*<)?([\w/.-]+)>?`', read(path))]
            dead += ['%s: %s' % (path.name, target) for target in targets if not (path.parent / target).exists()]
        self.assertEqual(dead, [])

    def test_the_index_leads_to_every_page(self):
        names = {path.relative_to(DOCS).with_suffix('').as_posix() for path in DOCS.rglob('*.txt')} - {'index'}
        in_reference = {name for name in names if name.startswith('reference/')}
        self.assertEqual(set(re.findall(r':doc:`([\w/-]+)`', read(DOCS / 'index.txt'))), names - in_reference)
        linked = set(re.findall(r':doc:`([\w/-]+)`', read(DOCS / 'reference.txt')))
        self.assertLessEqual(in_reference, linked)

    def test_examples_are_python(self):
        count = 0
        for path in [CHECKOUT / 'README.md'] + PAGES:
            if path.parent.name == 'standards':
                # They are for all languages.
                continue
            for line, code in python_blocks(path):
                count += 1
                if code.startswith("'"):
                    # Items of a dictionary, one a line.
                    code = re.sub(r"^('.*)$", r'{\1}', code, flags=re.M)
                elif code.startswith('>>> '):
                    code = ''.join(example.source for example in doctest.DocTestParser().get_examples(code))
                try:
                    ast.parse(code)
                except SyntaxError as error:
                    self.fail('%s:%d: %s\n%s' % (path, line, error, code))
        self.assertGreater(count, 20)
