#!/usr/bin/env bash
# supervisord 4.3.0 formats `environment` as Python's % operator does. A password with
# an encoded "@" before an "s" (redis://:p%40ss@...) is replaced, without an error, by
# all variables that supervisord itself has, other secrets among them; before an "x"
# nothing starts. "%%40" is right there. What is inherited isn't touched, nor is a file
# of systemd's EnvironmentFile=.
#
# Guessed: % has a meaning in %(name)s only, and the rest is passed as it is written.
#
# Seen (REDIS_URL of the program, where supervisord has SECRET=other):
#   p%40ss   redis://:p{... 'ENV_SECRET': 'other' ...}s@localhost/0
#   p%40xs   Error: Format string ... for 'environment' is badly formatted
#   p%%40ss  redis://:p%40ss@localhost/0
. "$(dirname "$0")/lib.sh"

pypi supervisor==4.3.0 setuptools==80.9.0
cd "$folder"
# seen PASSWORD: REDIS_URL of a program, or what supervisord says
seen() {
    rm -f out supervisord.out
    cat >supervisord.conf <<END
[supervisord]
nodaemon=true
logfile=$folder/supervisord.log
pidfile=$folder/supervisord.pid

[program:one]
command=env
environment=REDIS_URL="redis://:$1@localhost/0"
stdout_logfile=$folder/out
autorestart=false
startsecs=0
END
    # An environment of its own, since all of it may be written to the file.
    start supervisord.out env -i PATH=/usr/bin:/bin SECRET=other "$bin/supervisord" -c supervisord.conf
    eventually 30 grep -q -e ^REDIS_URL -e ^Error out supervisord.out
    grep -hs -e ^REDIS_URL -e ^Error out supervisord.out |
        sed "s/^REDIS_URL=//; s/{.*'ENV_SECRET': 'other'.*}/{... 'ENV_SECRET': 'other' ...}/; s/string '.*' for/string ... for/" |
        sed "s/ is badly formatted.*/ is badly formatted/"
    kill -KILL -- "-$pid" 2>/dev/null || true
}
compare "p%40ss" "redis://:p%40ss@localhost/0" "redis://:p{... 'ENV_SECRET': 'other' ...}s@localhost/0" "$(seen p%40ss)"
compare "p%40xs" "redis://:p%40xs@localhost/0" \
    "Error: Format string ... for 'environment' is badly formatted" "$(seen p%40xs)"
compare "p%%40ss" "redis://:p%%40ss@localhost/0" "redis://:p%40ss@localhost/0" "$(seen p%%40ss)"
verdict
