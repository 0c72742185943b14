#!/usr/bin/env bash
# In PostgreSQL 15 generate_series of timestamptz with a step of one day, begun at
# 02:30 local time before summer time, gives 03:30 on the day without a 02:30, and
# on every day after it: each value is the one before plus a day. start + n * '1
# day' comes back to 02:30.
#
# Guessed: 03:30 on that day only.
#
# Seen (Europe/Berlin, 2026-03-28 to 31):
#   generate_series: 02:30 03:30 03:30 03:30
#   start + n days: 02:30 03:30 02:30 02:30
. "$(dirname "$0")/lib.sh"

need psql
postgresql
compare "generate_series(start, end, '1 day')" "02:30 03:30 02:30 02:30" "02:30 03:30 03:30 03:30" "$(sql <<'EOF'
SET TIME ZONE 'Europe/Berlin';
SELECT string_agg(to_char(day, 'HH24:MI'), ' ')
FROM generate_series('2026-03-28 02:30'::timestamptz, '2026-03-31 12:00', '1 day') AS day;
EOF
)"
compare "start + n * '1 day'" "02:30 03:30 02:30 02:30" "02:30 03:30 02:30 02:30" "$(sql <<'EOF'
SET TIME ZONE 'Europe/Berlin';
SELECT string_agg(to_char('2026-03-28 02:30'::timestamptz + n * interval '1 day', 'HH24:MI'), ' ')
FROM generate_series(0, 3) AS n;
EOF
)"
verdict
