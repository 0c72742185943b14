"""
The commands that start the examples, for the tests to run in a copy of the checkout.
"""
import os
import shutil
import sys

from programs import Program
from subject import CHECKOUT

#: Seconds for the first run: it downloads, builds and installs.
SETTING_UP = 300


class Command:
    """Runs the commands in a copy of the checkout."""

    def __init__(self, folder):
        self.made = []
        self.folder = os.path.join(folder, 'checkout')
        unwanted = shutil.ignore_patterns('.*', '__pycache__', 'build', '*.egg-info')
        shutil.copytree(CHECKOUT, self.folder, ignore=unwanted)

    def start(self, *arguments, example='chat', **env):
        """Start an example; return the Program."""
        # From another folder: it must find its files by itself. And Python may
        # keep what it compiled, as it does for everybody.
        program = Program('start.py', [
            sys.executable, os.path.join(self.folder, 'examples', example, 'start.py'),
        ] + list(arguments), os.path.dirname(self.folder), dict(env, PYTHONDONTWRITEBYTECODE=''))
        self.made.append(program)
        return program

    def stop(self):
        """Stop all that was started."""
        while self.made:
            self.made.pop().stop()
