#!/usr/bin/env python3
"""
Set up the example "blog" and start it, with one command.

    python3 examples/blog/start.py

A live blog: what an editor saves or deletes in Django's admin is on the
readers' page at once, by data binding. With BLOG_REDIS_URL set
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

BLOG = Example(
    name='blog', title='The live blog runs', prepare=[['migrate', '-v', '0'], ['demo']], workers=[[], []],
    hint=['Write in its admin, /admin/, as "editor" (the password is the name), with the page open beside it.'],
)

if __name__ == '__main__':
    sys.exit(main(BLOG))
