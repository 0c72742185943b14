"""
Sphinx' settings for the pages that the merge adds to Django's documentation.

They are built alone, since Django 1.10's whole documentation needs a Sphinx of
its time and takes minutes. What they refer to in Django's pages is listed here;
everything else has to be found in the pages themselves.
"""
project = 'Django with channels'
source_suffix = {'.txt': 'restructuredtext'}
root_doc = 'topics/channels/index'
html_theme = 'alabaster'

#: Targets in Django's own pages, or in those that the patches add to these.
nitpick_ignore = [
    ('py:attr', 'django.http.HttpRequest.body'),
    ('py:class', 'django.http.HttpRequest'),
    ('py:class', 'django.test.TestCase'),
    ('py:class', 'django.test.TransactionTestCase'),
    ('py:func', 'django.conf.urls.include'),
    ('py:meth', 'django.http.HttpRequest.is_secure'),
    ('py:meth', 'django.http.HttpRequest.read'),
    ('std:djadmin', 'runserver'),
    ('std:djadmin', 'runworker'),
    ('std:ref', 'channels-system-checks'),
    ('std:ref', 'session-invalidation-on-password-change'),
    ('std:ref', 'settings-channels'),
    ('std:doc', '/howto/deployment/checklist'),
    ('std:doc', '/misc/api-stability'),
]
nitpick_ignore_regex = [('std:setting', '[A-Z_-]+')]
suppress_warnings = ['toc.not_included']


def setup(app):
    """Add the two roles of Django's that the pages use; leave out the standards, which apply.py puts beside them."""
    app.add_crossref_type(directivename='setting', rolename='setting')
    app.add_crossref_type(directivename='django-admin', rolename='djadmin')
    app.connect('source-read', leave_out_standards)


def leave_out_standards(app, name, source):
    """Take the line of the standards out of the table of contents in `source`, a list of one text."""
    source[0] = source[0].replace('   standards/*\n', '')
