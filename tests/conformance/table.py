"""
The rows of the table: each is a function with the section that it is about.
"""
import re
import time
import traceback


class Skip(Exception):
    """Raised by a row that can't be tried here; says why."""


class Rows(list):
    """Collects functions: rows('transport 5.4', 'what should be')."""

    def __call__(self, section, text):
        def collect(function):
            self.append((section, text, function))
            return function
        return collect


def run(rows, make_peer):
    """Try each row with a peer of its own, print the table; return 1 if one failed."""
    failed = 0
    for section, text, function in rows:
        peer = make_peer()
        begun = time.monotonic()
        try:
            function(peer)
            outcome, why = 'pass', ''
        except Skip as skip:
            outcome, why = 'skip', str(skip)
        except Exception as error:
            outcome, why = 'FAIL', ''.join(traceback.format_exception_only(type(error), error)).strip()
            why += ' (line %d)' % error.__traceback__.tb_next.tb_lineno
            failed += 1
        finally:
            peer.close()
        seconds = time.monotonic() - begun
        print('%-4s  %-16s %5.1f s  %s%s' % (
            outcome, section, seconds, text, ': ' + re.sub(r'\s+', ' ', why) if why else '',
        ), flush=True)
    print('%d rows, %d failed' % (len(rows), failed))
    return 1 if failed else 0
