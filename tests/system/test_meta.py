"""
META through channels is META under WSGI, but for what the documentation says.
"""
import os
import tempfile

import meta_table
import pytest
import subject
from redis_server import RedisServer

#: The only keys that may have a dot in them.
EMULATED = {
    'wsgi.version', 'wsgi.url_scheme', 'wsgi.input', 'wsgi.errors', 'wsgi.multithread', 'wsgi.multiprocess',
    'wsgi.run_once',
}


@pytest.fixture(scope='module')
def metas():
    """META under gunicorn, and META through channels."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer()
        redis.start()
        site = subject.site(folder, SUT_LAYERS='redis', SUT_REDIS=redis.url, CHANNELS_CANARY='of the process')
        try:
            if not os.path.exists(os.path.join(os.path.dirname(site.python), 'gunicorn')):
                pytest.skip('no gunicorn in the environment of this pair')
            site.run('migrate', '-v', '0')
            yield meta_table.gather(site)
        finally:
            site.stop()
            redis.stop()


def test_no_key_differs_but_those_of_the_documentation(metas):
    assert meta_table.unexplained(*metas) == []


def test_there_are_exactly_the_wsgi_keys_of_the_documentation(metas):
    assert {key for key in metas[1] if '.' in key} == EMULATED


def test_nothing_is_of_the_process_environment(metas):
    assert not set(metas[1]) & set(os.environ)
    assert 'CHANNELS_CANARY' not in metas[1]


@pytest.mark.skipif(
    os.environ.get('CHANNELS_SYSTEM_PAIR') != 'py3.11-dj5.2', reason='the documentation shows another pair')
def test_the_documentation_is_what_the_command_makes(metas):
    with open(os.path.join(subject.CHECKOUT, 'docs', 'meta.txt'), encoding='utf-8') as file:
        assert meta_table.sections(file.read()) == meta_table.sections(meta_table.table(*metas))


def test_the_page_tells_each_key_once(metas):
    page = meta_table.table(*metas)
    for key in set(metas[0]) | set(metas[1]):
        assert page.count('``%s``\n' % key) == 1
