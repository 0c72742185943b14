"""
What run.py is made of: environments, processes, schedule, statistics, report.

Interpreters, environments and wheels are the business of tests/harness, which
runtests.py uses too; it is put on the path here, as the package `harness`.
"""
import pathlib
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
BENCHMARKS = CHECKOUT / 'benchmarks'

if str(CHECKOUT / 'tests') not in sys.path:
    sys.path.insert(1, str(CHECKOUT / 'tests'))
