"""
Write a merge as one patch that ``git am`` and ``patch -p1`` both take.
"""
from __future__ import absolute_import, unicode_literals

import difflib

# "git am" wants an author and a date. Both are fixed, so that the same
# sources give the same bytes; committers set their own with --reset-author.
HEADER = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: django.channels <django-channels@patch.invalid>
Date: Mon, 1 Aug 2016 00:00:00 +0000
Subject: [PATCH] Added django.channels: WebSockets and background consumers.

The package is provisional and inert: without the CHANNEL_LAYERS setting no
module of it is imported by runserver or any other existing command, and it
needs no third-party package to be imported.
---
"""
FOOTER = '-- \n2.0\n'


def as_patch(changes):
    """Return the list of Change values `changes` as the bytes of one patch."""
    parts = [HEADER]
    for change in changes:
        if change.before != change.after:
            parts.append(file_diff(change))
    parts.append(FOOTER)
    return ''.join(parts).encode('latin-1')


def file_diff(change):
    """Return one Change as a diff in git's form; bytes are held as latin-1 text."""
    lines = ['diff --git a/%s b/%s\n' % (change.path, change.path)]
    if change.before is None:
        lines.append('new file mode 100644\n')
    elif change.after is None:
        lines.append('deleted file mode 100644\n')
    if not change.before and not change.after:
        # An empty file has no hunk; this line makes git and patch create it.
        lines.append('index 0000000..e69de29\n')
    lines += difflib.unified_diff(
        split(change.before or b''), split(change.after or b''),
        '/dev/null' if change.before is None else 'a/%s' % change.path,
        '/dev/null' if change.after is None else 'b/%s' % change.path,
    )
    return ''.join(
        line if line.endswith('\n') else line + '\n\\ No newline at end of file\n' for line in lines
    )


def split(content):
    """Return the bytes `content` as a list of lines, split at newlines only."""
    lines = content.decode('latin-1').split('\n')
    return [line + '\n' for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
