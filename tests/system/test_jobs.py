"""Jobs on acknowledged channels, while their workers are killed, frozen and stopped."""
import os
import signal
import time

import pytest
from programs import eventually
from redis_server import RedisServer

pytestmark = pytest.mark.both_eras

NUMBER = 400
#: With these, nothing that Redis has confirmed is lost with it.
ALWAYS = ('--appendonly', 'yes', '--appendfsync', 'always')
LONG = bool(os.environ.get('CHANNELS_LONG_TESTS'))


def done(path):
    """Return the numbers of the jobs whose result was noted, in order."""
    try:
        with open(path) as file:
            return [int(line) for line in file.read().split()]
    except OSError:
        return []


@pytest.fixture
def lasting_redis():
    server = RedisServer(options=ALWAYS).start()
    yield server
    server.stop()


def test_jobs_outlive_their_workers_and_redis(sites, lasting_redis, scratch):
    """
    Each is done, whatever becomes of those who had it.

    What is done twice had its worker killed or frozen between its last effect
    and its acknowledgement, or had that refused by a Redis that was away, which
    is a moment: few of them. benchmarks/numbered_jobs.py does the same with
    more of everything, and says of each why.
    """
    redis = lasting_redis
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_ROUTING='jobs')
    site.run('migrate', '-v', '0')
    path = os.path.join(str(scratch), 'jobs')
    site.run('put_jobs', path, str(NUMBER))
    workers = [site.manage('runworker', '--threads', '2') for _ in range(3)]
    eventually(lambda: len(done(path)) > NUMBER // 10, 'the first jobs')
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].wait_for_exit()
    os.kill(workers[1].pid, signal.SIGSTOP)
    killed = time.monotonic()
    # It is away for a moment: SIGKILL.
    redis.restart()
    eventually(lambda: len(set(done(path))) == NUMBER, 'the last job')
    # What a killed worker held comes at once, what a frozen one held once it is missed.
    assert time.monotonic() - killed < 60
    os.kill(workers[1].pid, signal.SIGCONT)
    for worker in workers[1:]:
        worker.stop()
    numbers = done(path)
    assert sorted(set(numbers)) == list(range(NUMBER))
    assert len(numbers) - NUMBER <= 8, 'done twice: %d' % (len(numbers) - NUMBER)


@pytest.mark.skipif(not LONG, reason='It takes two minutes: --long.')
def test_a_job_of_two_minutes_is_done_once(sites, redis, scratch):
    """Its worker is heard of every five seconds meanwhile, and the others leave it alone."""
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_ROUTING='jobs', SUT_JOB_SECONDS='120')
    site.run('migrate', '-v', '0')
    path = os.path.join(str(scratch), 'jobs')
    workers = [site.manage('runworker') for _ in range(3)]
    site.run('put_jobs', path, '1')
    began = time.monotonic()
    eventually(lambda: done(path), 'its end', 180)
    assert time.monotonic() - began > 110
    # What was requeued would be done by now, or be in its second run.
    for worker in workers:
        worker.stop()
        assert 'requeued' not in worker.output
    assert done(path) == [0]


def test_schedules_are_run_once_by_several_workers(sites, redis, scratch):
    """Each run is sent by one of them, also when one is killed that had planned it."""
    path = os.path.join(str(scratch), 'ticks')
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_ROUTING='ticks', SUT_TICKS=path)
    site.run('migrate', '-v', '0')
    workers = [site.manage('runworker') for _ in range(3)]
    eventually(lambda: len(done(path)) > 3, 'the first runs')
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].wait_for_exit()
    before = len(done(path))
    eventually(lambda: len(done(path)) > before + 3, 'runs without the one that was killed')
    for worker in workers[1:]:
        worker.stop()
    runs = int(site.run('count_runs').raw('stdout'))
    # The one that was killed may have noted its last, and not said so.
    assert runs <= len(done(path)) <= runs + 1
