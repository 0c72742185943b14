"""
The command that shows that a merge changes nothing which Django's tests see.

It runs Django's whole own test suite on the tree as it came and on the merged
one, and compares what failed. ``python compare_suites.py --help`` explains it.
"""
from __future__ import absolute_import, print_function

import argparse
import io
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
  python compare_suites.py --python env313/bin/python --unpatched-python shims313/bin/python \\
      --expected failing_tests.txt Django-1.10.8.tar.gz

Each Python needs what Django's runner needs: tblib, and on 2.7 also mock and
enum34. A whole suite takes 3 minutes or so on 2 cores, so a Python takes 6.

The merged tree starts on Python 3.8 and later by itself. The unpatched one
needs an environment there that has the backport installed, for its shims
while it is imported; no file of the tree is changed.

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


def dotted_name(heading):
    """Return the dotted name of the test in a heading such as "FAIL: test_x (module.Class)"."""
    match = re.match(r'[A-Z ]+: (\S+) \((\S+?)\)', heading)
    if match is None:
        raise SuiteError('unittest wrote a heading of a new kind: %s' % heading)
    name, where = match.groups()
    # From Python 3.11 on the part in parentheses has the method, too.
    return where if where.endswith('.' + name) else '%s.%s' % (where, name)


def read_expected(path, version):
    """Return {dotted name: whether it fails on some machines only} for the Python `version`, 'X.Y', of a list."""
    expected = {}
    with io.open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith('#') or (line.startswith('[') and line.endswith(']')):
                continue
            found = re.match(r'^([\w.]+)((?: +\d+\.\d+\??)+)$', line)
            if found is None:
                raise SuiteError(
                    '%s, line %d: a test and the Pythons on which it fails were expected, such as '
                    '"module.Class.test_x  3.11 3.13?"' % (path, number)
                )
            for python in found.group(2).split():
                if python.rstrip('?') == version:
                    expected[found.group(1)] = python.endswith('?')
    return expected


def compare_with_list(outcome, expected):
    """Return (equal, report) for an Outcome and what read_expected() returned; the report is lines of text."""
    failed = {dotted_name(heading) for heading in outcome.failed}
    lines = ['not in the list: %s' % name for name in sorted(failed - set(expected))]
    lines += [
        'in the list, but did not fail: %s' % name
        for name in sorted(set(expected) - failed) if not expected[name]
    ]
    equal = not lines
    lines.append('%d failed: %s' % (len(failed), 'AS LISTED' if equal else 'NOT AS LISTED'))
    return equal, lines


def settle(outcome, expected, run):
    """
    Return the Outcome without what fails in company only, and the report of that.

    Beside others, in the same process or another, some of Django's tests fail
    now and then. Those that `expected` doesn't name are run again, all alone:
    `run` is called with a list of dotted names and returns an Outcome.
    """
    suspects = {
        heading: dotted_name(heading) for heading in outcome.failed
        if dotted_name(heading) not in expected and '_FailedTest' not in heading
    }
    if not suspects:
        return outcome, []
    failed_again = {dotted_name(heading) for heading in run(sorted(set(suspects.values()))).failed}
    settled = {heading for heading, name in suspects.items() if name not in failed_again}
    counts = dict(outcome.counts)
    for heading in settled:
        word = {'FAIL': 'failures', 'ERROR': 'errors'}.get(heading.split(':')[0], 'unexpected successes')
        counts[word] -= 1
        if not counts[word]:
            del counts[word]
    return Outcome(counts, outcome.failed - settled), [
        'failed, but not when it ran alone: %s' % suspects[heading] for heading in sorted(settled)
    ]


def run_suite(python, tree, labels, parallel):
    """Run the suite of `tree` with the interpreter `python`; return its Outcome."""
    command = [python, 'runtests.py', '--parallel=%d' % parallel] + labels
    if getattr(os, 'geteuid', int)() == 0 and runs(DROP_ROOT + ['true']):
        command = DROP_ROOT + command
    process = subprocess.Popen(
        command, cwd=os.path.join(tree, 'tests'), env=dict(os.environ, PYTHONPATH=tree),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    output = process.communicate()[0].decode('utf-8', 'replace').replace('\r\n', '\n')
    # An environment may have a Django of its own.
    if "installed in '%s'" % os.path.join(os.path.realpath(tree), 'django') not in output:
        raise SuiteError('The run did not test the Django in %s. Its first lines:\n%s' % (tree, output[:3000]))
    return parse_output(output)


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


def compare_trees(python, unpatched_python, source, labels, parallel, expected=None):
    """
    Run the patched side with `python`, the other with `unpatched_python`, print
    the report, and return whether they are equal, and as the list of failing
    tests, the path `expected`, says.
    """
    for each in (python, unpatched_python):
        check_python(each, parallel)
    print('%s, %s' % (source, python))
    known = {}
    if expected is not None:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.check_output([python, '-c', code]).decode('ascii').strip()
        known = read_expected(expected, version)
    with packing.scratch_tree(source) as tree:
        merging.check_source(tree)
        if merging.is_merged(tree):
            merging.write_changes(tree, merging.reverse_changes(tree))
        unpatched, alone = settle(
            run_suite(unpatched_python, tree, labels, parallel), known,
            lambda names: run_suite(unpatched_python, tree, names, 1),
        )
    # A fresh copy: the first run may have left files behind.
    with packing.scratch_tree(source) as tree:
        if not merging.is_merged(tree):
            merging.write_changes(tree, merging.merge_changes(tree))
        patched, more_alone = settle(
            run_suite(python, tree, labels, parallel), known, lambda names: run_suite(python, tree, names, 1),
        )
    equal, lines = compare(unpatched, patched)
    if expected is not None:
        as_listed, more = compare_with_list(patched, known)
        equal, lines = equal and as_listed, lines + more
    print('\n'.join(alone + more_alone + lines))
    sys.stdout.flush()
    return equal


def main(arguments):
    """Do what the list `arguments` asks for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog='compare_suites.py', description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--python', action='append', metavar='PYTHON', help='interpreter to use; repeatable')
    parser.add_argument(
        '--unpatched-python', action='append', metavar='PYTHON',
        help='interpreter for the unpatched side, one for each --python (default: the same)',
    )
    parser.add_argument(
        '--expected', metavar='FILE', help='list of the tests that fail, such as failing_tests.txt; another is one '
        'more difference.',
    )
    parser.add_argument('--parallel', type=int, default=2, metavar='N', help='processes per run (default: 2)')
    parser.add_argument('source', metavar='SOURCE', help="folder or .tar.gz of Django's source distribution")
    parser.add_argument('labels', nargs='*', metavar='LABEL', help="only these of Django's tests")
    options = parser.parse_args(arguments)
    pythons = options.python or [sys.executable]
    unpatched_pythons = options.unpatched_python or pythons
    if len(pythons) != len(unpatched_pythons):
        parser.error('--unpatched-python must be given as often as --python.')
    if options.expected and options.labels:
        parser.error('--expected lists what fails in the whole suite; leave out the labels.')
    try:
        results = [
            compare_trees(os.path.abspath(python), os.path.abspath(unpatched), options.source, options.labels,
                          options.parallel, options.expected)
            for python, unpatched in zip(pythons, unpatched_pythons)
        ]
    except (SuiteError, merging.MergeError, EnvironmentError) as error:
        print('compare_suites.py: %s' % error, file=sys.stderr)
        return 2
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
