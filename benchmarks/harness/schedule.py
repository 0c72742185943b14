"""
Who is measured when: round by round, each contender in turn.

A machine gets slower and faster with the minutes, so what is compared is
measured side by side: A B C, B C A, C A B, and not A A A, B B B, C C C.
"""
import collections
import contextlib
import signal
import threading

#: A contender that failed so often in one workload is not tried again.
TRIES = 2

#: samples: one {metric: number} a round; error: text, or None.
Outcome = collections.namedtuple('Outcome', 'samples error')


class Overdue(Exception):
    """Raised in the middle of a measurement that takes too long."""


def interleaved(contenders, rounds):
    """Yield (round, contender): all in each round, and each round begins with another."""
    contenders = list(contenders)
    for number in range(rounds):
        start = number % len(contenders) if contenders else 0
        for contender in contenders[start:] + contenders[:start]:
            yield number, contender


@contextlib.contextmanager
def deadline(seconds, what):
    """Raise Overdue if the block takes longer. Only the main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def overdue(number, frame):
        raise Overdue('%s took more than %d s' % (what, seconds))
    previous = signal.signal(signal.SIGALRM, overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def carry_out(contenders, rounds, measure, failed, limit=120):
    """
    Measure all contenders in all rounds; return {contender: Outcome}.

    measure(contender, round) returns {metric: number}. What it raises goes to
    failed(contender, error), and the run goes on without that contender once
    it has failed TRIES times. KeyboardInterrupt is not held up.
    """
    outcomes = {contender: Outcome([], []) for contender in contenders}
    for number, contender in interleaved(contenders, rounds):
        samples, errors = outcomes[contender]
        if len(errors) >= TRIES:
            continue
        try:
            with deadline(limit, str(contender)):
                samples.append(measure(contender, number))
        except Exception as error:
            errors.append('%s: %s' % (type(error).__name__, error))
            failed(contender, error)
    return {
        contender: Outcome(samples, '; '.join(dict.fromkeys(errors)) or None)
        for contender, (samples, errors) in outcomes.items()
    }
