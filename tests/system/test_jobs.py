"""Jobs on acknowledged channels, while their workers are killed, frozen and stopped."""
import os
import signal
import time

import pytest
from programs import eventually

pytestmark = pytest.mark.both_eras

NUMBER = 400


def done(path):
    """Return the numbers of the jobs whose result was noted, in order."""
    try:
        with open(path) as file:
            return [int(line) for line in file.read().split()]
    except OSError:
        return []


def test_jobs_outlive_their_workers(sites, redis, scratch):
    """
    Each is done, whatever becomes of those who had it.

    What is done twice had its worker killed or frozen between its last effect
    and its acknowledgement, which is a moment: few of them.
    """
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
    eventually(lambda: len(set(done(path))) == NUMBER, 'the last job')
    # What a killed worker held comes at once, what a frozen one held once it is missed.
    assert time.monotonic() - killed < 60
    os.kill(workers[1].pid, signal.SIGCONT)
    for worker in workers[1:]:
        worker.stop()
    numbers = done(path)
    assert sorted(set(numbers)) == list(range(NUMBER))
    assert len(numbers) - NUMBER <= 8, 'done twice: %d' % (len(numbers) - NUMBER)


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
