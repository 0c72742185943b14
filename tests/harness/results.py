"""Count what a test run did, from the log of unittest or the report of pytest."""
import collections
import re
import xml.etree.ElementTree

#: Python 3.12.1 alone leaves skipped tests out of "Ran N tests".
UNCOUNTED_SKIPS = ((3, 12, 1),)

_RAN = re.compile(r'^Ran (\d+) tests? in ', re.M)
_ENDED = re.compile(r'^(OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$', re.M)
_FAILING = re.compile(r'^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\w+) \(([\w.]+)\)', re.M)
_BEGUN = re.compile(r'^(\w+ \([\w.]+\))', re.M)
_SKIPPED = re.compile(r"\.\.\. .*?skipped (['\"])(.*)\1$", re.M)


class Result:
    """
    What one step gave: numbers of tests, a Counter of reasons for skips, the
    problem, a text, when the step itself went wrong (it counts as a failure
    where no test did), a note, what else is worth a remark, and the names of
    the failing tests, a list.
    """

    def __init__(self, passed=0, failed=0, skipped=0, reasons=(), problem=None, log=None, note=None, failing=()):
        self.passed = passed
        self.failed = failed
        self.skipped = skipped
        self.reasons = collections.Counter(reasons)
        self.problem = problem
        self.log = log
        self.note = note
        self.failing = list(failing)

    def __add__(self, other):
        return Result(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped,
            self.reasons + other.reasons, _joined(self.problem, other.problem), other.log or self.log,
            _joined(self.note, other.note), self.failing + other.failing,
        )

    @property
    def ok(self):
        return not self.failed and not self.problem

    @property
    def ran(self):
        return self.passed + self.failed

    def __str__(self):
        return '%d passed, %d failed, %d skipped' % (self.passed, self.failed, self.skipped)


def _joined(*texts):
    return '; '.join(text for text in texts if text) or None


def judged(result, status):
    """
    Return result, with its problem set when the exit status of the program
    says other than the numbers, or when no test ran at all.
    """
    if result.problem is None and not result.failed:
        if status == 'timeout':
            result.problem = 'ran out of time'
        elif not result.passed:
            result.problem = 'every test was skipped' if result.skipped else 'no test ran'
        elif status != 0:
            result.problem = 'exit status %s' % status
    return result


def rerun(first, second):
    """
    Return the Result of a step whose failing tests were run a second time:
    first, or, where the second run passed them all, first with these counted
    as passed and named in its note. The second run of a first one that broke
    off ran them all.
    """
    if not second.ok or second.passed < first.failed:
        return first
    if first.problem:
        second.note = _joined(second.note, 'passed when run again: ' + first.problem)
        return second
    note = 'passed when run again: ' + ', '.join(first.failing)
    return Result(
        first.passed + first.failed, 0, first.skipped, first.reasons, first.problem, first.log,
        _joined(first.note, note),
    )


def from_unittest(text, status, python):
    """
    Return the Result of a unittest run with verbosity 2, from its output
    (text), its exit status and the version of its Python (a tuple).
    """
    ran = _RAN.search(text)
    ended = _ENDED.findall(text)
    if not ran or not ended:
        begun = _BEGUN.findall(text)
        what = 'ran out of time' if status == 'timeout' else 'the run broke off'
        return Result(problem='%s in %s' % (what, begun[-1]) if begun else what)
    counts: collections.Counter = collections.Counter()
    for part in filter(None, ended[-1][1].split(', ')):
        name, number = part.split('=')
        counts[name] = int(number)
    failed = counts['failures'] + counts['errors'] + counts['unexpected successes']
    skipped = counts['skipped']
    counted_skips = 0 if python in UNCOUNTED_SKIPS else skipped
    # An error in setUpClass is no test that ran: hence never below zero.
    passed = max(0, int(ran.group(1)) - failed - counted_skips)
    reasons = [reason for _, reason in _SKIPPED.findall(text)]
    return judged(Result(passed, failed, skipped, reasons, failing=_labels(_FAILING.findall(text))), status)


def _labels(failing):
    """Return the labels of failing tests, in order and each once, from the (method, path) that unittest shows."""
    labels: dict = {}
    for method, path in failing:
        if method in ('setUpClass', 'tearDownClass', 'setUpModule', 'tearDownModule') or path.endswith('.' + method):
            # Since Python 3.11 the path of a test has its method.
            labels[path] = None
        else:
            labels['%s.%s' % (path, method)] = None
    return list(labels)


def from_junit(path, status):
    """Return the Result in the XML report that pytest wrote to path, and its exit status."""
    try:
        suites = xml.etree.ElementTree.parse(str(path)).iter('testsuite')
    except (OSError, xml.etree.ElementTree.ParseError):
        return judged(Result(problem='the run broke off' if status != 'timeout' else None), status)
    result = Result()
    for suite in suites:
        for case in suite.iter('testcase'):
            outcomes = {child.tag: child for child in case}
            if 'failure' in outcomes or 'error' in outcomes:
                result.failed += 1
                result.failing.append('%s.%s' % (case.get('classname', '').rpartition('.')[2], case.get('name')))
            elif 'skipped' in outcomes:
                result.skipped += 1
                result.reasons[outcomes['skipped'].get('message') or 'no reason given'] += 1
            else:
                result.passed += 1
    return judged(result, status)
