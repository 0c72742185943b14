"""The page, and the two buttons that send a job."""
from __future__ import unicode_literals

from django.channels import Channel
from django.conf import settings
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from .consumers import show
from .models import Report


def page(request):
    """Show the page; its socket brings the reports."""
    return render(request, 'sales/page.html', {'outlive': settings.REPORTS_OUTLIVE_WORKERS})


@require_POST
def start(request):
    """Start a new report."""
    last = Report.objects.order_by('-pk').first()
    report = Report.objects.create(year=last.year - 1 if last else 2026)
    show(report)
    send_job(report)
    return redirect('page')


@require_POST
def resume(request, report_id):
    """Go on with a report that nobody makes any more."""
    send_job(get_object_or_404(Report, pk=report_id))
    return redirect('page')


def send_job(report):
    """Send the job that makes a report, unless there is one already."""
    Channel('reports').send({'report': report.pk}, unique='report %d' % report.pk)
