#!/usr/bin/env bash
# PostgreSQL 15 and Python read the same local time in the hour that is twice
# there in autumn as two moments an hour apart: PostgreSQL takes the second (winter
# time), Python's zoneinfo (fold=0) the first. A time that goes to the server as
# text, or that the server makes of date and time columns, is an hour later than
# the one that Python computes.
#
# Guessed: both take the first, or PostgreSQL reports the ambiguity.
#
# Seen (2026-10-25 02:30 in Europe/Berlin, in UTC):
#   python: 00:30
#   postgresql: 01:30
. "$(dirname "$0")/lib.sh"

need psql
postgresql
compare "2026-10-25 02:30, Python" "00:30" "00:30" "$(python3 -c '
import datetime, zoneinfo
moment = datetime.datetime(2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
print(moment.astimezone(datetime.timezone.utc).strftime("%H:%M"))')"
compare "2026-10-25 02:30, PostgreSQL" "00:30" "01:30" "$(sql <<'EOF'
SELECT to_char((timestamp '2026-10-25 02:30' AT TIME ZONE 'Europe/Berlin') AT TIME ZONE 'UTC', 'HH24:MI');
EOF
)"
verdict
