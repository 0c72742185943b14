"""
Wording of numbers: "1 dead letter", "2 dead letters".
"""
from __future__ import absolute_import, unicode_literals


def sentences(absent):
    """Return a sentence for each server of `absent`, {server: why}, without its full stop."""
    # redis-py ends some of its messages with one.
    return [text.rstrip('.') for server, text in sorted(absent.items())]


def counted(number, noun):
    """Return `number` with `noun`, which is in the plural unless the number is 1."""
    return '%d %s%s' % (number, noun, '' if number == 1 else 's')
