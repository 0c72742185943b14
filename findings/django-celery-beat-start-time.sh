#!/usr/bin/env bash
# django-celery-beat 2.9.0: a new crontab task whose start_time is past when beat first
# sees it runs at once, whatever its crontab says, and then at the times of that. Without a
# start_time its first run is the first time of the crontab.
#
# Guessed: start_time is "not before": the first run is the first time of the crontab after it.
#
# Seen, sent within 15 s, of new tasks for one day a year, half a year from now:
#   without start_time                 no
#   start_time of an hour ago          yes
#   start_time in an hour              no
. "$(dirname "$0")/lib.sh"

django_celery_beat
beat_once 15 <<'END'
yearly = CrontabSchedule.objects.create(
    minute='0', hour='*', day_of_month='1', month_of_year=str((now.month + 5) % 12 + 1), timezone='UTC')
for name, seconds in {'without': None, 'past': -3600, 'later': 3600}.items():
    start = None if seconds is None else now + datetime.timedelta(seconds=seconds)
    PeriodicTask.objects.create(name=name, task=name, crontab=yearly, start_time=start)
END
compare "without start_time" no no "$(was_sent without)"
compare "start_time of an hour ago" no yes "$(was_sent past)"
compare "start_time in an hour" no no "$(was_sent later)"
verdict
