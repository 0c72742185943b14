"""Reports, and the months of them that are done: the progress that is kept."""
from __future__ import unicode_literals

from django.db import models

MONTHS = 12


class Report(models.Model):
    """A report on the sales of one year."""
    year = models.PositiveSmallIntegerField()
    #: 0 while it waits; then which delivery of its job this is.
    attempt = models.PositiveSmallIntegerField(default=0)
    #: The id of the process that makes it, or made it.
    worker = models.PositiveIntegerField(default=0)

    def as_dict(self):
        """Return what a browser shows of it (JSON types)."""
        months = list(self.months.order_by('number').values_list('total', flat=True))
        return {
            'id': self.pk, 'year': self.year, 'attempt': self.attempt, 'worker': self.worker,
            'months': months, 'of': MONTHS,
        }


class Month(models.Model):
    """One month of a report, once it is done."""
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name='months')
    number = models.PositiveSmallIntegerField()
    total = models.PositiveIntegerField()
    #: The id of the process that did it.
    worker = models.PositiveIntegerField()

    class Meta:
        # A job may run twice, even at the same time; its result must not.
        unique_together = [('report', 'number')]
