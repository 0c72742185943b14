"""
Outcomes of runs of Django's test suite: read from their output, and compared
with each other and with a list of the tests that fail.
"""
from __future__ import absolute_import

import io
import re
from collections import namedtuple

#: What one run of the suite came to: `counts` is {word: number}, with the
#: words of unittest's last line, `failed` the set of "FAIL: test (class)".
Outcome = namedtuple('Outcome', 'counts failed')

#: That of no test.
NOTHING = Outcome({'tests': 0}, set())


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


#: The line of a list that says how many tests an unpatched tree has.
COUNT_LINE = re.compile(r'^tests: (\d+)$')


def read_count(path):
    """Return how many tests an unpatched tree has by a list; None where it doesn't say so."""
    with io.open(path, encoding='utf-8') as lines:
        found = [match.group(1) for match in map(COUNT_LINE.match, (line.strip() for line in lines)) if match]
    return int(found[0]) if found else None


def read_expected(path, version):
    """Return {dotted name: whether it fails on some machines only} for the Python `version`, 'X.Y', of a list."""
    expected = {}
    with io.open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith('#') or (line.startswith('[') and line.endswith(']')):
                continue
            if COUNT_LINE.match(line):
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


def compare_failing(unpatched, patched, count):
    """
    Return (equal, report) for two Outcome values of which the unpatched one
    is that of a few tests, and the number of tests that the patched one must
    have; the report is lines of text.
    """
    lines = ['%-22s %10s %10d' % ('tests', count, patched.counts['tests'])]
    lines += ['on both: %s' % heading for heading in sorted(unpatched.failed & patched.failed)]
    lines += ['only unpatched: %s' % heading for heading in sorted(unpatched.failed - patched.failed)]
    lines += ['only patched: %s' % heading for heading in sorted(patched.failed - unpatched.failed)]
    equal = unpatched.failed == patched.failed and patched.counts['tests'] == count
    lines.append('EQUAL' if equal else 'DIFFERENT')
    return equal, lines


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
