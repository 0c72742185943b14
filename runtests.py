#!/usr/bin/env python
"""
Run all tests on every pair of Python and Django: `python runtests.py --help`.

What it does is in tests/harness/; this file only finds that folder.
"""
from __future__ import print_function

import os
import sys

if __name__ == '__main__':
    if sys.version_info < (3, 9):
        sys.exit('runtests.py itself needs Python 3.9 or later (it runs the tests on others): python3.11 runtests.py')
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tests'))
    from harness.cli import main
    sys.exit(main())
