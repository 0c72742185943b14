"""
Conventions that each source file keeps to, whichever folder it lies in.
"""
import ast
import re
import unittest

from .modules import absolute_imports, compat_modules, package_modules, parse
from .sources import FILES, SOURCES, TOOLS, lines_of, name
from .support import CHECKOUT, COMPAT, PACKAGE, run, sources

#: The files that become part of a Django.
MERGED = sorted(FILES['package'] + FILES['compat'])
#: Those that Python 2 runs as well.
OF_PYTHON_2 = [path for path in MERGED if path.parent.name != 'asynchronous'] + FILES['backport'] + TOOLS
TESTS = sources(
    CHECKOUT / 'tests' / 'patch_tests', CHECKOUT / 'tests' / 'channels_tests', CHECKOUT / 'tests' / 'backport_tests',
    CHECKOUT / 'tests' / 'runtests_tests', CHECKOUT / 'tests' / 'system', CHECKOUT / 'interface_server' / 'tests',
)
ALL = SOURCES + TESTS

#: Programs, whose output is what they are for.
PRINTING = re.compile(
    r'django_patch/(apply|compare_suites)\.py|tests/harness/(cli|spelling)\.py|'
    r'interface_server/interface_server/(cli|check)\.py'
)


def calls(path):
    """Yield (name of the function, line) of each plain call in a file."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.lineno


class ConventionTests(unittest.TestCase):
    maxDiff = None

    def assertNone(self, wrong):
        self.assertEqual(list(wrong), [])

    def test_every_module_says_what_it_owns(self):
        self.assertNone(
            name(path) for path in SOURCES
            if path.read_text(encoding='utf-8').strip() and not ast.get_docstring(parse(path))
        )

    def test_every_module_imports_absolutely_on_python_2(self):
        def starts_right(path):
            body = parse(path).body
            if not body or len(body) == 1:
                # Nothing but a docstring.
                return True
            node = body[1]
            return isinstance(node, ast.ImportFrom) and node.module == '__future__' and 'absolute_import' in [
                alias.name for alias in node.names
            ]
        self.assertNone(name(path) for path in OF_PYTHON_2 if not starts_right(path))

    def test_one_module_knows_the_bytes_of_redis(self):
        layers = [path for path in SOURCES if '/layers/' in name(path)]
        self.assertEqual({
            name(path) for path in layers for node in ast.walk(parse(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, (bytes, str)) and (
                b'\r\n' if isinstance(node.value, bytes) else '\r\n') in node.value
        }, {'django_patch/django/channels/layers/transport/resp.py'})

    def test_no_module_puts_unicode_literals_beside_all(self):
        # Python 2.7: Item in "from list" must be str.
        self.assertNone(
            name(path) for path in MERGED
            if 'unicode_literals' in path.read_text(encoding='utf-8') and re.search(
                '^__all__', path.read_text(encoding='utf-8'), re.M)
        )

    def test_the_package_imports_itself_relatively(self):
        self.assertNone(
            '%s:%d imports %s' % (name(path), imported.line, imported.module)
            for path in MERGED for imported in absolute_imports(path)
            if re.match(r'(channels|compat|channels_backport|django\.channels|django_patch)(\.|$)', imported.module)
        )

    def test_only_compat_looks_at_versions(self):
        # Python 2 or 3 is asked through six, which comes from compat.
        pattern = re.compile(
            r'\bdjango\.VERSION\b|\bget_version\(\)|\bversion_info\b|(?<!six\.)\bPY[23]\b|\bhexversion\b'
        )
        # The command's banner names the version; it decides nothing by it.
        self.assertNone(
            '%s:%d' % (name(path), number)
            for path in sources(PACKAGE) for number, line in enumerate(lines_of(path), 1)
            if pattern.search(line.replace('command.get_version()', ''))
        )

    def test_only_compat_asks_what_this_python_has(self):
        # What systems lack, such as os.fork(), stays where it is used.
        pattern = re.compile(
            r"\bEINTR\b|\bpython_implementation\b|\bsys\.implementation\b"
            r"|hasattr\([^)]*'(recvmsg_into|sendmsg|waitid|register_at_fork|freeze|isascii)'"
        )
        self.assertNone(
            '%s:%d' % (name(path), number)
            for path in sources(PACKAGE) for number, line in enumerate(lines_of(path), 1) if pattern.search(line)
        )

    def test_no_module_needs_what_newer_pythons_lost(self):
        lost = {'imp', 'distutils', 'cgi', 'asyncore', 'asynchat', 'smtpd'}
        self.assertNone(
            '%s imports %s' % (name(path), imported.module)
            for path in sources(PACKAGE) for imported in absolute_imports(path)
            if imported.module.split('.')[0] in lost or imported.module == 'django.utils.six'
        )

    def test_nothing_reads_a_format_that_can_run_code(self):
        unsafe = {'pickle', 'cPickle', 'marshal', 'shelve', 'yaml', 'dill'}
        self.assertNone(
            '%s imports %s' % (name(path), imported.module)
            for path in MERGED for imported in absolute_imports(path) if imported.module.split('.')[0] in unsafe
        )

    def test_input_is_never_asserted(self):
        self.assertNone(
            '%s:%d' % (name(path), node.lineno)
            for path in SOURCES for node in ast.walk(parse(path))
            # What mypy can't know may be asserted in the typed project.
            if isinstance(node, ast.Assert) and not (
                path in FILES['interface server'] and ast.unparse(node.test).endswith(' is not None'))
        )

    def test_no_except_is_bare(self):
        self.assertNone(
            '%s:%d' % (name(path), node.lineno)
            for path in ALL for node in ast.walk(parse(path))
            if isinstance(node, ast.ExceptHandler) and node.type is None
        )

    def test_nothing_prints_but_programs(self):
        self.assertNone(
            '%s:%d' % (name(path), line) for path in SOURCES if not PRINTING.match(name(path))
            for function, line in calls(path) if function == 'print'
        )

    def test_code_has_119_columns_and_prose_79(self):
        wrong = []
        for path in ALL:
            docstrings = set()
            for node in ast.walk(parse(path)):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
                    first = node.body[0]
                    docstrings.update(range(first.lineno, first.end_lineno + 1))
            for number, line in enumerate(lines_of(path), 1):
                # The first line of a function's docstring may be code-wide.
                prose = line.lstrip().startswith('#') or number in docstrings and not line.lstrip().startswith('"""')
                if len(line) > (79 if prose and path in MERGED else 119) and 'http' not in line:
                    wrong.append('%s:%d has %d columns' % (name(path), number, len(line)))
        self.assertNone(wrong)

    def test_no_line_ends_in_blanks_and_every_file_ends_in_a_newline(self):
        for path in ALL:
            text = path.read_text(encoding='utf-8')
            self.assertFalse(re.search(r'[ \t]$', text, re.M), name(path))
            self.assertFalse(text and not text.endswith('\n'), name(path))

    def test_nothing_is_left_to_do(self):
        # Spelled in parts, so that this file keeps to the rule.
        pattern = re.compile(r'\b(%s)\b' % '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X']))
        self.assertNone(name(path) for path in ALL if pattern.search(path.read_text(encoding='utf-8')))

    def test_no_tracked_file_names_a_folder_of_one_machine(self):
        status, listed = run(['git', '-C', CHECKOUT, 'ls-files', '-z'])
        if status:
            self.skipTest('not a git checkout: %s' % listed.strip())
        pattern = re.compile(r'(?<![\w.])/(?:root|home/\w+|work|tmp/w)/')
        wrong = []
        for tracked in listed.split('\0'):
            path = CHECKOUT / tracked
            if tracked and path.is_file():
                text = path.read_bytes().decode('utf-8', 'replace')
                wrong += ['%s: %s' % (tracked, found) for found in pattern.findall(text)]
        self.assertNone(wrong)

    def test_every_shim_says_when_it_goes(self):
        # The eras of Django but the newest, which none has ended yet; the
        # files that Django 1.10 keeps are no shims.
        eras = [path for path in sources(COMPAT) if re.match(r'django\d+$', path.stem)]
        eras.remove(max(eras, key=lambda path: int(path.stem[6]) * 100 + int(path.stem[7:])))
        self.assertTrue(eras)
        self.assertNone(
            name(path) for path in eras
            if not re.search(r'Delete when Django < \d+\.\d+ support ends', ast.get_docstring(parse(path)))
        )

    def test_every_era_offers_the_same_names(self):
        modules = {path.stem: path for path in compat_modules().values()}
        eras = {stem: self.exports(path) for stem, path in modules.items() if re.match(r'django\d+$|native$', stem)}
        for stem, names in sorted(eras.items()):
            self.assertEqual(names, eras['native'], stem)

    def exports(self, path):
        for node in parse(path).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == '__all__':
                return sorted(ast.literal_eval(node.value))
        raise AssertionError('%s has no __all__' % name(path))


class PublicNameTests(unittest.TestCase):
    """What DESIGN and the documentation promise is where they say."""

    PROMISED = {
        '': ['Channel', 'Group', 'route', 'route_class', 'include', 'channel_layers', 'DEFAULT_CHANNEL_LAYER',
             '__version__'],
        'layers.memory': ['InMemoryChannelLayer'],
        'layers.redis': ['RedisChannelLayer'],
        'layers.base': ['BaseChannelLayer'],
        'handler': ['AsgiRequest', 'AsgiHandler', 'ViewConsumer'],
        'staticfiles': ['StaticFilesConsumer', 'StaticFilesHandler'],
        'worker': ['Worker', 'WorkerGroup'],
        'signals': ['consumer_started', 'consumer_finished', 'worker_ready', 'worker_process_ready'],
        'sessions': ['channel_session', 'http_session', 'channel_and_http_session', 'enforce_ordering'],
        'auth': ['channel_session_user', 'channel_session_user_from_http', 'http_session_user', 'transfer_user'],
        'management.runserver': ['add_arguments', 'serve'],
        'management.commands.runworker': ['Command'],
        'test': ['ChannelTestCase', 'TransactionChannelTestCase', 'ChannelTestCaseMixin', 'Client', 'WSClient',
                 'HttpClient', 'apply_routes', 'ChannelLiveServerTestCase'],
        'exceptions': ['ChannelFull', 'MessageTooLarge', 'ConsumeLater', 'ResponseLater', 'RequestTimeout',
                       'RequestAborted', 'DenyConnection', 'WebsocketCloseException'],
    }

    def test_promised_names_are_defined(self):
        modules = package_modules()
        wrong = []
        for module, names in self.PROMISED.items():
            defined = set()
            for node in parse(modules[module]).body:
                if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                    defined.add(node.name)
                elif isinstance(node, ast.Assign):
                    defined.update(target.id for target in node.targets if isinstance(target, ast.Name))
                elif isinstance(node, ast.ImportFrom):
                    defined.update(alias.asname or alias.name for alias in node.names)
            wrong += ['%s.%s' % (module, promised) for promised in names if promised not in defined]
        self.assertEqual(wrong, [])
