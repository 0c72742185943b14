"""
Layers of imports in each source folder: downwards only, and without circles.
"""
import unittest

from .modules import absolute_imports, circles, compat_modules, foreign_names, package_modules, relative_imports
from .sources import FILES, TREES, name as shown

#: The level of each module, or of each folder that isn't listed in detail.
#: Imports go to a lower level, or stay inside one folder.
LEVELS = {
    # The old place of `test`, under a warning.
    'tests': 9,
    'management': 8, 'apps': 8, 'test': 8,
    'worker': 7, 'tasks': 6, 'task_checks': 7, 'interfaces.wsgi': 7, 'monitoring': 7,
    'consumption': 2, 'mounts': 2, 'request_log': 3, 'tracing': 1,
    'dispatch': 6, 'held_messages': 5, 'failures': 2, 'order_watch': 2, 'stop_signals': 1, 'prefetch': 6,
    'in_progress': 1, 'periodic': 1, 'presence': 2, 'fingerprints': 2, 'in_flight': 1, 'limits': 2, 'processes': 7,
    'shared_sockets': 1,
    'generic': 6, 'binding': 6, 'schedules': 6, 'delay': 6, 'staticfiles': 6, 'interfaces': 6, 'handler': 6,
    # The command of an app is built as those of the package are.
    'delay.management': 9,
    # What the class-based consumers are decorated with.
    'session_stores': 4, 'decorators': 2, 'waiting_room': 5, 'channel_sessions': 5, 'ordering': 5, 'sessions': 5,
    'auth': 5, 'socket_users': 5,
    'security': 5,
    'http': 5,
    'message': 4,
    'channel': 3, 'checks': 3, 'asgi': 3, 'package_checks': 3,
    'outbox': 3,
    # Where sends go that an outbox has delivered.
    'prefetch.coalescer': 2, 'prefetch.failure_log': 2,
    # The registry of the layers reads the settings; the layers don't.
    'layers': 2, 'layers.registry': 2, 'layers.*': 1, 'routing': 1, 'signals': 1, 'conf': 1, 'log': 1,
    # Async code, each module below what hands over to it.
    'asynchronous': 1, 'asynchronous.bridging': 2, 'asynchronous.watch': 2, 'asynchronous.running': 2,
    'asynchronous.interruption': 2, 'asynchronous.coroutine_tasks': 3, 'asynchronous.generic': 4,
    'asynchronous.pieces': 3, 'asynchronous.views': 4, 'asynchronous.consuming': 5,
    'filters': 1, 'retries': 1, 'task_results': 1, 'acknowledged_options': 0, 'durations': 0, 'setting_checks': 2,
    'names': 0, 'app_names': 2, 'histograms': 0, 'headers': 0, 'utils': 0, 'exceptions': 0, 'compat': 0,
}

#: Steps to the side that are meant, and why.
ALLOWED = {
    # The live server of tests runs what the command runs.
    ('test.live_threads', 'management.static_files'),
    ('test.liveserver', 'management.servers'),
    ('test.pytest_plugin', 'management.servers'),
    # A thread that looks again and again is no layer, and needs the clock.
    ('layers.redis.masters', 'periodic'),
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
        self.assertEqual(circles(graph), set())

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
        self.assertEqual([key for key in LEVELS if not used(key)], [])
        names = {(name, imported.module) for name, path in MODULES.items()
                 for imported in relative_imports(name, path, KNOWN)}
        self.assertEqual(ALLOWED - names, set())


#: The levels of the other folders: name of a module, or of a folder with all
#: in it that isn't listed itself -> level. '' is the package.
OTHER_LEVELS = {
    'interface server': {
        '__main__': 9,
        'cli': 8, 'embedded': 8, 'asgi': 8,
        'check': 7,
        'arguments': 6, 'operation.server': 6,
        'operation.management': 5,
        'protocols': 4,
        'app': 3, 'protocols.connections': 3,
        'app.proxy_headers': 2, 'layers': 2,
        'misspelling': 1, 'operation': 1, 'protocols.requests': 1, 'protocols.tls': 1, 'protocols.ws.close_codes': 1,
        'protocols.ws.keepalive': 1, 'protocols.ws.unread': 1, 'types': 1,
        '': 0, 'backport': 0, 'errors': 0, 'operation.metrics': 0,
        'option_help': 0, 'options': 0,
        'protocols.turns': 0,
    },
    'backport': {
        'channels': 3,
        'channels_backport': 2,
        'channels_backport.alias': 1, 'channels_backport.shims': 1,
        'channels_backport.conflict': 1,
        'channels_backport.mount': 0,
    },
    'harness': {
        'cli': 7,
        'joint': 6, 'peers': 6, 'servers': 6, 'sources': 6, 'suite': 6, 'through_channels': 6, 'workshop': 6,
        'bench': 5, 'steps': 5,
        'programs': 4,
        'environments': 3, 'labels': 3, 'node': 3, 'requirements': 3,
        'packages': 2, 'report': 2,
        '': 0, 'cache': 0, 'interpreters': 0, 'pairs': 0, 'process': 0, 'results': 0,
        # Programs, which are started and not imported.
        'run_through_channels': 0, 'spelling': 0, 'django_docs': 0,
    },
}

#: What a folder may import of Django: the beginnings of dotted names.
DJANGO_IN = {
    'backport': {'backport/channels/__init__.py': ('django.channels',)},
    'interface server': {
        # The shared parts; any process can load them without settings.
        'interface_server/': (
            'django.channels.exceptions', 'django.channels.histograms', 'django.channels.interfaces.',
            'django.channels.layers.', 'django.channels.names',
        ),
        'interface_server/interface_server/backport.py': ('django.channels',),
        'interface_server/interface_server/operation/layer_metrics.py': ('django.channels.monitoring',),
        'interface_server/interface_server/app/server_spans.py': (
            'django.channels.tracing.carriers', 'django.channels.tracing.sampling'),
        'interface_server/interface_server/layers/owner.py': ('django.channels.fingerprints',),
    },
    # A program, which patches Django's test client in its own process.
    'harness': {'tests/harness/run_through_channels.py': ('django.',)},
}


class OtherFolderTests(unittest.TestCase):
    """The interface server, the backport and the harness, each by its table."""
    maxDiff = None

    def graph(self, folder):
        """Return {module: Imports} of a folder."""
        modules = TREES[folder].modules
        return {module: [
            imported for imported in relative_imports(module, path, set(modules)) if imported.module in modules
        ] for module, path in modules.items()}

    def level(self, folder, module):
        table, parts = OTHER_LEVELS[folder], module.split('.') if module else []
        for length in range(len(parts), -1, -1):
            key = '.'.join(parts[:length])
            if key in table and (key or not module):
                return table[key]
        raise AssertionError('The module %s of the %s has no level: add it to OTHER_LEVELS.' % (module, folder))

    def test_imports_go_downwards(self):
        found = set()
        for folder in OTHER_LEVELS:
            for module, imports in self.graph(folder).items():
                for imported in imports:
                    target, mine = imported.module, self.level(folder, module)
                    its = self.level(folder, target)
                    aside = its == mine and '.' in module and module.split('.')[0] == target.split('.')[0]
                    if target != module and its >= mine and not aside:
                        found.add('%s: %s imports %s' % (folder, module, target))
        self.assertEqual(found, set())

    def test_imports_make_no_circle(self):
        found = set()
        for folder in OTHER_LEVELS:
            graph = {module: {item.module for item in imports} for module, imports in self.graph(folder).items()}
            found.update('%s: %s' % (folder, module) for module in circles(graph))
        self.assertEqual(found, set())

    def test_every_entry_of_the_tables_is_needed(self):
        for folder, table in OTHER_LEVELS.items():
            modules = TREES[folder].modules
            self.assertEqual([
                key for key in table if not any(module == key or module.startswith(key + '.') for module in modules)
            ], [], folder)

    def test_django_is_imported_where_it_belongs_alone(self):
        wrong = []
        for folder, allowed in DJANGO_IN.items():
            for path in FILES[folder]:
                beginnings = [item for place, items in allowed.items() if shown(path).startswith(place)
                              for item in items]
                wrong += [
                    '%s:%d imports %s' % (shown(path), line, imported) for imported, line in foreign_names(path)
                    if imported.split('.')[0] in ('django', 'channels') and not imported.startswith(tuple(beginnings))
                ]
        self.assertEqual(wrong, [])

    def test_compat_imports_django_and_the_standard_library_alone(self):
        ours = ('channels', 'channels_backport', 'compat', 'interface_server', 'django_patch', 'django.channels')
        self.assertEqual([
            '%s:%d imports %s' % (shown(path), line, imported) for path in FILES['compat']
            for imported, line in foreign_names(path)
            if any((imported + '.').startswith(item + '.') for item in ours)
        ], [])
