"""Tell the user what happens: progress lines, tails of logs, and the table."""
import sys
import textwrap
import threading
import time

from . import process

#: Names of failing tests that the table has for a row; the logs have all.
SHOWN_FAILURES = 20

#: Failed steps whose ends are shown once more behind the table.
SHOWN_AGAIN = 3


class Reporter:
    """Prints whole lines, from any thread, each with the time since the start."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stdout
        self.started = time.monotonic()
        self.failures = []
        self.lock = threading.Lock()

    def elapsed(self):
        seconds = int(time.monotonic() - self.started)
        return '%2d:%02d' % divmod(seconds, 60)

    def say(self, text):
        with self.lock:
            self.stream.write(text + '\n')
            self.stream.flush()

    def progress(self, who, text):
        self.say('[%s] %-16s %s' % (self.elapsed(), who, text))

    def failure(self, who, what, log, last=True):
        """Show what failed, and the end of its log. last: it isn't run again."""
        lines = ['', '%s: %s FAILED' % (who, what)]
        if log is not None:
            lines += ['  | ' + line for line in process.tail(log).splitlines()]
            lines += ['  whole log: %s' % log, '']
        text = '\n'.join(lines)
        if last:
            self.failures.append(text)
        self.say(text)

    def last_failures(self):
        """
        Return what failure() showed last, as text, to be shown again at the
        end: of a long run many a service keeps the last lines alone.
        """
        return '\n'.join(self.failures[-SHOWN_AGAIN:])


def table(rows):
    """
    Return the table as text. rows: (name, python, seconds, Result) tuples;
    python is the full version it ran on, or '' for a row that did not run.
    """
    header = ('pair', 'Python', 'time', 'passed', 'failed', 'skipped', 'remarks')
    lines = [header]
    for name, python, seconds, result in rows:
        lines.append((
            name, python or '-', '%d:%02d' % divmod(int(seconds), 60), str(result.passed),
            str(failures(result)), str(result.skipped), remarks(result),
        ))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    indent = sum(widths) + 2 * len(widths)
    text = []
    for line in lines:
        cells = [line[0].ljust(widths[0]), line[1].ljust(widths[1])]
        cells += [line[column].rjust(widths[column]) for column in range(2, 6)]
        wrapped = textwrap.wrap(line[6], 100) or ['']
        text.append(('  '.join(cells) + '  ' + wrapped[0]).rstrip())
        text += [' ' * indent + more for more in wrapped[1:]]
    return '\n'.join(text)


def failures(result):
    """Return the number of failures of a Result; a step that went wrong without one counts as one."""
    return result.failed or (1 if result.problem else 0)


def remarks(result):
    """Return what failed, problem and note of a Result, and why tests were skipped, most frequent reason first."""
    parts = [text for text in (result.problem, _failing(result), result.note) if text]
    parts += ['%dx %s' % (count, reason) if count > 1 else reason for reason, count in result.reasons.most_common()]
    return '; '.join(parts)


def failed(rows):
    """Return which rows failed and what in each, as text of a line for each, or '' where none did."""
    return '\n'.join(
        '%s: %s' % (name, '; '.join(filter(None, (result.problem, _failing(result)))) or '%d failed' % result.failed)
        for name, _, _, result in rows if failures(result)
    )


def _failing(result):
    return 'failed: ' + ', '.join(result.failing[:SHOWN_FAILURES]) if result.failing else None


def totals(rows):
    """Return the last line of the report: 'N passed, N failed, N skipped'."""
    return '%d passed, %d failed, %d skipped' % (
        sum(row[3].passed for row in rows), sum(failures(row[3]) for row in rows), sum(row[3].skipped for row in rows),
    )
