"""
Pages of a list that is too long for one.
"""
from __future__ import absolute_import, unicode_literals

#: No page's number has more digits, nor needs more.
MAX_DIGITS = 9


def page_of(query, size, total):
    """
    Return a dict of the page that `offset` of `query`, a dict, asks for.

    A page has `size` of the `total` entries of a list: those from `offset` on,
    of which the first is number `first` and the last number `last`. `previous`
    and `next` are the offsets of the pages around it, or None. What isn't a
    number is the first page, and a page that isn't there, or no longer, the
    last one.
    """
    text = query.get('offset', '')
    asked = int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else 0
    offset = min(asked, max(0, total - 1) // size * size)
    end = min(offset + size, total)
    return {
        'offset': offset, 'first': offset + 1, 'last': end, 'total': total,
        'previous': max(0, offset - size) if offset else None, 'next': end if end < total else None,
    }
