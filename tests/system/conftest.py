"""Fixtures of the system tests: Redis, running programs, browsers."""
import os
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'channels_tests')]

import subject  # noqa: E402
from redis_server import RedisServer  # noqa: E402: found through the line above


def pytest_configure(config):
    """Tell pytest of the markers by which runtests.py leaves tests out on some pairs."""
    config.addinivalue_line('markers', 'once: neither Django nor Python makes a difference to it; runs on one pair')
    config.addinivalue_line(
        'markers', "both_eras: Django makes no difference to it; runs on Python 2.7 and on one of today's")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show the output of the programs that a failed test used."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for value in getattr(item, 'funcargs', {}).values():
            for used in getattr(value, 'made', [getattr(value, 'subject', value)]):
                if isinstance(used, subject.Subject):
                    report.sections.extend(used.report())


@pytest.fixture
def redis():
    """A real Redis of the test's own, running."""
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def scratch():
    """A folder of the test's own; its path is short, as sockets want it."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@pytest.fixture
def site(redis, scratch):
    """The project over Redis; the test starts the workers."""
    project = subject.site(scratch, SUT_LAYERS='redis', SUT_REDIS=redis.url)
    yield project
    project.stop()


class Sites:
    """Makes projects with settings of their own, by calling it."""

    def __init__(self, folder):
        self.folder = folder
        self.made = []

    def __call__(self, **env):
        self.made.append(subject.site(self.folder, **env))
        return self.made[-1]


@pytest.fixture
def sites(scratch):
    """A function that makes a Subject; keyword arguments are its environment."""
    made = Sites(scratch)
    yield made
    for site in made.made:
        site.stop()
