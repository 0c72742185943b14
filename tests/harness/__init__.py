"""
The parts of runtests.py: interpreters, environments, pairs, steps, report.

Runs on Python 3.9 and later with the standard library alone; the Pythons and
Djangos under test live in environments of their own (see environments.py).
"""
