"""The tests of a project with ChannelLiveServerTestCase, on Channels 1.1.8 and on this project."""
from __future__ import unicode_literals

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TEST = 'import sys; from django.core import management; ' \
       'management.execute_from_command_line(["", "test", "live_project", "-v2", "--noinput"])'


def start(python, packages, database, redis):
    """Start the tests on python, beside `packages` (folders), so that both sides run at the same time."""
    return subprocess.Popen(
        [python, '-W', 'ignore', '-c', TEST], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(
            os.environ, PYTHONPATH=os.pathsep.join(packages + [HERE]),
            DJANGO_SETTINGS_MODULE='live_project.settings', LIVE_REDIS=redis, LIVE_DATABASE=database,
            PYTHONDONTWRITEBYTECODE='1'))


def result(started):
    """Return ({test: whether it passed}, what was said)."""
    output = started.communicate()[0].decode('utf-8', 'replace')
    told = re.findall(r'^(test_\w+) \([\w.]*?(\w+)\) \.\.\. (?:.*?\n)*?.*?(ok|FAIL|ERROR)$', output, re.MULTILINE)
    return {'%s.%s' % (case, name): outcome == 'ok' for name, case, outcome in told}, output


def test_live_servers_do_what_they_did(redis, tmpdir):
    sides = [(os.environ['CHANNELS_FAMILY_PYTHON'], [os.environ['CHANNELS_FAMILY_PACKAGES']]), (sys.executable, [])]
    # Each side has databases of its own, in Redis, too.
    started = [
        start(python, packages, str(tmpdir.join('%d.sqlite3' % number)), redis.url[:-1] + str(number))
        for number, (python, packages) in enumerate(sides)
    ]
    (theirs, said_there), (ours, said_here) = [result(each) for each in started]
    assert len(theirs) == 13 and all(theirs.values()), said_there
    assert ours == theirs, said_here
