#!/usr/bin/env python3
"""
Measure the project against its peers: `python3 benchmarks/run.py --help`.

What it does is in harness/, what is measured in workloads/, and who is
measured in peers/; this file only finds them.
"""
import os
import sys

if __name__ == '__main__':
    if sys.version_info < (3, 9):
        sys.exit('benchmarks/run.py needs Python 3.9 or later (it measures on others): python3.11 benchmarks/run.py')
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from benchmarks.harness.cli import main
    sys.exit(main())
