"""
compat/old_django.py: what each shim restores, and that it is loaded for nothing else.

These tests run on each pair, also where no shims are needed.
"""
from __future__ import absolute_import

import hashlib
import os
import re
import shutil
import sys
import textwrap
import unittest
import zipfile

import django

from . import support

DJANGO = django.VERSION[:2]

#: Whether this Django can't start on this Python, written down once more.
NEEDED = DJANGO < (2, 0) and sys.version_info >= ((3, 8) if DJANGO < (1, 11) else (3, 10))

#: A project in one file. It does not import what the cases are about.
SET_UP = """
    import django
    from django.conf import settings
    settings.configure(
        SECRET_KEY='x', ROOT_URLCONF=__name__, LANGUAGE_CODE='de', USE_I18N=True, MIDDLEWARE_CLASSES=[],
        INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth'], ALLOWED_HOSTS=['*'],
        DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}},
    )
    urlpatterns = []
    django.setup()
"""

#: Name of a shim -> what it makes possible, and what happens without it.
CASES = {
    'model_class_cell': ("""
        from django.db import models

        class Thing(models.Model):
            class Meta:
                app_label = 'things'

            def __str__(self):
                return 'a ' + super().__str__()

        assert str(Thing()) == 'a Thing object'
    """, r"__class__ not set defining '\w+'"),
    'abstract_collections': ("""
        from django.db.models.fields import CharField
        assert list(CharField(choices=iter([(1, 'one')])).choices) == [(1, 'one')]
    """, r"collections' has no attribute '\w+'|cannot import name '\w+' from 'collections'"),
    'gettext_charsets': ("""
        from django.utils.translation import ugettext
        assert ugettext('Yes') == 'Ja', ugettext('Yes')
        from django.utils.translation import override
        with override('xx'):
            assert ugettext('in no catalog') == 'in no catalog'
    """, r"codeset|set_output_charset"),
    'context_copies': ("""
        from copy import copy
        from django.http import HttpRequest
        from django.template import Context, RequestContext
        for context in (Context({'a': 1}), RequestContext(HttpRequest(), {'a': 1})):
            context.render_context['b'] = 2
            twin = copy(context)
            assert (type(twin), twin['a'], twin.render_context['b']) == (type(context), 1, 2)
            with twin.push(a=3):
                assert (context['a'], twin['a']) == (1, 3)
            assert copy(context.render_context)['b'] == 2
    """, r"'super' object has no attribute 'dicts'"),
    'sqlite_references': ("""
        from django.db import connection, models

        class Parent(models.Model):
            name = models.CharField(max_length=5)

            class Meta:
                app_label = 'family'

        class Child(models.Model):
            parent = models.ForeignKey(Parent, on_delete=models.CASCADE)

            class Meta:
                app_label = 'family'

        with connection.schema_editor() as editor:
            editor.create_model(Parent)
            editor.create_model(Child)
        longer = models.CharField(max_length=50)
        longer.set_attributes_from_name('name')
        longer.model = Parent
        with connection.schema_editor() as editor:
            editor.alter_field(Parent, Parent._meta.get_field('name'), longer)
        cursor = connection.cursor()
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'family_child'")
        declaration, = cursor.fetchone()
        assert '__old' not in declaration, declaration
    """, r"REFERENCES .*__old"),
    'url_validator': ("""
        from django.core.exceptions import ValidationError
        from django.core.validators import URLValidator
        validate = URLValidator()
        validate('http://[2001:db8::1]:8080/path')
        for wrong in ('http://host.example/\\n', 'http://www.host.example\\tx/', 'http://[::1:2::3]:8080/'):
            try:
                validate(wrong)
            except ValidationError:
                continue
            raise AssertionError('%r is valid' % wrong)
    """, r"is valid|does not appear to be"),
    'regex_flags': ("""
        from django.conf.urls import include, url
        try:
            from django.urls import clear_url_caches, resolve, reverse
        except ImportError:
            from django.core.urlresolvers import clear_url_caches, resolve, reverse

        def view(request):
            pass

        inner = [url(r'^(?i)[(?s)]?hello\\(?i\\)/(?P<name>\\w+)/$', view, name='hello')]
        urlpatterns[:] = [url(r'^in/', include(inner))]
        clear_url_caches()
        assert resolve('/in/HELLO(I)/Bob/').kwargs == {'name': 'Bob'}
        assert reverse('hello', kwargs={'name': 'Bob'}).startswith('/in/')
    """, r"global flags not at the start"),
    'six_importer': ("""
        from django.utils.six.moves import range
        from django.utils.six.moves.urllib.parse import urlsplit
        assert urlsplit('http://host/').netloc == 'host'
    """, r"No module named 'django.utils.six.moves'"),
    'test_durations': ("""
        import unittest, warnings
        from django.test import runner
        warnings.simplefilter('error')
        if hasattr(runner, 'RemoteTestResult'):
            result = runner.RemoteTestResult()
            unittest.FunctionTestCase(lambda: None).run(result)
            assert result.testsRun == 1
        else:
            assert django.VERSION < (1, 9)
    """, r"no addDuration method"),
    'syntax_warnings': ("""
        import django.utils._os, django.utils.text, django.utils.html, django.template.base
    """, r"invalid escape sequence|'return' in a 'finally' block"),
    'cgi_module': ("""
        import io
        from django.core.files.uploadhandler import MemoryFileUploadHandler
        from django.core.management import templates
        from django.http.multipartparser import MultiPartParser
        parse_header = templates.cgi.parse_header
        assert parse_header('attachment; filename="a \\\\"b\\\\".tgz"; X=y') == (
            'attachment', {'filename': 'a "b".tgz', 'x': 'y'})
        assert parse_header('text/plain') == ('text/plain', {})
        body = b'--b\\r\\nContent-Disposition: form-data; name="n"\\r\\n\\r\\nv\\r\\n--b--\\r\\n'
        META = {'CONTENT_TYPE': 'multipart/form-data; boundary=b', 'CONTENT_LENGTH': len(body)}
        post, files = MultiPartParser(META, io.BytesIO(body), [MemoryFileUploadHandler()]).parse()
        assert post['n'] == 'v', post
    """, r"No module named 'cgi'"),
}

#: Applies all shims but one.
WITHOUT = """
    import os, sys
    import django
    del os.environ['CHANNELS_DJANGO_SHIMS']
    import importlib.util
    spec = importlib.util.spec_from_file_location('old_django', %r)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SHIMS = [row for row in module.SHIMS if row[0].__name__ != %r]
    module.install(django.VERSION)
"""

OLD_DJANGO = os.path.join(support.CHECKOUT, 'compat', 'old_django.py')

#: Prints how often each kind of finder of ours is there.
FINDERS = "print([type(finder).__name__ for finder in sys.meta_path].count('ShimFinder'))"


def load():
    """Return the file itself as a module."""
    import importlib.util
    spec = importlib.util.spec_from_file_location('old_django', OLD_DJANGO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table():
    """Return SHIMS of the file itself."""
    return load().SHIMS


def write_program(*parts):
    """Write a program of these parts; return its path."""
    return os.path.join(support.write(support.new_folder('program'), {
        'program.py': '\n'.join(textwrap.dedent(part) for part in parts)
    }), 'program.py')


@support.once
def compiled_library():
    """Return a folder for PYTHONPYCACHEPREFIX with what Python's own library compiles to, and nothing else."""
    folder = support.new_folder('compiled')
    finished = support.installed().run(
        write_program(SET_UP), PYTHONPYCACHEPREFIX=folder, PYTHONDONTWRITEBYTECODE='',
    )
    if finished.status != 0:
        raise AssertionError(finished.errors)
    # The mirror of every place but the library's: Django, and all that is ours.
    library = folder + os.path.realpath(os.path.dirname(os.__file__))
    for path, folders, names in os.walk(folder):
        if path.startswith(library):
            folders[:] = [name for name in folders if name != 'site-packages']
        for name in names:
            if not path.startswith(library):
                os.remove(os.path.join(path, name))
    return folder


def run_program(environment, *parts, **variables):
    """
    Run a program, compiling all that it imports but for Python's own library,
    which no shim is about; return Finished.
    """
    return environment.run(write_program(*parts), PYTHONPYCACHEPREFIX=compiled_library(), **variables)


def digest(folder):
    """Return a hash of all sources below a folder."""
    total = hashlib.sha256()
    for root, folders, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith('.py'):
                with open(os.path.join(root, name), 'rb') as source:
                    total.update(source.read())
    return total.hexdigest()


class LoadingTests(unittest.TestCase):

    def assertLoaded(self, environment, expected):
        finished = environment.run('-v', '-c', 'import django; import django.channels')
        self.assertEqual(finished.status, 0, finished.errors[-3000:])
        self.assertEqual('old_django' in finished.errors, expected)

    def test_it_is_loaded_where_django_cannot_start_and_nowhere_else(self):
        self.assertLoaded(support.installed(), NEEDED)

    def test_a_merged_tree_loads_it_by_itself_where_it_is_needed(self):
        environment = support.Environment('native')
        environment.merge_channels()
        if not support.is_patched():
            self.skipTest('this Django has no such line')
        self.assertEqual(environment.code('import sys, django; ' + FINDERS), '1' if NEEDED else '0')
        if NEEDED:
            finished = run_program(environment, SET_UP)
            self.assertEqual(finished.status, 0, finished.errors)
            # The backport beside it finds nothing left to do.
            self.assertEqual(support.patched().code('import sys, django; ' + FINDERS), '1')

    @unittest.skipIf(str is bytes, 'Python 2 needs no shims, and has no importlib.util')
    def test_the_hook_loads_it_for_every_django_that_has_shims(self):
        sys.path.insert(0, support.backport())
        try:
            from channels_backport.shims import FIRST_WITHOUT
        finally:
            sys.path.remove(support.backport())
        self.assertEqual(max(until for shim, python, until, stops, modules in table()), FIRST_WITHOUT)

    @unittest.skipIf(str is bytes, 'Python 2 needs no shims, and has no importlib.util')
    def test_shims_are_applied_to_exactly_what_can_not_start(self):
        for version in [(1, 8, 19), (1, 9, 13), (1, 10, 8), (1, 11, 29), (2, 0), (2, 2, 28), (6, 1, 3)]:
            self.assertEqual(
                load().is_needed(version),
                version < (1, 11) and sys.version_info >= (3, 8)
                or version < (2, 0) and sys.version_info >= (3, 10),
                version,
            )

    @unittest.skipIf(str is bytes, 'Python 2 needs no shims, and has no importlib.util')
    def test_each_shim_has_a_case_and_a_reason(self):
        self.assertEqual(sorted(CASES), sorted(row[0].__name__ for row in table()))
        for row in table():
            self.assertRegex(row[0].__doc__, r'^\s*Python 3\.\d+ [^.]+\.', row[0].__name__)

    @unittest.skipIf(str is bytes, 'the zip files of Python 2 are no concern here')
    def test_a_django_in_a_zip_file_is_found_all_the_same(self):
        environment = support.Environment('zipped')
        environment.unpack(support.wheel())
        shutil.rmtree(environment.django)
        with zipfile.ZipFile(os.path.join(environment.site_packages, 'packed.zip'), 'w') as archive:
            archive.writestr('django/__init__.py', 'VERSION = (5, 2, 0)\n')
        support.write(environment.site_packages, {
            'packed.pth': os.path.join(environment.site_packages, 'packed.zip') + '\n',
        })
        self.assertEqual(environment.code('import django; print(django.VERSION)'), '(5, 2, 0)')


@unittest.skipUnless(NEEDED, 'this Django starts on this Python')
class ShimTests(unittest.TestCase):

    def test_everything_works_with_all_shims_and_no_file_changes(self):
        before = digest(os.path.join(support.SITE_PACKAGES, 'django'))
        program = [SET_UP]
        for name in sorted(CASES):
            program += ['# %s' % name, CASES[name][0]]
        finished = run_program(support.installed(), *program)
        self.assertEqual(finished.status, 0, finished.errors)
        self.assertEqual(finished.errors, '')
        self.assertEqual(digest(os.path.join(support.SITE_PACKAGES, 'django')), before)

    def test_without_one_shim_its_case_fails_where_the_table_says_so(self):
        for shim, python, until, stops, modules in table():
            name = shim.__name__
            code, complaint = CASES[name]
            finished = run_program(
                support.installed(), WITHOUT % (OLD_DJANGO, name), SET_UP, code, CHANNELS_DJANGO_SHIMS='0',
            )
            needed = sys.version_info >= python and DJANGO < until
            if name in ('test_durations', 'sqlite_references') and DJANGO < (1, 9):
                # Django 1.8 can't run tests in parallel, and alters a table by
                # way of a new one.
                needed = False
            if name == 'syntax_warnings' and DJANGO >= (1, 11) and sys.version_info < (3, 14):
                # It has no invalid escape sequences, but a return in a finally.
                needed = False
            if needed:
                self.assertRegex(finished.errors, complaint, name)
            else:
                self.assertEqual((finished.status, finished.errors), (0, ''), name)

    def test_the_switch_leaves_django_alone(self):
        code = 'import sys, django; ' + FINDERS
        self.assertEqual(support.installed().code(code), '1')
        self.assertEqual(support.installed().code(code, CHANNELS_DJANGO_SHIMS='0'), '0')
        finished = run_program(support.installed(), SET_UP, CASES['model_class_cell'][0], CHANNELS_DJANGO_SHIMS='0')
        self.assertEqual(finished.status, 1)

    def test_shims_are_applied_once_however_often_it_is_asked(self):
        code = textwrap.dedent("""
            import sys, channels_backport, django
            channels_backport.install()
            from channels_backport import shims
            shims.apply_shims(django)
        """)
        self.assertEqual(support.installed().code(code + FINDERS), '1')

    def test_a_django_imported_before_the_hook_gets_its_shims(self):
        code = textwrap.dedent("""
            import sys, django
            import channels_backport
            channels_backport.install()
        """)
        self.assertEqual(support.bare().code(code + FINDERS, path=[support.backport()]), '1')

    def test_a_django_that_another_finder_brings_gets_its_shims(self):
        # As an editable install does.
        environment = support.Environment('editable')
        environment.unpack(support.wheel())
        folder = support.new_folder('elsewhere')
        shutil.move(environment.django, folder)
        support.write(environment.site_packages, {'editable_django.py': """
            import importlib.util, sys

            class EditableFinder(object):
                @staticmethod
                def find_spec(name, path=None, target=None):
                    if name == 'django':
                        return importlib.util.spec_from_file_location(name, %r)

            sys.meta_path.append(EditableFinder)
        """ % os.path.join(folder, 'django', '__init__.py'), 'editable.pth': 'import editable_django\n'})
        finished = run_program(environment, SET_UP, CASES['model_class_cell'][0])
        self.assertEqual((finished.status, finished.errors[-2000:]), (0, ''))

    def test_changed_modules_look_like_any_other(self):
        code = """
            import sys, django, django.utils.six, django.db.models.base
            for name in ('django', 'django.utils.six', 'django.db.models.base'):
                module = sys.modules[name]
                assert type(module.__loader__).__name__ == 'SourceFileLoader', module.__loader__
                assert module.__spec__.loader is module.__loader__, module.__spec__
        """
        finished = run_program(support.installed(), SET_UP, code)
        self.assertEqual(finished.status, 0, finished.errors)


@unittest.skipUnless(NEEDED, 'this Django starts on this Python')
class TellingTests(unittest.TestCase):

    TOLD = re.compile(
        r'^INFO django\.channels\.compat Django %s runs on Python %d\.%d\.\d+ with these shims: \w[\w, ]+\. '
        r'Set CHANNELS_DJANGO_SHIMS=0 '
        r'to turn them off\.$' % ((re.escape(django.get_version()),) + sys.version_info[:2]), re.M,
    )
    BEFORE = "import logging; logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s %(message)s')"
    SETTINGS = """
        import django
        from django.conf import settings
        settings.configure(LOGGING={
            'version': 1, 'disable_existing_loggers': True,
            'formatters': {'short': {'format': '%(levelname)s %(name)s %(message)s'}},
            'handlers': {'console': {'class': 'logging.StreamHandler', 'formatter': 'short'}},
            'loggers': {'django': {'level': 'LEVEL', 'handlers': ['console'], 'propagate': False}},
        })
    """
    SET_UP = "\ndjango.setup()\ndjango.setup()"

    def told(self, *parts):
        finished = run_program(support.installed(), *parts)
        self.assertEqual(finished.status, 0, finished.errors)
        return len(self.TOLD.findall(finished.errors)), finished.errors

    def test_a_program_that_has_configured_logging_reads_it_once(self):
        self.assertEqual(self.told(self.BEFORE, self.SETTINGS.replace('LEVEL', 'INFO'), self.SET_UP)[0], 1)

    def test_a_project_reads_it_once_django_has_configured_logging(self):
        self.assertEqual(self.told(self.SETTINGS.replace('LEVEL', 'INFO'), self.SET_UP)[0], 1)

    def test_a_project_that_wants_warnings_only_reads_nothing(self):
        self.assertEqual(self.told(self.SETTINGS.replace('LEVEL', 'WARNING'), self.SET_UP), (0, ''))
