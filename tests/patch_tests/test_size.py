"""
Bounds of size and complexity, names used once, and language, in all sources.
"""
import ast
import collections
import re
import unittest

from radon.complexity import cc_visit

from .modules import parse
from .sources import DISTRIBUTIONS, SOURCES, lines_of, name

MODULE_LINES = 300
FUNCTION_LINES = 60
#: From here on radon's grade is D.
COMPLEXITY = 20

#: Public classes that share a name with another one, and why.
SAME_CLASS = {
    'Migration': 'Django looks for a class of this name in each migration.',
    'Command': 'Django looks for a class of this name in each command.',
    'Client': "The test client has its name from Channels 1.x; the HTTP one is the peer of a request's worker.",
}

#: Modules that share a name with another one, and why.
SAME_MODULE = {
    '__init__': 'Each package has one.',
    'apps': 'Django looks for the configuration of an app there.',
    'management': 'Django looks for the commands of an app there.',
    'commands': 'Django looks for the commands of an app there.',
    'models': 'Django looks for the models of an app there.',
    'migrations': 'Django looks for the migrations of an app there.',
    '0001_initial': 'The name that Django gives the first migration of an app.',
    'consumers': 'The name that applications give the module of their consumers.',
    'routing': 'The name that applications give the module of their routes, and channels.routing of 1.x.',
    'channels': 'The name that the backport gives the package.',
    'base': 'The base classes of one folder, as in Django; the paths are those of Channels 1.x.',
    'websockets': 'The WebSocket part of one folder; the paths are those of Channels 1.x.',
    'handler': 'channels.handler is the path of Channels 1.x to http.handler.',
    'http': 'channels.test.http is a path of Channels 1.x.',
    'client': 'The side of a client, of requests over a layer and in tests.',
    'websocket': 'The protocol in messages; channels.test.websocket is a path of Channels 1.x.',
    'wsgi': 'interfaces.wsgi is a path of Channels 1.x; compat.wsgi goes with the deprecation.',
    'runserver': 'The command, and the functions that other commands of this name call.',
    'layer': 'The layer class of one folder.',
    'groups': 'The groups of the in-memory layer, and those of the transport.',
    'statistics': 'The counters of the in-memory layer, and those of the transport.',
    'clock': 'compat.clock has what differs between Pythons, layers.clock the class.',
    'layers': 'The layers themselves, and the option that the commands share.',
    'servers': 'The servers of Redis, and the servers that runserver can start.',
    'generic': 'The classes of Channels 1.x, and their asynchronous counterparts.',
    'sending': 'The sends of a consumer that is a coroutine, and those of the transport.',
    'inspection': 'The contract, and its part in each layer.',
    'presence': 'The contract, its part in each layer, and the thread of a process that has one.',
    'connection': 'A connection to Redis, and one of a client.',
    'lifecycle': "The states of one protocol's connection, in the folder of the protocol.",
    'protocol': "One protocol's connection as asyncio calls it, in the folder of the protocol.",
}

#: "is no route" where "is not a route" is meant; "there is no route" is right.
IS_NO = re.compile(r'(?<!here )\bis no [a-z]')

#: What is still too large, to be taken out one by one.
KNOWN = {
    'module': set(),
    'function': set(),
    'complexity': set(),
}


def functions(path):
    """Yield the name and the node of each function of a file."""
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield '%s %s' % (name(path), node.name), node


def complexities(path):
    """Yield (name, complexity, number of the first line) of each function and method of a file."""
    seen = set()
    for block in cc_visit(path.read_text(encoding='utf-8')):
        for part in [block] + list(getattr(block, 'methods', [])):
            if not hasattr(part, 'methods') and part.lineno not in seen:
                seen.add(part.lineno)
                yield '%s %s' % (name(path), part.name), part.complexity, part.lineno


class SizeTests(unittest.TestCase):
    maxDiff = None

    def assertKnown(self, kind, found):
        """Fail for what is new, and for what KNOWN has and isn't found any more."""
        self.assertEqual(set(found), KNOWN[kind])

    def test_no_module_is_longer_than_300_lines(self):
        self.assertKnown('module', [name(path) for path in SOURCES if len(lines_of(path)) - 1 > MODULE_LINES])

    def test_no_function_is_longer_than_60_lines(self):
        self.assertKnown('function', [
            place for path in SOURCES for place, node in functions(path)
            if node.end_lineno - node.lineno + 1 > FUNCTION_LINES
        ])

    def test_complex_functions_say_why(self):
        # A comment behind or above the line of the definition.
        def says_why(path, line):
            return any('# complexity: ' in text for text in lines_of(path)[max(0, line - 3):line])
        self.assertKnown('complexity', [
            place for path in SOURCES for place, complexity, line in complexities(path)
            if complexity > COMPLEXITY and not says_why(path, line)
        ])


class NameTests(unittest.TestCase):
    maxDiff = None

    def repeated(self, names):
        """Return the dictionary of the names that several files have: name -> files."""
        places = collections.defaultdict(list)
        for found, path in names:
            places[found].append(name(path))
        return {found: paths for found, paths in places.items() if len(paths) > 1}

    def classes(self, paths):
        return self.repeated(
            (node.name, path) for path in paths for node in parse(path).body
            if isinstance(node, ast.ClassDef) and not node.name.startswith('_')
        )

    def modules(self, paths):
        return self.repeated((path.parent.name if path.stem == '__init__' else path.stem, path) for path in paths)

    def test_public_classes_of_one_distribution_have_names_of_their_own(self):
        found = {}
        for paths in DISTRIBUTIONS.values():
            found.update(self.classes(paths))
        self.assertEqual({key: paths for key, paths in found.items() if key not in SAME_CLASS}, {})
        self.assertEqual(set(SAME_CLASS) - set(found), set(), 'no reason is needed any more')

    def test_modules_of_one_distribution_have_names_of_their_own(self):
        found = {}
        for paths in DISTRIBUTIONS.values():
            found.update(self.modules(paths))
        self.assertEqual({key: paths for key, paths in found.items() if key not in SAME_MODULE}, {})
        self.assertEqual(set(SAME_MODULE) - set(found) - {'__init__'}, set(), 'no reason is needed any more')


#: Words that this project once used, home-made or out of use, and what it says.
RETIRED = {
    'in hand': 'in flight', 'given back': 'requeued', 'gives back': 'requeues', 'anew': 'again, or a verb with re-',
    'lest': 'so that ... not', 'befalls': 'happens to', 'whoever': 'the caller, the client, ...',
    'in vain': 'without success', 'mourns': 'logs',
}


class LanguageTests(unittest.TestCase):
    """Prose, as far as a program can judge it; the rest is in CONTRIBUTING.md."""
    maxDiff = None

    def test_docstrings_of_modules_name_their_thing(self):
        question = re.compile(r'(What|How|Where|Who|Whose|When|Which)\b')
        self.assertEqual(
            [name(path) for path in SOURCES if question.match(ast.get_docstring(parse(path)) or '')], [],
        )

    def test_retired_words_are_not_used(self):
        pattern = re.compile(r'\b(%s)\b' % '|'.join(RETIRED), re.I)
        self.assertEqual([
            '%s:%d has "%s"; say: %s' % (name(path), number, match.group(), RETIRED[match.group().lower()])
            for path in SOURCES for number, line in enumerate(lines_of(path), 1)
            for match in pattern.finditer(line)
        ], [])

    def test_texts_say_is_not(self):
        self.assertEqual([
            '%s:%d' % (name(path), node.lineno) for path in SOURCES for node in ast.walk(parse(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and IS_NO.search(node.value)
        ], [])
