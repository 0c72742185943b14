#!/usr/bin/env bash
# PostgreSQL 15 sends one notification when a transaction does NOTIFY twice with
# the same channel and payload, also with others between: 'a', 'b', 'a' comes as
# 'a', 'b'. Two payments of one customer in one transaction are one event for a
# listener that counts them, and "the last one wins" is the wrong one.
#
# Guessed: three notifications, in the order in which they were sent.
#
# Seen:
#   one transaction: a b
#   three transactions: a b a
. "$(dirname "$0")/lib.sh"

need psql
postgresql
heard() {
    sql | sed -n 's/.*with payload "\([^"]*\)".*/\1/p' | xargs
}
compare "one transaction" "a b a" "a b" "$(heard <<'EOF'
LISTEN c;
BEGIN;
NOTIFY c, 'a';
NOTIFY c, 'b';
NOTIFY c, 'a';
COMMIT;
EOF
)"
compare "three transactions" "a b a" "a b a" "$(heard <<'EOF'
LISTEN c;
NOTIFY c, 'a';
NOTIFY c, 'b';
NOTIFY c, 'a';
EOF
)"
verdict
