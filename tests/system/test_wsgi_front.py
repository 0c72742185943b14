"""
WSGI servers, with several processes and threads, in front of workers.
"""
import concurrent.futures
import os
import tempfile

import pytest
import subject
from clients import get, post_file, post_form, request, sha256
from programs import free_port
from redis_server import RedisServer

APPLICATION = 'site_under_test.wsgi_front:application'

#: Server -> its command line behind the script's path, for a port.
SERVERS = {
    'gunicorn': lambda port: ['-w', 2, '-k', 'gthread', '--threads', 4, '-b', '127.0.0.1:%d' % port, APPLICATION],
    'uwsgi': lambda port: [
        '--http-socket', '127.0.0.1:%d' % port, '--module', APPLICATION, '--master', '--processes', 2, '--threads', 4,
        '--die-on-term', '--need-app',
    ],
    # Without threads of Python's own: nothing may depend on them.
    'uwsgi-processes': lambda port: [
        '--http-socket', '127.0.0.1:%d' % port, '--module', APPLICATION, '--master', '--processes', 2,
        '--die-on-term', '--need-app',
    ],
    'waitress': lambda port: ['--listen=127.0.0.1:%d' % port, '--threads=8', APPLICATION],
}
SCRIPTS = {'waitress': 'waitress-serve', 'uwsgi-processes': 'uwsgi'}


def start(site, name, **env):
    """Start the server called name in front of a Subject; return its port."""
    script = os.path.join(os.path.dirname(site.python), SCRIPTS.get(name, name))
    if not os.path.exists(script):
        pytest.skip('no %s in the environment of this pair' % os.path.basename(script))
    port = free_port()
    env = dict({'PYTHONPATH': site.project}, **env)
    program = site.start(name, script, *SERVERS[name](port), **env)
    program.wait_for_port(port)
    return port


@pytest.fixture(scope='module')
def workers():
    """A Subject with two workers, and a Redis."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer()
        redis.start()
        site = subject.site(folder, SUT_LAYERS='redis', SUT_REDIS=redis.url)
        try:
            site.run('migrate', '-v', '0')
            site.workers = [site.manage('runworker', '--threads', '2') for _ in range(2)]
            yield site
        finally:
            site.stop()
            redis.stop()


@pytest.fixture(scope='module', params=sorted(SERVERS))
def port(request, workers):
    """The port of a WSGI server in front of the workers."""
    return start(workers, request.param)


def test_view_answers_in_a_worker(port, workers):
    answer = get(port, '/hello/?name=J%C3%B6rg%20%26%20Co')
    assert (answer.status, answer.text) == (200, 'Hello, Jörg & Co!')
    where = get(port, '/where/').json()
    assert where['channel'] and not where['wsgi_server']
    assert where['pid'] in [worker.pid for worker in workers.workers]


def test_form_arrives(port):
    answer = post_form(port, '/form/', [('word', 'één'), ('word', 'two')])
    assert answer.json() == {'method': 'POST', 'fields': {'word': ['één', 'two']}}


@pytest.mark.parametrize('size', [1000, 3 * 1024 * 1024 + 7])
def test_uploaded_file_arrives_whole(port, size):
    content = os.urandom(size)
    answer = post_file(port, '/upload/', 'data.bin', content, note='beside')
    assert answer.status == 200, answer.text
    assert answer.json() == {'name': 'data.bin', 'size': size, 'sha256': sha256(content), 'note': 'beside'}


def test_stream_arrives_in_order(port):
    answer = get(port, '/stream/')
    assert answer.body == b''.join(bytes([65 + number % 26]) * 50000 for number in range(40))


def test_head_has_no_body(port):
    answer = request(port, 'HEAD', '/hello/')
    assert (answer.status, answer.body) == (200, b'')


def test_everybody_gets_their_own_answer(port):
    def ask(number):
        return get(port, '/hello/?name=%d' % number).text == 'Hello, %d!' % number
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        assert all(pool.map(ask, range(200)))


def test_requests_of_another_project_are_refused(workers):
    name = 'gunicorn'
    port = start(workers, name, SUT_KEY='the key of another project')
    assert [get(port, '/hello/').status for _ in range(3)] == [503] * 3
    program = workers.programs.pop()
    program.stop()
    output = program.output
    # Once for each of its two processes, at most.
    assert 1 <= output.count('Requests are refused. Processes of another project') <= 2, output


@pytest.mark.parametrize('name', ['gunicorn', 'waitress'])
def test_no_worker_is_a_504_with_a_line_in_the_log(name, sites, redis):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    port = start(site, name, SUT_TIMEOUT='0.2')
    answer = get(port, '/hello/')
    assert answer.status == 504
    assert 'No worker answered within the time limit.' in answer.text
    site.programs[-1].wait_for('No worker answered the request for /hello/')
