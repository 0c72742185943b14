"""
Shims for Django 1.8 to 1.11 on Pythons that are newer than they are.

Each shim is a function that says what was removed from Python, and restores it
in memory; no file is changed.

This file imports neither Django nor django.channels: it is loaded by its path
while the bare package `django` is being imported, when nothing else of it can
be. In a patched Django 1.10 a line of django/__init__.py does that, elsewhere
the start-up hook of the backport. The variable CHANNELS_DJANGO_SHIMS=0 turns
it off. Delete it when Django < 2.0 support ends.
"""
from __future__ import absolute_import

import collections
import collections.abc
import copy
import gettext
import importlib.machinery
import importlib.util
import logging
import os
import re
import sys
import types
import warnings

SWITCH = 'CHANNELS_DJANGO_SHIMS'


def is_needed(django_version):
    """Return whether Django `django_version`, a tuple, can't start on this Python."""
    return any(stops and sys.version_info >= python and django_version < until
               for shim, python, until, stops, modules in SHIMS)


def install(django_version):
    """
    Apply the shims for `django_version` on this Python; return their names.

    Do nothing where none is needed, the second time, and if switched off.
    """
    is_done = any(type(finder).__name__ == 'ShimFinder' for finder in sys.meta_path)
    if is_done or os.environ.get(SWITCH) == '0' or not is_needed(django_version):
        return []
    names, later = [], {}
    for shim, python, until, stops, modules in SHIMS:
        if sys.version_info < python or django_version >= until:
            continue
        names.append(shim.__name__)
        if not modules:
            shim()
        for name in modules:
            later.setdefault(name, []).append(shim)
    versions = tuple(django_version[:3]) + sys.version_info[:3]
    report = log_later('Django %d.%d.%d runs on Python %d.%d.%d with these shims: ' % versions + ', '.join(names))
    later.setdefault('django.utils.log', []).append(report)
    sys.meta_path.insert(0, ShimFinder(later))
    return names


def log_later(text):
    """Return a shim that logs `text` at INFO, once Django has configured logging."""
    def after_configuration(module):
        configure = module.configure_logging

        def configure_and_log(*args, **kwargs):
            module.configure_logging = configure
            configure(*args, **kwargs)
            # Not before: a configuration may disable the loggers that exist.
            logging.getLogger('django.channels.compat').info('%s. Set %s=0 to turn them off.', text, SWITCH)

        module.configure_logging = configure_and_log
    return after_configuration


def abstract_collections():
    """
    Python 3.10 took the abstract base classes out of `collections`.

    Django 1.8 to 1.11 look for Iterator, Mapping and others there.
    """
    for name in set(collections.abc.__all__) - set(vars(collections)):
        setattr(collections, name, getattr(collections.abc, name))


def gettext_charsets():
    """
    Python 3.11 took the output charset out of `gettext`.

    Django 1.8 to 1.11 set it to UTF-8, which on Python 3 changed nothing. Nor
    do they give a language without a catalog the plural() that it now needs.
    """
    translation = gettext.translation

    def translation_without_codeset(domain, localedir=None, languages=None, class_=None, fallback=False, codeset=None):
        return translation(domain, localedir, languages, class_, fallback)

    gettext.translation = translation_without_codeset
    gettext.NullTranslations.set_output_charset = lambda self, charset: None
    # The rule of catalogs that name none.
    gettext.GNUTranslations.plural = staticmethod(lambda number: int(number != 1))


def cgi_module():
    """
    Python 3.13 has no module `cgi`.

    Uploads are parsed with it. A replacement (legacy-cgi) is left in place.
    """
    if 'cgi' in sys.modules or importlib.util.find_spec('cgi') is not None:
        return
    # Not at the top: each start of Python would pay for it.
    import email.message
    import email.utils

    def parse_header(line):
        message = email.message.Message()
        message['content-type'] = line
        (value, _), rest = message.get_params()[0], message.get_params()[1:]
        return value, {key.lower(): email.utils.collapse_rfc2231_value(text) for key, text in rest}

    def valid_boundary(boundary):
        return re.match(br'^[ -~]{0,200}[!-~]$' if isinstance(boundary, bytes) else r'^[ -~]{0,200}[!-~]$', boundary)

    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec('cgi', None))
    module.parse_header, module.valid_boundary = parse_header, valid_boundary
    sys.modules['cgi'] = module


def syntax_warnings():
    r"""
    Python 3.12 shows a warning for '\d', and 3.14 for a return in `finally`.

    Django 1.8 to 1.11 have them; each start that compiles would show them all.
    """
    # Until Python 3.14 the path stands for the name of the module.
    for module in [re.escape(folder) for folder in sys.modules['django'].__path__] + [r'django\.']:
        warnings.filterwarnings('ignore', ".*invalid escape|'return' in a 'finally'", SyntaxWarning, module)


def model_class_cell(module):
    """
    Python 3.8 insists on `__classcell__` reaching type.__new__().

    Django 1.8 to 1.10 drop it: no method of a model can say super().
    """
    new = module.ModelBase.__new__

    def new_with_cell(cls, name, bases, attrs, **kwargs):
        cell = attrs.pop('__classcell__', None)
        model = new(cls, name, bases, attrs, **kwargs)
        if cell is not None:
            cell.cell_contents = model
        return model

    module.ModelBase.__new__ = staticmethod(new_with_cell)


def six_importer(module):
    """
    Python 3.12 asks importers for find_spec() only.

    The importer for `six.moves` in Django's copy of six has find_module().
    """
    importer = type(module._importer)

    def find_spec(self, fullname, path=None, target=None):
        return importlib.util.spec_from_loader(fullname, self) if fullname in self.known_modules else None

    importer.find_spec = find_spec
    importer.create_module = lambda self, spec: self.load_module(spec.name)
    importer.exec_module = lambda self, loaded: None


def test_durations(module):
    """
    Python 3.12 reports the duration of each test to the test result.

    The result class of Django's parallel runs can't take it.
    """
    if hasattr(module, 'RemoteTestResult'):
        module.RemoteTestResult.addDuration = lambda self, test, elapsed: None


def context_copies(module):
    """
    Python 3.14 no longer copies what is behind a super().

    Django 1.8 to 1.11 copy template contexts so, for each test client.
    """
    def copied(self):
        duplicate = object.__new__(type(self))
        duplicate.__dict__.update(self.__dict__, dicts=self.dicts[:])
        return duplicate

    module.BaseContext.__copy__ = copied


def url_validator(module):
    """
    Python 3.8 made urlsplit() drop line breaks, and 3.11 raise ValueError.

    URLValidator would let line breaks pass (CVE-2021-32052), or fail itself.
    """
    validate = module.URLValidator.__call__

    def validate_strictly(self, value):
        try:
            if re.search(r'[\t\r\n]', str(value)):
                raise ValueError('line break')
            return validate(self, value)
        except ValueError:
            raise module.ValidationError(self.message, code=self.code)

    module.URLValidator.__call__ = validate_strictly


def sqlite_references(module):
    """
    Python 3.8 comes with SQLite 3.26 and later, which follow a renamed table.

    Django 1.9 to 1.11 rename a table while they alter it. References to it
    in other tables would go on naming what is dropped: Django 2.0 fails there.
    """
    connect = module.DatabaseWrapper.get_new_connection

    def connect_as_before(self, parameters):
        connection = connect(self, parameters)
        connection.execute('PRAGMA legacy_alter_table = ON')
        return connection

    module.DatabaseWrapper.get_new_connection = connect_as_before


def regex_flags(module):
    """
    Python 3.11 takes flags such as (?i) at the start of a pattern only.

    Django's resolvers put what they prepend, such as a ^, before a project's.
    """
    def flags_first(function, after=''):
        # An escaped character, a set of characters, or flags.
        piece = re.compile(r'\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?([aiLmsux]+)\)' + after, re.DOTALL)

        def call(pattern, *args):
            flags = ''.join(isinstance(pattern, str) and piece.findall(pattern) or [])
            if flags:
                rest = piece.sub(lambda match: '' if match.group(1) else match.group(), pattern)
                pattern = '(?%s)%s' % (''.join(sorted(set(flags))), rest)
            return function(pattern, *args)
        return call

    module.re = types.SimpleNamespace(**vars(re))
    # What is searched for is joined from patterns that were compiled. Django
    # has taken the ^ from the start of each, but not from behind its flags.
    module.re.compile, module.re.search = flags_first(re.compile), flags_first(re.search, r'\^?')


#: A shim, the Python from which and the Django before which it is needed,
#: whether Django can't start without it, and the modules that it changes
#: (none: it changes the standard library).
SHIMS = [
    (model_class_cell, (3, 8), (1, 11), True, ['django.db.models.base']),
    (sqlite_references, (3, 8), (2, 0), False, ['django.db.backends.sqlite3.base']),
    (url_validator, (3, 8), (2, 0), False, ['django.core.validators']),
    (abstract_collections, (3, 10), (2, 0), True, []),
    (gettext_charsets, (3, 11), (2, 0), True, []),
    (regex_flags, (3, 11), (2, 0), False, ['django.core.urlresolvers', 'django.urls.resolvers']),
    (six_importer, (3, 12), (2, 0), True, ['django.utils.six']),
    (test_durations, (3, 12), (2, 0), False, ['django.test.runner']),
    (syntax_warnings, (3, 12), (2, 0), False, []),
    (cgi_module, (3, 13), (2, 0), True, []),
    (context_copies, (3, 14), (2, 0), False, ['django.template.context']),
]


class ShimFinder(object):
    """Finds the modules that `shims` names as usual, and has shims applied to them."""

    def __init__(self, shims):
        self.shims = shims

    def find_spec(self, fullname, path=None, target=None):
        finder = importlib.machinery.PathFinder
        spec = finder.find_spec(fullname, path, target) if fullname in self.shims else None
        if not hasattr(getattr(spec, 'loader', None), 'exec_module'):
            return spec
        # Modules in one zip file share a loader.
        loader = spec.loader = copy.copy(spec.loader)
        execute = loader.exec_module

        def execute_and_apply(module):
            del loader.exec_module
            execute(module)
            for shim in self.shims[fullname]:
                shim(module)

        loader.exec_module = execute_and_apply
        return spec
