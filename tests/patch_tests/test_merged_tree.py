"""
What a merged Django is: no dependency, no trace while CHANNEL_LAYERS is empty.

These tests start the Pythons that Django 1.10 was made for, on a merged source
tree and nothing else: no site-packages, as on a bare machine.
"""
import functools
import pathlib
import re
import shutil
import tempfile
import textwrap
import unittest

from . import support
from .support import PATCH_SET, run

#: Goes before each script: optional packages can't be imported.
BLOCKER = '''
import sys

BLOCKED = (
    'redis', 'msgpack', 'six', 'asgiref', 'daphne', 'twisted', 'autobahn', 'interface_server', 'cryptography',
    'uvicorn', 'hypercorn', 'granian', 'wsproto', 'h11', 'h2', 'channels', 'channels_backport', 'asgi_redis',
)


class Blocker(object):
    def find_module(self, name, path=None):
        if name.split('.')[0] in BLOCKED:
            raise ImportError('%s is blocked in this test' % name)


sys.meta_path.insert(0, Blocker())
'''

CONFIGURE = '''
from django.conf import settings
settings.configure(
    CHANNEL_LAYERS=%s, DEBUG=True, STATIC_URL='/static/', INSTALLED_APPS=%r, ROOT_URLCONF='urls', SECRET_KEY='x',
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}, MIDDLEWARE=[],
)
import django
django.setup()
'''

IN_MEMORY = "{'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []}}"


@functools.lru_cache()
def stock_to_run():
    """Return a tree of Django 1.10.8 in which the Pythons that import it leave what they compile."""
    return support.copy(support.pristine_tree(), support.shared_folder() / 'stock-to-run')


@functools.lru_cache()
def merged_to_run():
    """Return such a tree with the merge."""
    return support.copy(support.merged_tree(), support.shared_folder() / 'merged-to-run')


@unittest.skipUnless(support.era_pythons(), 'neither Python 2.7 nor 3.6 is on this machine')
class MergedTreeTestCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='patch-tests-'))
        (cls.folder / 'urls.py').write_text('urlpatterns = []\n')
        cls.stock, cls.merged = stock_to_run(), merged_to_run()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(str(cls.folder))

    def run_script(self, python, code, tree=None, arguments=(), blocker=True):
        """Run `code` with a bare Python on a tree; return its output."""
        script = self.folder / 'script.py'
        script.write_text((BLOCKER if blocker else '') + textwrap.dedent(code))
        status, output = run(
            [python, '-S', script] + list(arguments), cwd=str(self.folder),
            env={'PYTHONPATH': str(tree or self.merged), 'PYTHONIOENCODING': 'utf-8'},
        )
        self.assertEqual(status, 0, output)
        return output

    def on_each_python(self, code, **options):
        """Run `code` on each Python of the era; return the outputs."""
        return [self.run_script(python, code, **options) for _, python in sorted(support.era_pythons().items())]


class DependencyTests(MergedTreeTestCase):

    def test_every_module_of_the_package_is_imported_without_any_dependency(self):
        # The pages of the admin need its models, and their own app.
        contrib = ['admin', 'auth', 'contenttypes', 'sessions', 'staticfiles']
        apps = ['django.contrib.' + name for name in contrib] + ['django.channels', 'django.channels.monitoring']
        code = CONFIGURE % (IN_MEMORY, apps) + '''
        import pkgutil
        import warnings
        import django.channels
        warnings.simplefilter('ignore')
        imported = 0
        for _, name, _ in pkgutil.walk_packages(django.channels.__path__, 'django.channels.', onerror=lambda name: 0):
            try:
                __import__(name)
                imported += 1
            except ImportError as error:
                print('%s: %s' % (name, error))
        print('%d imported' % imported)
        '''.replace('\n        ', '\n')
        for output in self.on_each_python(code):
            lines = output.strip().splitlines()
            self.assertGreater(int(lines.pop().split()[0]), 50)
            # The Redis layer needs redis-py, and says so, and spans need
            # OpenTelemetry; everything else can be imported. But the shims for newer Pythons are never imported by
            # their name, and not on these; and the plugin for pytest by it alone.
            apart = ('django.channels.compat.old_django: ', 'django.channels.test.pytest_plugin: ')
            lines = [line for line in lines if not line.startswith(apart)]
            for line in lines:
                self.assertRegex(
                    line, r'^django\.channels\.(layers\.\w+: .*redis|tracing\.\w+: .*opentelemetry)')
            self.assertIn('django.channels.layers.redis', ' '.join(lines))

    def test_django_and_its_test_tools_are_imported_without_loading_channels(self):
        code = '''
        import django
        import django.test
        import django.test.utils
        import django.core.management.commands.runserver
        import django.contrib.staticfiles.management.commands.runserver
        print([name for name in sys.modules if name.startswith('django.channels')])
        '''
        for output in self.on_each_python(code):
            self.assertEqual(output.strip(), '[]')

    def test_the_test_tools_of_channels_need_no_order_of_imports(self):
        for first, second in [('django.test', 'django.channels.test'), ('django.channels.test', 'django.test')]:
            code = '''
            import %s
            import %s
            from django.test.channels import ChannelTestCase, TransactionChannelTestCase, WSClient, apply_routes
            import django.channels.test
            print(ChannelTestCase is django.channels.test.ChannelTestCase)
            ''' % (first, second)
            for output in self.on_each_python(code):
                self.assertEqual(output.strip(), 'True')

    def test_every_command_shows_its_help(self):
        code = '''
        import io
        from django.core.management import get_commands, load_command_class
        for name, app in sorted(get_commands().items()):
            parser = load_command_class(app, name).create_parser('manage.py', name)
            parser.format_help()
        print(get_commands()['runserver'], get_commands()['runworker'])
        '''.replace('\n        ', '\n')
        for layers in ('{}', IN_MEMORY):
            for apps, runserver, runworker in [
                ([], 'django.core', 'django.core'),
                (['django.contrib.staticfiles'], 'django.contrib.staticfiles', 'django.core'),
                (['django.contrib.staticfiles', 'django.channels'], 'django.contrib.staticfiles', 'django.channels'),
            ]:
                for output in self.on_each_python(CONFIGURE % (layers, apps) + code):
                    names = re.findall(r'django\.\w+(?:\.\w+)?', output)
                    self.assertEqual(names, [runserver, runworker])


class EmptySettingTests(MergedTreeTestCase):
    """While CHANNEL_LAYERS is empty, everything is as it was."""

    def test_no_command_loads_the_package(self):
        code = CONFIGURE % ('{}', ['django.contrib.staticfiles']) + '''
        from django.core.management import call_command, get_commands, load_command_class
        for name, app in get_commands().items():
            if name not in ('channels', 'runworker'):
                load_command_class(app, name).create_parser('manage.py', name)
        call_command('check')
        print([name for name in sys.modules if name.startswith('django.channels')])
        '''.replace('\n        ', '\n')
        for output in self.on_each_python(code):
            self.assertEqual(output.strip().splitlines()[-1], '[]')

    def test_the_output_of_runserver_is_that_of_the_stock_release(self):
        code = CONFIGURE % ('{}', ['django.contrib.staticfiles']) + '''
        import datetime
        import re
        from django.core.management import execute_from_command_line
        from django.core.management.commands import runserver
        def run(*args, **kwargs):
            raise KeyboardInterrupt
        runserver.run = run
        class Clock(datetime.datetime):
            @classmethod
            def now(cls):
                return cls(2016, 8, 1)
        runserver.datetime = Clock
        settings.SETTINGS_MODULE = 'project.settings'
        try:
            execute_from_command_line(['manage.py'] + sys.argv[1:])
        except SystemExit as stop:
            print('exit %r' % (stop.code,))
        print([name for name in sys.modules if name.startswith('django.channels')])
        '''.replace('\n        ', '\n')
        for arguments in (
            ['runserver', '--noreload'], ['runserver', '--help'], ['runserver', '--noreload', '--nosuch'],
            ['runserver', '--noreload', '-6', '--nothreading', '--nostatic', '7000'],
        ):
            for version, python in sorted(support.era_pythons().items()):
                with self.subTest(python=version, arguments=arguments):
                    outputs = [
                        self.run_script(python, code, tree=tree, arguments=arguments)
                        for tree in (self.stock, self.merged)
                    ]
                    self.assertIn('exit', outputs[0])
                    self.assertEqual(outputs[1], outputs[0])

    def test_the_defaults_are_those_that_the_package_assumes(self):
        code = '''
        from django.conf import global_settings, settings
        settings.configure()
        class Bare(object):
            SESSION_ENGINE = settings.SESSION_ENGINE
        from django.channels import conf
        names = ['channel_layers', 'session_engine', 'send_on_commit', 'send_timeout', 'websocket_protocols']
        native = [getattr(conf.conf, name) for name in names]
        conf.settings = Bare()
        print(native == [getattr(conf.conf, name) for name in names], native[0] == {})
        '''
        for output in self.on_each_python(code):
            self.assertIn(output.strip(), ('(True, True)', 'True True'))

    def test_every_setting_of_channels_has_a_default(self):
        read = set(re.findall(r"_quick\('(CHANNELS?_\w+)'", (support.PACKAGE / 'conf.py').read_text()))
        given = (self.merged / 'django' / 'conf' / 'global_settings.py').read_text()
        self.assertTrue(read)
        self.assertEqual([name for name in read if not re.search('^%s = ' % name, given, re.M)], [])


class ConfiguredTests(MergedTreeTestCase):

    def test_without_a_server_runserver_says_so_in_one_line_and_serves_with_wsgi(self):
        code = CONFIGURE % (IN_MEMORY, ['django.contrib.staticfiles']) + '''
        from django.core.management import execute_from_command_line
        from django.core.management.commands import runserver
        def run(*args, **kwargs):
            raise KeyboardInterrupt
        runserver.run = run
        settings.SETTINGS_MODULE = 'project.settings'
        try:
            execute_from_command_line(['manage.py'] + sys.argv[1:])
        except SystemExit as stop:
            print('exit %r' % (stop.code,))
        '''.replace('\n        ', '\n')
        for output in self.on_each_python(code, arguments=['runserver', '--noreload']):
            lines = output.splitlines()
            self.assertIn('CHANNEL_LAYERS is set, but no interface server is installed', lines[0])
            self.assertTrue([line for line in lines if line.startswith('Starting development server at')], output)
            self.assertEqual(lines[-1], 'exit 0')
            self.assertEqual(output.count('interface server'), 1)

    def test_mistakes_in_the_setting_are_found_once_with_and_without_the_app(self):
        for apps in ([], ['django.channels']):
            code = CONFIGURE % ("{'default': {'ROUTING': []}}", apps) + '''
            from django.core import checks
            found = checks.run_checks(tags=['channels'])
            print([str(error.id) for error in found])
            '''.replace('\n            ', '\n')
            for output in self.on_each_python(code):
                self.assertEqual(output.strip(), "['channels.E005']")

    def test_tests_can_replace_the_setting_without_the_app(self):
        code = CONFIGURE % (IN_MEMORY, []) + '''
        from django.channels import channel_layers
        from django.test import override_settings
        first = channel_layers['default']
        with override_settings(CHANNEL_LAYERS=dict(settings.CHANNEL_LAYERS)):
            second = channel_layers['default']
        print(first is second, first is channel_layers['default'])
        '''.replace('\n        ', '\n')
        for output in self.on_each_python(code):
            self.assertIn(output.strip(), ('(False, False)', 'False False'))

    def test_static_files_are_served_under_the_same_conditions_as_with_wsgi(self):
        code = CONFIGURE % (IN_MEMORY, ['django.contrib.staticfiles']) + '''
        from django.core.management import load_command_class
        command = load_command_class('django.contrib.staticfiles', 'runserver')
        for debug in (True, False):
            settings.DEBUG = debug
            for static in (True, False):
                for insecure in (True, False):
                    options = {'use_static_handler': static, 'insecure_serving': insecure}
                    handler = type(command.get_handler(**options)).__name__ == 'StaticFilesHandler'
                    consumer = type(command.get_consumer(**options)).__name__ == 'StaticFilesConsumer'
                    print(handler == consumer)
        '''.replace('\n        ', '\n')
        for output in self.on_each_python(code):
            self.assertEqual(set(output.split()), {'True'})

    def test_a_worker_needs_no_installed_app(self):
        code = CONFIGURE % (IN_MEMORY, []) + '''
        from django.core.management import CommandError, call_command
        try:
            call_command('runworker')
        except CommandError as error:
            print(error)
        '''.replace('\n        ', '\n')
        for output in self.on_each_python(code):
            self.assertIn('lives inside one process', output)


class NativeSourceTests(MergedTreeTestCase):

    def test_no_line_branches_on_the_version_of_django(self):
        pattern = re.compile(r'\bdjango\.VERSION\b|\bVERSION\b *(<|>|==|!=)|\bget_version\(\) *[<>=!]')
        merged = support.snapshot(self.merged)
        stock = support.snapshot(self.stock)
        wrong = []
        for path, content in merged.items():
            if path.endswith('.py') and stock.get(path) != content:
                wrong += ['%s: %s' % (path, line) for line in content.decode('utf-8').splitlines()
                          if pattern.search(line)]
        self.assertEqual(wrong, [])

    def test_glue_outside_the_package_is_one_line(self):
        for path in ('core/management/commands/runworker.py', 'test/channels.py'):
            text = (self.merged / 'django' / path).read_text()
            self.assertEqual(text.count('\n'), 1, path)
            self.assertTrue(text.startswith('from django.channels.'), path)

    def test_no_file_of_the_backport_is_named(self):
        for path in support.sources(PATCH_SET / 'django'):
            if path.name != 'servers.py':
                self.assertNotIn('channels_backport', path.read_text(encoding='utf-8'), path)


class DocumentationTests(MergedTreeTestCase):
    """What the merged pages say is what is there."""

    def page(self, path):
        return (self.merged / 'docs' / path).read_text(encoding='utf-8')

    def test_every_page_is_in_a_table_of_contents(self):
        for folder in ('topics/channels', 'ref/channels'):
            index = self.page(folder + '/index.txt')
            for page in (self.merged / 'docs' / folder).glob('*.txt'):
                if page.stem != 'index':
                    self.assertIn('\n   %s\n' % page.stem, index)
        for path in ('topics/index.txt', 'ref/index.txt'):
            self.assertIn('channels/index', self.page(path))

    def test_the_standards_are_among_the_pages(self):
        self.assertTrue((self.merged / 'docs' / 'ref' / 'channels' / 'standards' / 'messages.txt').exists())
        self.assertIn('standards/*', self.page('ref/channels/index.txt'))

    def test_every_check_is_documented(self):
        ids = set()
        for name in ('checks.py', 'setting_checks.py', 'package_checks.py', 'schedules/table.py'):
            ids.update(re.findall(r"id='(channels\.\w\d+)'", (support.PACKAGE / name).read_text(encoding='utf-8')))
        # Only a Django without on_commit() can report that one.
        ids.remove('channels.E013')
        self.assertEqual(set(re.findall(r'\*\*(channels\.\w+)\*\*', self.page('ref/checks.txt'))), ids)

    def test_every_setting_is_documented(self):
        text = self.page('ref/settings.txt')
        for setting in re.findall(r"_quick\('(CHANNELS?_\w+)'", (support.PACKAGE / 'conf.py').read_text()):
            self.assertIn('.. setting:: %s\n' % setting, text)
            self.assertIn('* :setting:`%s`\n' % setting, text)

    def test_every_option_of_the_commands_is_documented(self):
        text = self.page('ref/django-admin.txt')
        for path in ('runserver.py', 'commands/runworker.py'):
            for option in re.findall(r"'(--[\w-]+)'", (support.PACKAGE / 'management' / path).read_text()):
                self.assertIn('.. django-admin-option:: %s' % option, text)

    def test_the_package_is_called_provisional_where_users_meet_it(self):
        for path in ('topics/channels/index.txt', 'ref/channels/index.txt', 'releases/1.10.txt'):
            self.assertIn('provisional', self.page(path))

    def test_every_documented_name_exists(self):
        names = set()
        for page in (self.merged / 'docs').glob('*/channels/*.txt'):
            module = 'django.channels'
            for directive, name in re.findall(
                r'^ *\.\. (module|currentmodule|class|function|exception|data):: ([\w.]+)',
                page.read_text(encoding='utf-8'), re.M,
            ):
                if directive.endswith('module'):
                    module = name
                else:
                    names.add('%s.%s' % (module, name))
        code = CONFIGURE % (IN_MEMORY, ['django.contrib.sessions', 'django.channels']) + '''
        from django.utils.module_loading import import_string
        for name in sys.argv[1:]:
            import_string(name)
        print('all there')
        '''.replace('\n        ', '\n')
        # Its module is not importable without redis-py, which this Python lacks.
        names.remove('django.channels.layers.redis.RedisChannelLayer')
        self.assertGreater(len(names), 30)
        for output in self.on_each_python(code, arguments=sorted(names)):
            self.assertEqual(output.strip(), 'all there')
