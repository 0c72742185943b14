"""
Packages that others made for Channels 1.x: their own tests, on 1.1.8 and on this project.

CHANNELS_FAMILY_PACKAGES is a folder with the packages and what else they
need, installed without the `channels` that they require.
CHANNELS_FAMILY_PYTHON is the Python of an environment with Channels 1.1.8.
"""
from __future__ import unicode_literals

import collections
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))

Suite = collections.namedtuple('Suite', 'package label settings count')

#: label is that of Django's "test" command, count how many tests there are.
#: The channels-api for Python 2 is 0.4.0, that for Python 3 is 0.4.1.
SUITES = [Suite('channels-api', 'tests', 'tests.test_settings', 17 if sys.version_info < (3,) else 19)]
if sys.version_info >= (3,):
    # It has never been one for Python 2.
    SUITES.append(Suite('django-cq', 'cq.tests', 'cq_project.settings', 44))

#: "python -m django" is not there on Django 1.8.
TEST = 'import sys; from django.core import management; ' \
       'management.execute_from_command_line(["", "test", sys.argv[1]])'


def start(python, suite, redis):
    """Start the tests of a suite on python, so that both sides run at the same time."""
    folder = os.environ['CHANNELS_FAMILY_PACKAGES']
    return subprocess.Popen(
        [python, '-W', 'ignore', '-c', TEST, suite.label], cwd=folder, env=dict(
            os.environ, PYTHONPATH=os.pathsep.join([folder, HERE]), DJANGO_SETTINGS_MODULE=suite.settings,
            CQ_REDIS=redis, PYTHONDONTWRITEBYTECODE='1'),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def result(started):
    """Return (whether all passed, how many ran, what was said)."""
    output = started.communicate()[0].decode('utf-8', 'replace')
    ran = re.search(r'Ran (\d+) tests', output)
    return started.returncode == 0, int(ran.group(1)) if ran else 0, output[-3000:]


@pytest.mark.parametrize('suite', SUITES, ids=[suite.package for suite in SUITES])
def test_the_tests_of_a_package_pass_as_they_do_on_the_real_one(suite, redis):
    # Each side has a database of its own, in Redis, too.
    pythons = (os.environ['CHANNELS_FAMILY_PYTHON'], sys.executable)
    both = [start(python, suite, redis.url[:-1] + str(number)) for number, python in enumerate(pythons)]
    theirs, ours = [result(started) for started in both]
    assert theirs[:2] == (True, suite.count), theirs[2]
    assert ours[:2] == (True, suite.count), ours[2]
