#!/usr/bin/env python3
"""
Set up the example "reports" and start it, with one command.

    REPORTS_REDIS_URL=redis://127.0.0.1:6379/0 python3 examples/reports/start.py

A page starts jobs and shows how far they are. With a Redis, jobs run in two
processes of their own, and outlive them: the page names the process that makes a
report, so that you can ``kill -9`` it and look on while the other goes on.

Without the environment variable everything runs in one process, and a report
that is being made ends with it.

This file needs Python 3.9 or later; see --help for the example on an older
Python or an older Django.
"""
import os
import sys

if sys.version_info < (3, 9):
    sys.exit('This command itself needs Python 3.9 or later; its option --python chooses an older one.')

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from starting.command import Example, main  # noqa: E402: found through the line above

REPORTS = Example(
    name='reports', title='Reports are made', prepare=[['migrate', '-v', '0']],
    # A worker for pages and sockets, which don't wait for the jobs of the others.
    workers=[['--exclude-channels', 'reports'], ['--only-channels', 'reports'], ['--only-channels', 'reports']],
    hint=[
        'Start one, then "kill -9" the process that the page names, and look on.'
        if os.environ.get('REPORTS_REDIS_URL') else
        'With REPORTS_REDIS_URL they are made in processes of their own, which you may kill.',
    ],
)

if __name__ == '__main__':
    sys.exit(main(REPORTS))
