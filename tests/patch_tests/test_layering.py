"""
Who may import whom inside the package: downwards only.
"""
import unittest

from .modules import absolute_imports, compat_modules, package_modules, relative_imports

#: The level of each module, or of each folder that isn't listed in detail.
#: Imports go to a lower level, or stay inside one folder.
LEVELS = {
    # The old place of `test`, under a warning.
    'tests': 9,
    'management': 8, 'apps': 8, 'test': 8,
    'worker': 7, 'interfaces.wsgi': 7,
    'dispatch': 6, 'prefetch': 6,
    'generic': 6, 'binding': 6, 'delay': 6, 'staticfiles': 6, 'interfaces': 6, 'handler': 6,
    # The command of an app is built as those of the package are.
    'delay.management': 9,
    # What the class-based consumers are decorated with.
    'session_stores': 4, 'channel_sessions': 5, 'ordering': 5, 'sessions': 5, 'auth': 5, 'security': 5,
    'http': 5,
    'message': 4,
    'channel': 3, 'checks': 3, 'asgi': 3, 'package_checks': 3,
    'outbox': 3,
    # Where sends go that an outbox has delivered.
    'prefetch.coalescer': 2,
    # The registry of the layers reads the settings; the layers don't.
    'layers': 2, 'layers.registry': 2, 'layers.*': 1, 'routing': 1, 'signals': 1, 'conf': 1, 'log': 1, 'decorators': 1,
    'filters': 1,
    'names': 0, 'headers': 0, 'utils': 0, 'exceptions': 0, 'compat': 0,
}

#: Steps to the side that are meant, and why.
ALLOWED = {
    # The live server of tests runs what the command runs.
    ('test.liveserver', 'management.runserver'),
    ('test.liveserver', 'management.servers'),
    # A binding's frames are those of a multiplexer.
    ('binding.websockets', 'generic.websockets'),
}

#: What a process that only uses a layer must not have to load.
FORBIDDEN_FOR_LAYERS = ('django.conf', 'django.http', 'django.core.handlers', 'django.db', 'django.apps')


def level(name):
    """Return the level of a module."""
    if name.startswith('layers.') and name not in LEVELS:
        return LEVELS['layers.*']
    parts = name.split('.')
    for length in range(len(parts), 0, -1):
        key = '.'.join(parts[:length])
        if key in LEVELS:
            return LEVELS[key]
    raise AssertionError('The module %s has no level: add it to LEVELS, as DESIGN orders them.' % name)


def folder(name):
    """Return the folder below the package that a module lies in; '' for the package's own modules."""
    return name.split('.')[0] if '.' in name or name in PACKAGES else ''


MODULES = package_modules()
COMPAT_MODULES = compat_modules()
KNOWN = set(MODULES) | set(COMPAT_MODULES)
PACKAGES = {name for name, path in MODULES.items() if path.stem == '__init__'}


class LayeringTests(unittest.TestCase):

    def test_imports_go_downwards(self):
        wrong = []
        for name, path in sorted(MODULES.items()):
            if not name:
                continue
            for imported in relative_imports(name, path, KNOWN):
                target = imported.module
                where = '%s:%d imports %s' % (path, imported.line, target or 'the package itself')
                if not target:
                    # Its own imports would run first: a circle.
                    wrong.append(where)
                elif level(target) < level(name) or (name, target) in ALLOWED:
                    continue
                elif level(target) > level(name) or folder(target) != folder(name):
                    wrong.append(where)
        self.assertEqual(wrong, [])

    def test_the_package_offers_only_what_sending_and_routing_need(self):
        for imported in relative_imports('', MODULES[''], KNOWN):
            self.assertLessEqual(level(imported.module), 3, imported)

    def test_imports_make_no_circle(self):
        graph = {
            name: {imported.module for imported in relative_imports(name, path, KNOWN)} - {name}
            for name, path in MODULES.items()
        }
        # Take away what imports nothing that is left, until nothing is left.
        while graph:
            done = {name for name, targets in graph.items() if not targets & set(graph)}
            self.assertTrue(done, 'These modules import each other: %s' % sorted(graph))
            graph = {name: targets for name, targets in graph.items() if name not in done}

    def test_layers_need_neither_settings_nor_http(self):
        wrong = [
            '%s:%d imports %s' % (path, imported.line, imported.module)
            for name, path in MODULES.items()
            if name.startswith('layers.') and level(name) == 1 or name in ('names', 'exceptions')
            for imported in absolute_imports(path) if imported.module.startswith(FORBIDDEN_FOR_LAYERS)
        ]
        self.assertEqual(wrong, [])

    def test_compat_imports_nothing_of_ours(self):
        wrong = []
        for name, path in sorted(COMPAT_MODULES.items()):
            for imported in relative_imports(name, path, KNOWN):
                if not imported.module.startswith('compat'):
                    wrong.append('%s:%d imports %s' % (path, imported.line, imported.module))
        self.assertEqual(wrong, [])

    def test_every_entry_of_the_table_is_needed(self):
        def used(key):
            return any(name == key or name.startswith(key.rstrip('*') + ('' if key.endswith('*') else '.'))
                       for name in KNOWN)
        # Parts of the design that are still to come.
        planned = {'interfaces.wsgi', 'generic', 'binding', 'delay'}
        self.assertEqual([key for key in LEVELS if not used(key) and key not in planned], [])
        names = {(name, imported.module) for name, path in MODULES.items()
                 for imported in relative_imports(name, path, KNOWN)}
        self.assertEqual(ALLOWED - names, set())
