"""
The command that shows that a merge changes nothing which Django's tests see.

It runs Django's whole own test suite on the tree as it came and on the merged
one, and compares what failed. ``python compare_suites.py --help`` explains it.
"""
from __future__ import absolute_import, print_function

import argparse
import os
import re
import subprocess
import sys
from collections import namedtuple

import merging
import packing

DESCRIPTION = """\
Run Django's whole own test suite twice, on the unpatched and on the merged
tree, with each Python given, and compare. Tests that fail on both sides fail
for Django's own reasons (old Django, new sqlite); only a difference counts.
"""

EPILOG = """\
examples:
  python compare_suites.py --python env27/bin/python Django-1.10.8.tar.gz
  python compare_suites.py --python env36/bin/python Django-1.10.8 admin_scripts staticfiles_tests

Each Python needs what Django's runner needs: tblib, and on 2.7 also mock and
enum34. A whole suite takes 3 minutes or so on 2 cores, so a Python takes 6.

exit status: 0 equal, 1 different, 2 a run that can't be compared.
"""

# Without these, root may do what some tests want to see refused.
DROP_ROOT = [
    'setpriv', '--inh-caps=-dac_override,-dac_read_search', '--bounding-set=-dac_override,-dac_read_search',
]

#: What one run of the suite came to: `counts` is {word: number}, with the
#: words of unittest's last line, `failed` the set of "FAIL: test (class)".
Outcome = namedtuple('Outcome', 'counts failed')


class SuiteError(Exception):
    """Raised when a run of the suite gave nothing to compare."""


def parse_output(text):
    """Return the Outcome that the runner's output `text` reports."""
    ran = re.findall(r'^Ran (\d+) tests? in ', text, re.M)
    summary = re.findall(r'^(?:OK|FAILED)(?: \((.*)\))?\s*$', text, re.M)
    if not ran or not summary:
        raise SuiteError('The run did not come to its end. Its last lines:\n%s' % text[-3000:])
    counts = {'tests': int(ran[-1])}
    for word, number in re.findall(r'([a-z ]+)=(\d+)', summary[-1]):
        counts[word.strip()] = int(number)
    if not counts['tests']:
        raise SuiteError('The run had no tests. Its last lines:\n%s' % text[-3000:])
    headings = re.findall(r'^={70}\n((?:FAIL|ERROR|UNEXPECTED SUCCESS): .+)$', text, re.M)
    # Addresses differ from run to run.
    return Outcome(counts, {re.sub(r' at 0x[0-9a-f]+', '', heading) for heading in headings})


def compare(unpatched, patched):
    """Return (equal, report) for two Outcome values; the report is lines of text."""
    lines = ['%-22s %10s %10s' % ('', 'unpatched', 'patched')]
    for word in ['tests'] + sorted((set(unpatched.counts) | set(patched.counts)) - {'tests'}):
        numbers = unpatched.counts.get(word, 0), patched.counts.get(word, 0)
        lines.append('%-22s %10d %10d%s' % ((word,) + numbers + ('' if len(set(numbers)) == 1 else '   <- differs',)))
    for title, failed in [
        ('on both', unpatched.failed & patched.failed),
        ('only unpatched', unpatched.failed - patched.failed),
        ('only patched', patched.failed - unpatched.failed),
    ]:
        lines += ['%s: %s' % (title, heading) for heading in sorted(failed)]
    equal = unpatched == patched
    lines.append('EQUAL' if equal else 'DIFFERENT')
    return equal, lines


def run_suite(python, tree, labels, parallel):
    """Run the suite of `tree` with the interpreter `python`; return its Outcome."""
    command = [python, 'runtests.py', '--parallel=%d' % parallel] + labels
    if getattr(os, 'geteuid', int)() == 0 and runs(DROP_ROOT + ['true']):
        command = DROP_ROOT + command
    process = subprocess.Popen(
        command, cwd=os.path.join(tree, 'tests'), env=dict(os.environ, PYTHONPATH=tree),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    return parse_output(process.communicate()[0].decode('utf-8', 'replace').replace('\r\n', '\n'))


def runs(command):
    """Return whether `command` can be run and succeeds."""
    try:
        return subprocess.call(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) == 0
    except OSError:
        return False


def check_python(python, parallel):
    """Raise SuiteError unless `python` has what Django's runner needs."""
    code = 'import sys\nif sys.version_info[0] == 2:\n    import mock, enum\n'
    if parallel > 1:
        code += 'import tblib\n'
    if not runs([python, '-c', code]):
        raise SuiteError(
            "%s can't run Django's tests. Install what they need: %s -m pip install tblib "
            '(and on Python 2.7: mock==3.0.5 enum34).' % (python, python)
        )


def compare_trees(python, source, labels, parallel):
    """Run both sides with `python`, print the report, return whether they are equal."""
    check_python(python, parallel)
    print('%s, %s' % (source, python))
    with packing.scratch_tree(source) as tree:
        merging.check_source(tree)
        if merging.is_merged(tree):
            merging.write_changes(tree, merging.reverse_changes(tree))
        unpatched = run_suite(python, tree, labels, parallel)
    # A fresh copy: the first run may have left files behind.
    with packing.scratch_tree(source) as tree:
        if not merging.is_merged(tree):
            merging.write_changes(tree, merging.merge_changes(tree))
        patched = run_suite(python, tree, labels, parallel)
    equal, lines = compare(unpatched, patched)
    print('\n'.join(lines))
    sys.stdout.flush()
    return equal


def main(arguments):
    """Do what the list `arguments` asks for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog='compare_suites.py', description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--python', action='append', metavar='PYTHON', help='interpreter to use; repeatable')
    parser.add_argument('--parallel', type=int, default=2, metavar='N', help='processes per run (default: 2)')
    parser.add_argument('source', metavar='SOURCE', help="folder or .tar.gz of Django's source distribution")
    parser.add_argument('labels', nargs='*', metavar='LABEL', help="only these of Django's tests")
    options = parser.parse_args(arguments)
    try:
        results = [
            compare_trees(os.path.abspath(python), options.source, options.labels, options.parallel)
            for python in options.python or [sys.executable]
        ]
    except (SuiteError, merging.MergeError, EnvironmentError) as error:
        print('compare_suites.py: %s' % error, file=sys.stderr)
        return 2
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
