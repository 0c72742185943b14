# shellcheck shell=bash
# What the findings share. Sourced, not run:
#
#   folder    temporary, goes away at the end together with what start() began
#   need, debian, pypi, npm_packages     what has to be there, or is installed
#   start, port, reachable, eventually   processes on loopback
#   debian_redis, postgresql, django_celery_beat   what several of them run
#   compare, verdict                     guess, record, and what is seen now
#
# and servers.sh, what those have that are about servers.
#
# Exit status of a finding: 0 as recorded, 1 changed, 2 something is missing.
set -euo pipefail

if [ -z "${FINDING_BOUNDED:-}" ]; then
    export FINDING_BOUNDED=1
    exec timeout --kill-after=10 "${FINDING_SECONDS:-120}" bash "$0" "$@"
fi

folder=$(mktemp -d)
# A file, since $(...) starts processes, too.
: >"$folder/started"
changed=0

finish() {
    local pid
    while read -r pid; do
        # A process group each, so that what they forked goes, too.
        kill -KILL -- "-$pid" 2>/dev/null || true
    done <"$folder/started"
    # Some still write for a moment.
    rm -rf "$folder" || { sleep 1 && rm -rf "$folder"; }
}
trap finish EXIT
trap 'exit 1' INT TERM

missing() {
    echo "$(basename "$0"): needs $1" >&2
    exit 2
}

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || missing "$program"
    done
}

# debian PACKAGE VERSION: the upstream version that Debian's package must have.
debian() {
    local version
    version=$(dpkg-query -W -f '${Version}' "$1" 2>/dev/null) || missing "Debian's $1 $2"
    version=${version#*:}
    [ "${version%-*}" = "$2" ] || missing "Debian's $1 $2, not $version"
}

# pypi PIN...: a virtual environment with exactly these. Sets python and bin.
pypi() {
    need python3
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || missing "python3 of 3.10 or later"
    # A pip of its own would take longer than most of what is installed.
    [ -d "$folder/venv" ] || python3 -m venv --without-pip "$folder/venv"
    bin=$folder/venv/bin
    python=$bin/python
    python3 -m pip --python "$python" install --quiet --no-compile --disable-pip-version-check "$@" \
        2>"$folder/pip.log" || {
        cat "$folder/pip.log" >&2
        missing "$*"
    }
}

npm_packages() {
    need node npm
    mkdir -p "$folder/node"
    (cd "$folder/node" && echo '{"private": true}' >package.json &&
        npm install --silent --no-audit --no-fund --ignore-scripts "$@" >"$folder/npm.log" 2>&1) || missing "$*"
}

# port: one that is free now, and that no other call of this finding was given. It is none
# of those that the system takes for connections, which one of them could have by then.
port() {
    python3 - "$folder/ports" <<'END'
import random
import socket
import sys

with open(sys.argv[1], 'a+') as file:
    file.seek(0)
    given = {int(line) for line in file}
    while True:
        number = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', number))
            except OSError:
                continue
        if number not in given:
            break
    print(number, file=file)
print(number)
END
}

# start LOG COMMAND...: in the background, in a group of its own. Sets pid.
start() {
    local log=$folder/$1
    shift
    setsid "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    echo "$pid" >>"$folder/started"
    # No word about it when it is killed in the end.
    disown "$pid"
}

# eventually SECONDS COMMAND...: until it succeeds, or fail.
eventually() {
    local tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $((tries--)) -gt 0 ] || return 1
        sleep 0.1
    done
}

connects() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

reachable() {
    eventually 30 connects "$1" || {
        echo "nothing answers on port $1" >&2
        tail -n 20 "$folder"/*.log >&2
        exit 2
    }
}

# A Redis of Debian 12 that keeps nothing. Sets redis (its port).
debian_redis() {
    debian redis-server 7.0.15
    need redis-server redis-cli
    redis=$(port)
    start redis.log redis-server --port "$redis" --save '' --dir "$folder"
    reachable "$redis"
}

# django_celery_beat: tasks.py here, with the Celery of a site that has it, and its database.
django_celery_beat() {
    debian_redis
    pypi celery==5.7.0 django-celery-beat==2.9.0 Django==5.2.19 redis==7.4.1 packaging==26.4
    cd "$folder"
    export PYTHONPATH=$folder DJANGO_SETTINGS_MODULE=settings REDIS=redis://127.0.0.1:$redis
    cat >settings.py <<'END'
SECRET_KEY, USE_TZ, TIME_ZONE = 'secret', True, 'UTC'
INSTALLED_APPS = ['django.contrib.contenttypes', 'django_celery_beat']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'database', 'OPTIONS': {'timeout': 30}}}
END
    cat >tasks.py <<'END'
import os

import django
from celery import Celery

django.setup()
app = Celery('tasks', broker=os.environ['REDIS'])
END
    "$bin/django-admin" migrate --verbosity 0
}

# beat LOG TASK...: beat, until each TASK was sent.
beat() {
    local task log=$1
    start "$log" "$bin/celery" -A tasks beat --scheduler django_celery_beat.schedulers:DatabaseScheduler \
        --loglevel INFO --pidfile=
    for task in "${@:2}"; do
        eventually 300 sent "$task" "$log"
    done
    # What it has sent is written to the database when it ends. It takes a signal for an
    # exception, which what it does in that moment may swallow.
    for _ in 1 2 3; do
        kill -TERM "$pid" 2>/dev/null || true
        eventually 15 test ! -e "/proc/$pid" && return
    done
    return 1
}

# beat_once SECONDS: beat, with the tasks that the lines of stdin make (they have now and the
# models), until one that is due each so many seconds was sent.
beat_once() {
    local tasks=$(cat)
    "$python" - <<END
import datetime

import tasks  # noqa: F401
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

now = datetime.datetime.now(datetime.timezone.utc)
$tasks
often = IntervalSchedule.objects.create(every=$1, period='seconds')
PeriodicTask.objects.create(name='last', task='last', interval=often)
END
    beat beat.log last
}

# sent TASK [LOG]: whether beat has sent it; was_sent says yes or no.
sent() {
    grep -q "Sending due task $1 " "${2:-beat.log}"
}

was_sent() {
    sent "$@" && echo yes || echo no
}

# A PostgreSQL of Debian 12, which sql() speaks to. Sets postgres (its port).
postgresql() {
    debian postgresql-15 15.18
    need runuser
    local programs=/usr/lib/postgresql/15/bin data=$folder/postgresql owner=()
    mkdir "$data"
    if [ "$(id -u)" = 0 ]; then
        # It refuses to run as root.
        chmod 711 "$folder"
        chown postgres "$data"
        owner=(runuser -u postgres --)
    fi
    (cd "$data" && "${owner[@]}" "$programs/initdb" -D "$data/data" -A trust -U postgres -N) >"$folder/initdb.log"
    postgres=$(port)
    start postgresql.log "${owner[@]}" "$programs/postgres" -D "$data/data" -p "$postgres" -k "$data" \
        -c listen_addresses=127.0.0.1 -c fsync=off
    eventually 30 sql -c 'SELECT 1' || missing "a PostgreSQL that starts"
}

sql() {
    psql -h 127.0.0.1 -p "$postgres" -U postgres -qAt "$@"
}

# compare WHAT GUESSED RECORDED SEEN
compare() {
    printf '%s\n    guessed:  %s\n    recorded: %s\n    seen now: %s\n' "$1" "$2" "$3" "$4"
    [ "$3" = "$4" ] || changed=1
}

verdict() {
    if [ $changed = 0 ]; then
        echo "as recorded"
    else
        echo "the behaviour has changed"
    fi
    exit $changed
}

# shellcheck source=findings/servers.sh
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
