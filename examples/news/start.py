#!/usr/bin/env python3
"""
Set up the example "news" and start it, with one command.

    python3 examples/news/start.py

A page that shows headlines as they are posted, over server-sent events: an
HTTP response that doesn't end. With NEWS_REDIS_URL set
(redis://127.0.0.1:6379/0) an interface server and two workers serve it.

This file needs Python 3.9 or later; see --help for the example on an older
Python or an older Django.
"""
import os
import sys

if sys.version_info < (3, 9):
    sys.exit('This command itself needs Python 3.9 or later; its option --python chooses an older one.')

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from starting.command import Example, main  # noqa: E402: found through the line above

NEWS = Example(
    name='news', title='News are read', prepare=[['migrate', '-v', '0']], workers=[[], []],
    hint=['Open it in two windows, and post a headline in one of them.'],
)

if __name__ == '__main__':
    sys.exit(main(NEWS))
