"""
The chat on Djangos that are older than the Python they run on, by one command.

It makes environments of its own, which takes its time; so it is tested with
one Python only.
"""
import glob
import os
import subprocess
import tempfile

import pytest
from browser import Browser
from programs import free_port
from start_command import SETTING_UP, Command
from subject import python_under_test

pytestmark = pytest.mark.skipif(
    not os.environ.get('CHANNELS_SYSTEM_PAIR', 'py3.13').startswith('py3.13-dj6'),
    reason='old Djangos by one command are tested on the newest Python',
)

#: Prints the version of Django, and whether django.channels is its own.
WHICH = """
import django
import os
print(django.get_version(), os.path.isdir(os.path.join(os.path.dirname(django.__file__), 'channels')))
"""


@pytest.mark.parametrize('options, label, answer', [
    (['--django', '1.8.19'], '1.8.19', '1.8.19 False'),
    (['--patched'], '1.10.8-patched', '1.10.8 True'),
])
def test_two_people_talk_on_an_old_django_under_a_python_of_today(options, label, answer):
    with tempfile.TemporaryDirectory() as folder:
        command = Command(folder)
        alice = bob = None
        try:
            port = free_port()
            program = command.start('--python', python_under_test(), '--port', str(port), *options)
            program.wait_for('http://localhost:%d/' % port, timeout=2 * SETTING_UP)
            environments = os.path.join(command.folder, 'examples', '.envs')
            python, = glob.glob(os.path.join(environments, 'python*-django-' + label, 'bin', 'python'))
            assert subprocess.check_output([python, '-c', WHICH], text=True).strip() == answer

            alice, bob = Browser(), Browser()
            for browser, name in ((alice, 'alice'), (bob, 'bob')):
                browser.log_in('http://127.0.0.1:%d' % port, name)
                browser.enter()
            before = bob.lines()
            alice.say('Hello from 2016')
            for browser in (alice, bob):
                browser.until_lines(before + [('alice', 'Hello from 2016')])
            assert 'Traceback' not in program.output, program.report()
        finally:
            for browser in (alice, bob):
                if browser is not None:
                    browser.close()
            command.stop()
