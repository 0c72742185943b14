"""What a worker process does when it is told to stop."""
import os
import signal
import socket

import pytest
from programs import PATIENCE, eventually

pytestmark = pytest.mark.both_eras

SIGNALS = [signal.SIGTERM, signal.SIGINT]
THREADS = [[], ['--threads', '3']]


def exists(path):
    return lambda: os.path.exists(path)


@pytest.mark.parametrize('threads', THREADS, ids=['one thread', 'three threads'])
@pytest.mark.parametrize('signum', SIGNALS)
def test_worker_finishes_the_message_in_flight_and_takes_no_other(site, scratch, signum, threads):
    slow, quick = os.path.join(scratch, 'slow'), os.path.join(scratch, 'quick')
    worker = site.manage('runworker', *threads)
    site.put('slow-job', slow)
    eventually(exists(slow + '.started'), 'the consumer starting')

    worker.signal(signum)
    site.put('quick-job', quick)
    assert worker.process.poll() is None, worker.report()
    assert not os.path.exists(slow + '.finished')
    open(slow + '.go', 'w').close()

    assert worker.wait_for_exit() == 0, worker.report()
    assert os.path.exists(slow + '.finished')
    assert 'Traceback' not in worker.output
    assert not os.path.exists(quick + '.finished')
    # The message that it left alone is not lost.
    site.manage('runworker', *threads)
    eventually(exists(quick + '.finished'), 'the next worker taking it')


@pytest.mark.parametrize('threads', THREADS, ids=['one thread', 'three threads'])
@pytest.mark.parametrize('signum', SIGNALS)
def test_idle_worker_ends_at_once(site, scratch, signum, threads):
    quick = os.path.join(scratch, 'quick')
    worker = site.manage('runworker', *threads)
    site.put('quick-job', quick)
    eventually(exists(quick + '.finished'), 'the worker being ready')
    worker.signal(signum)
    assert worker.wait_for_exit(5) == 0, worker.report()
    assert 'Traceback' not in worker.output


def test_consumer_that_raises_is_logged_and_harms_nothing_else(site, scratch):
    quick = os.path.join(scratch, 'quick')
    worker = site.manage('runworker')
    site.put('broken-job', quick)
    worker.wait_for('ZeroDivisionError: a consumer that raises')
    assert 'broken-job' in worker.output
    site.put('quick-job', quick)
    eventually(exists(quick + '.finished'), 'the same worker going on')
    assert worker.process.poll() is None


@pytest.fixture
def silent_redis():
    """A listening socket that is taken for a Redis, and says nothing."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        listener.settimeout(PATIENCE)
        yield listener


@pytest.mark.parametrize('command, status', [
    (['runworker'], -signal.SIGINT),
    (['runworker', '--processes', '2'], -signal.SIGINT),
    (['runchannels'], -signal.SIGINT),
    (['channels', 'status'], -signal.SIGINT),
    (['channels', 'drain', 'jobs'], -signal.SIGINT),
    # Ctrl-C is how it ends at any time.
    (['channels', 'watch'], 0),
    (['runserver', '--noreload'], 0),
], ids=lambda value: ' '.join(value) if isinstance(value, list) else '')
def test_a_command_that_waits_for_a_silent_redis_ends_at_ctrl_c(sites, silent_redis, command, status):
    program = sites(SUT_LAYERS='redis', SUT_REDIS='redis://127.0.0.1:%d/0' % silent_redis.getsockname()[1]).manage(
        *command)
    # It has begun to ask, and waits for the answer.
    with silent_redis.accept()[0]:
        program.signal(signal.SIGINT)
        assert program.wait_for_exit() == status, program.report()
    assert 'Traceback' not in program.output
    if status:
        assert program.output.endswith('%s was ended by Ctrl-C.\n' % command[0])
