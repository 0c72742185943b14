"""
The program of tests/conformance/ against a worker and a server of ours, and
against those in other languages that were written from the standards alone.
"""
import json
import os
import shutil
import subprocess

import pytest
import subject
from programs import free_port
from redis_server import RedisServer
from test_interop import INTEROP, PREFIX, node_environment

pytestmark = pytest.mark.once

CONFORMANCE = os.path.join(subject.CHECKOUT, 'tests', 'conformance')
SCRIPTS = os.path.join(subject.CHECKOUT, 'docs', 'standards', 'lua')
#: Rows that say "pass" for each role; one about several shards may say "skip".
ROWS = {'worker': 23, 'jobs': 14, 'server': 25}


#: What messages are encrypted with where there are two shards, by all that can do it.
SECRET = 'a secret of the tests'


@pytest.fixture(params=[1, 2], ids=['one server', 'two shards'])
def servers(request):
    started = [RedisServer().start() for _ in range(request.param)]
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def secrets(servers):
    """The secrets of the run: none on one server."""
    return [SECRET] if len(servers) > 1 else []


def conformance(role, servers, secrets, *options):
    """Have the table made; all of it must be right."""
    python = subject.python_under_test()
    version = subprocess.check_output([python, '-c', 'import sys; print(sys.version_info >= (3, 9))'], text=True)
    if version.strip() != 'True':
        pytest.skip('tests/conformance needs Python 3.9, and this pair has an older one')
    command = [python, CONFORMANCE, role, '--prefix', PREFIX, *options]
    for server in servers:
        command += ['--redis', server.url]
    for secret in secrets:
        command += ['--secret', secret]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert '%d rows, 0 failed' % ROWS[role] in done.stdout, done.stdout
    return done.stdout


def site(sites, servers, secrets):
    return sites(
        SUT_LAYERS='redis', SUT_REDIS=','.join(server.url for server in servers), SUT_SECRETS=','.join(secrets),
    )


def test_our_worker(sites, servers, secrets):
    made = site(sites, servers, secrets)
    made.run('migrate', '-v', '0')
    made.manage('runworker', '--threads', '4')
    conformance('worker', servers, secrets)
    conformance('jobs', servers, secrets)


def test_our_server(sites, servers, secrets):
    made = site(sites, servers, secrets)
    if not made.has_interface_server:
        pytest.skip('our server needs Python 3.9')
    # One whose patience with a full channel is shorter than that of the program's client.
    program, port = made.server('--queue-timeout', '1')
    conformance('server', servers, secrets, '--address', '127.0.0.1:%d' % port)


def test_the_worker_in_go(sites, servers, tmp_path):
    go = shutil.which('go')
    if go is None:
        pytest.skip('There is no go: install the package golang-go of Debian.')
    program = str(tmp_path / 'worker')
    # No module is needed from anywhere.
    env = dict(os.environ, GOFLAGS='-mod=mod', GOPROXY='off', GOTOOLCHAIN='local', GOCACHE=os.environ.get(
        'GOCACHE', os.path.join(os.path.expanduser('~'), '.cache', 'go-build')))
    subprocess.check_call([go, 'build', '-o', program, '.'], cwd=os.path.join(INTEROP, 'go'), env=env)
    # It leaves encryption out.
    made = site(sites, servers, [])
    addresses = ['127.0.0.1:%d' % server.port for server in servers]
    worker = made.start('worker in Go', program, SCRIPTS, PREFIX, *addresses)
    worker.wait_for('ready')
    conformance('worker', servers, [])
    conformance('jobs', servers, [])


def test_the_server_on_node(sites, servers, secrets):
    env = node_environment()
    made = site(sites, servers, secrets)
    port = free_port()
    server = made.start(
        'node server.js', 'node', os.path.join(INTEROP, 'server.js'), port, *[server.url for server in servers],
        NODE_PATH=env.get('NODE_PATH', ''), INTEROP_SETTINGS=json.dumps({'prefix': PREFIX, 'secrets': secrets}),
    )
    server.wait_for('Listening on port')
    conformance('server', servers, secrets, '--address', '127.0.0.1:%d' % port)
