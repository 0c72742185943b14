"""
Packages that others made for Channels 1.x: their own tests run on this project.

CHANNELS_FAMILY_PACKAGES is a folder with the packages and what else they
need, installed without the `channels` that they require.
"""
from __future__ import unicode_literals

import os
import re
import subprocess
import sys

import pytest

#: (label for Django's "test" command, settings, how many tests it has). The
#: channels-api for Python 2 is 0.4.0, that for Python 3 is 0.4.1.
SUITES = [('tests', 'tests.test_settings', 17 if sys.version_info < (3,) else 19)]


#: "python -m django" is not there on Django 1.8.
TEST = 'import sys; from django.core import management; ' \
       'management.execute_from_command_line(["", "test", sys.argv[1]])'


@pytest.mark.parametrize('label, settings, count', SUITES, ids=['channels-api'])
def test_the_tests_of_a_package_pass(label, settings, count):
    folder = os.environ['CHANNELS_FAMILY_PACKAGES']
    started = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-c', TEST, label], cwd=folder,
        env=dict(os.environ, PYTHONPATH=folder, DJANGO_SETTINGS_MODULE=settings),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    output = started.communicate()[0].decode('utf-8', 'replace')
    assert started.returncode == 0, output[-3000:]
    assert int(re.search(r'Ran (\d+) tests', output).group(1)) == count
