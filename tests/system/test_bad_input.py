"""Mistakes in settings and on the command line, and a Redis that is away."""
import json
import os

import pytest
from clients import get
from programs import eventually, free_port
from redis_server import RedisServer

pytestmark = pytest.mark.both_eras


def refused(program):
    """Return the output of a command that must fail, without a traceback."""
    status = program.wait_for_exit()
    assert status not in (0, None) and status > 0, program.report()
    assert 'Traceback' not in program.output, program.report()
    return program.output


def test_runworker_on_an_unknown_layer_names_those_there_are(sites, redis):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    output = refused(site.manage('runworker', '--layer', 'deafult'))
    assert 'deafult' in output and "'default'" in output.replace('"', "'"), output


def test_runworker_on_the_in_memory_layer_is_refused(sites):
    output = refused(sites(SUT_LAYERS='memory').manage('runworker'))
    assert 'InMemoryChannelLayer' in output and 'RedisChannelLayer' in output, output


@pytest.mark.parametrize('layers', ['empty', 'unset'])
def test_runworker_without_layers_says_which_setting_is_missing(sites, layers):
    assert 'CHANNEL_LAYERS' in refused(sites(SUT_LAYERS=layers).manage('runworker'))


@pytest.mark.parametrize('command', [
    ['check'], ['runserver', '--noreload', '127.0.0.1:0'], ['runworker'],
], ids=lambda command: command[0])
def test_layer_without_routing_is_reported_with_advice(sites, command):
    output = refused(sites(SUT_LAYERS='no-routing').manage(*command))
    assert 'ROUTING' in output and 'channels.E' in output and 'HINT' in output, output


@pytest.mark.parametrize('reloader', [['--noreload'], []], ids=['without reloader', 'with reloader'])
@pytest.mark.parametrize('layers, options, words', [
    ('memory', ['--noworker'], ['InMemoryChannelLayer', '--noworker', 'layer that spans processes']),
    ('no-default', [], ["There is no channel layer 'default'", "'other'"]),
])
def test_runserver_that_could_never_answer_is_refused(sites, layers, options, words, reloader):
    output = refused(sites(SUT_LAYERS=layers).manage('runserver', '127.0.0.1:%d' % free_port(), *(options + reloader)))
    for word in words:
        assert word in output, output


def test_messages_that_no_route_takes_are_reported_and_harm_nothing(sites, redis, scratch):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    worker, path = site.manage('runworker'), os.path.join(scratch, 'job')
    site.run('put', 'misspelling-job', json.dumps({'file': path}))
    worker.wait_for('A message was sent to quick-jbo, which no route')
    site.run('put', 'picky-job', json.dumps({'file': path, 'kind': 'unknown'}))
    worker.wait_for('No route for a message on picky-job')
    site.run('put', 'quick-job', json.dumps({'file': path}))
    eventually(lambda: os.path.exists(path + '.finished'), 'the worker going on')
    assert 'Traceback' not in worker.output, worker.report()


def test_worker_that_finds_no_redis_says_so_once_and_waits_for_it(sites, scratch):
    port = free_port()
    site = sites(SUT_LAYERS='redis', SUT_REDIS='redis://127.0.0.1:%d/0' % port)
    worker = site.manage('runworker')
    worker.wait_for('127.0.0.1:%d' % port)
    assert worker.process.poll() is None, worker.report()

    redis = RedisServer(port=port)
    redis.start()
    try:
        path = os.path.join(scratch, 'job')
        site.run('put', 'quick-job', json.dumps({'file': path}))
        eventually(lambda: os.path.exists(path + '.finished'), 'the worker finding Redis')
        assert 'Traceback' not in worker.output, worker.report()
    finally:
        redis.stop()


def test_server_that_finds_no_redis_answers_with_an_error_and_recovers(sites):
    port = free_port()
    site = sites(SUT_LAYERS='redis', SUT_REDIS='redis://127.0.0.1:%d/0' % port)
    server, web = site.server()
    # daphne 1.4.2 hears of it as if a worker answered.
    assert get(web, '/hello/').status == 503
    assert server.process.poll() is None, server.report()

    redis = RedisServer(port=port)
    redis.start()
    try:
        site.manage('runworker')
        eventually(lambda: get(web, '/hello/').status == 200, 'the server finding Redis')
    finally:
        redis.stop()


def test_command_that_finds_no_redis_names_its_address(sites):
    port = free_port()
    site = sites(SUT_LAYERS='redis', SUT_REDIS='redis://127.0.0.1:%d/0' % port)
    program = site.manage('put', 'quick-job', '{"file": "nowhere"}')
    assert program.wait_for_exit() != 0
    assert '127.0.0.1:%d' % port in program.output, program.report()
