"""Sphinx' settings for the users' documentation: `python runtests.py --labels docs`."""
import pathlib
import re

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / 'django_patch' / 'django' / 'channels'

project = 'Channels for Django'
author = 'the Channels for Django contributors'
release = re.search(r"^__version__ = '([^']+)'$", (PACKAGE / '__init__.py').read_text(), re.M).group(1)

source_suffix = {'.txt': 'restructuredtext'}
root_doc = 'index'
exclude_patterns = ['_build', 'standards/vectors', 'words.txt']
html_theme = 'alabaster'

#: What the pages of the reference refer to in Django's own documentation.
nitpick_ignore = [
    ('py:attr', 'django.http.HttpRequest.body'),
    ('py:class', 'django.http.HttpRequest'),
    ('py:class', 'django.test.TestCase'),
    ('py:class', 'django.test.TransactionTestCase'),
    ('py:func', 'django.conf.urls.include'),
    ('py:meth', 'django.http.HttpRequest.is_secure'),
    ('py:meth', 'django.http.HttpRequest.read'),
    ('std:ref', 'session-invalidation-on-password-change'),
]
nitpick_ignore_regex = [
    ('std:setting', '(?!CHANNELS?_)[A-Z_-]+'),
]


def setup(app):
    """Add the two roles of Django's that the pages of the reference use, and their directives."""
    app.add_crossref_type(directivename='setting', rolename='setting', indextemplate='pair: %s; setting')
    app.add_crossref_type(directivename='django-admin', rolename='djadmin', indextemplate='pair: %s; command')
