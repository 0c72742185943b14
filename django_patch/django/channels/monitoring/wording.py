"""
Wording of numbers: "1 dead letter", "2 dead letters".
"""
from __future__ import absolute_import, unicode_literals


def counted(number, noun):
    """Return `number` with `noun`, which is in the plural unless the number is 1."""
    return '%d %s%s' % (number, noun, '' if number == 1 else 's')
