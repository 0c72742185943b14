#!/usr/bin/env python3
"""
Set up the chat and start it, with one command and nothing but Python.

    python3 examples/chat/start.py

The first run makes a virtual environment (in ``examples/.envs/``), builds this
checkout's packages, installs them with Django, creates the database and the
demo users, and starts the chat; later runs start at once.

By default everything runs in one process. With the environment variable
CHAT_REDIS_URL set (redis://127.0.0.1:6379/0) messages go through that Redis,
and an interface server and two worker processes are started.

This file needs Python 3.9 or later; the chat itself also runs on older ones:
``--python ~/.pyenv/versions/2.7.18/bin/python --django 1.8.19``. And an old
Django runs on a Python of today: ``--django 1.8.19``, or ``--patched`` for
Django 1.10.8 with the patch set.
"""
import os
import sys

if sys.version_info < (3, 9):
    sys.exit('This command itself needs Python 3.9 or later; its option --python chooses an older one for the chat.')

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from starting.command import Example, main  # noqa: E402: found through the line above

CHAT = Example(
    name='chat', title='The chat runs', prepare=[['migrate', '-v', '0'], ['demo']], workers=[[], []], hint=[
        'Log in as alice, bob or carol (the password is the name), or sign up.',
        'Open it in two windows, one of them private, to be two people.',
    ],
)

if __name__ == '__main__':
    sys.exit(main(CHAT))
