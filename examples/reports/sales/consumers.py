"""
The job that makes a report, and the sockets of the pages that show it.

A page gets ``{"report": {...}}`` with what Report.as_dict() returns, for each
report when its socket opens, and again whenever one of them changes.
"""
from __future__ import unicode_literals

import json
import os
import time

from django.channels import Group
from django.channels.security.websockets import allowed_hosts_only
from django.conf import settings

from .models import MONTHS, Month, Report

PAGES = 'pages'


def make_report(message):
    """
    Make a report, month by month.

    Each month that is done is in the database at once. So a worker that has
    the job of one that died goes on where that was.
    """
    report = Report.objects.get(pk=message['report'])
    report.attempt, report.worker = message.attempt, os.getpid()
    report.save()
    show(report)
    done = set(report.months.values_list('number', flat=True))
    for number in range(1, MONTHS + 1):
        if number not in done:
            total = total_of(report.year, number)
            Month.objects.get_or_create(
                report=report, number=number, defaults={'total': total, 'worker': os.getpid()},
            )
            show(report)


def total_of(year, month):
    """Return the sales of a month (int). It stands for a query that takes its time."""
    time.sleep(settings.REPORTS_PAUSE)
    return 1000 + year * month * 7919 % 9000


def show(report):
    """Show a report's progress on all pages that are open."""
    # Now. What a consumer sends otherwise leaves when it has returned.
    Group(PAGES).send(frame(report), immediately=True)


def frame(report):
    """Return the message that shows a report on a page."""
    return {'text': json.dumps({'report': report.as_dict()})}


@allowed_hosts_only
def connect(message):
    """Let a page in, and show it all reports as they are now."""
    # Join first, look second: so the page misses nothing in between.
    Group(PAGES).add(message.reply_channel)
    message.reply_channel.send({'accept': True})
    for report in Report.objects.order_by('-pk')[:20]:
        message.reply_channel.send(frame(report))


def disconnect(message):
    """Forget a page that is gone."""
    Group(PAGES).discard(message.reply_channel)
