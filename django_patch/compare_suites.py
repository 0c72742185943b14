"""
The command that shows that a merge changes nothing which Django's tests see.

It runs Django's whole own test suite on the tree as it came and on the merged
one, and compares what failed. ``python compare_suites.py --help`` explains it.
"""
from __future__ import absolute_import, print_function

import argparse
import os
import subprocess
import sys

import merging
import packing
from outcomes import (
    NOTHING, Outcome, SuiteError, compare, compare_failing, compare_with_list, dotted_name, parse_output, read_count,
    read_expected,
)

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
enum34. A whole suite takes 3 minutes or so on 2 cores, so a Python takes 6,
and half of that with --only-failing: then the merged tree must run as many
tests as the list has for a tree as it came, and what the list names or fails
there runs on the unpatched one as well.

The merged tree starts on Python 3.8 and later by itself. The unpatched one
needs an environment there that has the backport installed, for its shims
while it is imported; no file of the tree is changed.

exit status: 0 equal, 1 different, 2 a run that can't be compared.
"""

# Without these, root may do what some tests want to see refused.
DROP_ROOT = [
    'setpriv', '--inh-caps=-dac_override,-dac_read_search', '--bounding-set=-dac_override,-dac_read_search',
]


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


def python_version(python):
    """Return the version 'X.Y' of an interpreter."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.check_output([python, '-c', code]).decode('ascii').strip()


class Comparison(object):
    """
    Compares the suites of one source distribution: the patched side with
    `python`, the other with `unpatched_python`, an outcome with the list of
    failing tests `expected`, a path.
    """

    def __init__(self, python, unpatched_python, source, labels, parallel, expected=None):
        self.python = python
        self.unpatched_python = unpatched_python
        self.source = source
        self.labels = labels
        self.parallel = parallel
        self.expected = expected
        self.known = {} if expected is None else read_expected(expected, python_version(python))
        for each in (python, unpatched_python):
            check_python(each, parallel)

    def unpatched(self, names=None):
        """Return the Outcome and report of the tree as it came: of all, or of the tests with the dotted names."""
        with packing.scratch_tree(self.source) as tree:
            merging.check_source(tree)
            if merging.is_merged(tree):
                merging.write_changes(tree, merging.reverse_changes(tree))
            if names is not None:
                return (run_suite(self.unpatched_python, tree, names, 1) if names else NOTHING), []
            return self._run(self.unpatched_python, tree)

    def patched(self):
        """Return the Outcome and report of the merged tree, a fresh copy: a run may leave files behind."""
        with packing.scratch_tree(self.source) as tree:
            if not merging.is_merged(tree):
                merging.write_changes(tree, merging.merge_changes(tree))
            return self._run(self.python, tree)

    def _run(self, python, tree):
        return settle(
            run_suite(python, tree, self.labels, self.parallel), self.known,
            lambda names: run_suite(python, tree, names, 1),
        )

    def run(self, only_failing=False):
        """Print the report; return whether the two are equal, and as the list says."""
        print('%s, %s' % (self.source, self.python))
        if only_failing:
            patched, alone = self.patched()
            names = {dotted_name(heading) for heading in patched.failed if '_FailedTest' not in heading}
            unpatched, more_alone = self.unpatched(sorted(names | set(self.known)))
            equal, lines = compare_failing(unpatched, patched, read_count(self.expected))
        else:
            unpatched, alone = self.unpatched()
            patched, more_alone = self.patched()
            equal, lines = compare(unpatched, patched)
            if self.expected is not None and unpatched.counts['tests'] != read_count(self.expected):
                equal = False
                lines.append('the list has another number of tests: %s' % read_count(self.expected))
        if self.expected is not None:
            as_listed, more = compare_with_list(patched, self.known)
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
    parser.add_argument(
        '--only-failing', action='store_true', help='with --expected: on the unpatched tree run no more than the '
        'tests that the list names or that fail on the merged one',
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
    if options.only_failing and not options.expected:
        parser.error('--only-failing needs --expected.')
    try:
        results = [
            Comparison(
                os.path.abspath(python), os.path.abspath(unpatched), options.source, options.labels,
                options.parallel, options.expected,
            ).run(options.only_failing)
            for python, unpatched in zip(pythons, unpatched_pythons)
        ]
    except (SuiteError, merging.MergeError, EnvironmentError) as error:
        print('compare_suites.py: %s' % error, file=sys.stderr)
        return 2
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
