#!/usr/bin/env bash
# What becomes of a job that a worker is doing when it is told to stop, and that it would
# end 16 seconds later. Without a word of configuration
# - pm2 7.0.4 kills the worker after 1.6 s, and its signal is SIGINT;
# - honcho 2.0.0 kills it five seconds after the first process of the Procfile has ended, which
#   a web server does at once. A worker that is alone there may go on;
# - watchfiles 1.3.0, at a change of a file, kills it after five seconds (SIGINT, too);
# - supervisor 4.3.0 kills it after ten, its documented stopwaitsecs.
#
# Guessed: ten seconds at least, or as long as it takes.
#
# Seen, the signal that the worker got, and when it was killed:
#   pm2                        SIGINT, in 3 s
#   watchfiles                 SIGINT, in 3 to 8 s
#   supervisor                 SIGTERM, in 8 to 14 s
#   honcho with a web process  SIGTERM, in 3 to 8 s; without, the job was done
. "$(dirname "$0")/lib.sh"

npm_packages pm2@7.0.4
pypi honcho==2.0.0 watchfiles==1.3.0 supervisor==4.3.0 setuptools==80.9.0
cd "$folder"
mkdir code
cat >worker.py <<'END'
# Writes how long it goes on with its job after a signal. One that is started again ends at once.
import signal
import sys
import time

told = []


def stop(number, frame):
    told.append((signal.Signals(number).name, time.monotonic()))


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
log = sys.argv[1]
with open(log, 'x') as file:
    print('begun', file=file)
while not told or time.monotonic() < told[0][1] + 16:
    time.sleep(0.05)
    if told:
        with open(log, 'a') as file:
            print(told[0][0], time.monotonic() - told[0][1], file=file)
END
begun() {
    eventually 30 test -s "$1.out"
}
# ended NAME: what its last line says, once there come no more.
ended() {
    local before=
    until [ "$before" = "$(wc -l <"$1.out")" ] && [ "$before" -gt 1 ]; do
        before=$(wc -l <"$1.out")
        sleep 3
    done
    "$python" - "$(tail -n 1 "$1.out")" <<'END'
import sys

name, seconds = sys.argv[1].split()
for bound, words in (3, 'killed in 3 s'), (8, 'killed in 3 to 8 s'), (14, 'killed in 8 to 14 s'), (99, 'done'):
    if float(seconds) < bound:
        sys.exit(print(name + ', ' + words))
END
}
export PM2_HOME=$folder/pm2 HOME=$folder
start pm2.log node node/node_modules/pm2/bin/pm2-runtime --interpreter "$python" worker.py -- pm2.out
begun pm2
kill -TERM "$pid"

printf 'web: exec sleep 300\nworker: exec %s worker.py both.out\n' "$python" >Procfile
start honcho.log "$bin/honcho" start
begun both
kill -TERM "$pid"
printf 'worker: exec %s worker.py alone.out\n' "$python" >Procfile.alone
start alone.log "$bin/honcho" -f Procfile.alone start
begun alone
kill -TERM "$pid"

start watchfiles.log "$bin/watchfiles" "$python worker.py watchfiles.out" code
begun watchfiles
is_told() {
    touch code/changed.py
    [ "$(wc -l <watchfiles.out)" -gt 1 ]
}
# It may not watch yet.
eventually 30 is_told

cat >supervisord.conf <<END
[supervisord]
nodaemon=true
logfile=$folder/supervisord.log
pidfile=$folder/supervisord.pid

[program:worker]
command=$python worker.py supervisor.out
stdout_logfile=NONE
stderr_logfile=NONE
END
start supervisord.out "$bin/supervisord" -c supervisord.conf
begun supervisor
kill -TERM "$pid"

compare "pm2" "SIGTERM, killed in 8 to 14 s" "SIGINT, killed in 3 s" "$(ended pm2)"
compare "honcho, with a web process" "SIGTERM, done" "SIGTERM, killed in 3 to 8 s" "$(ended both)"
compare "honcho, alone" "SIGTERM, done" "SIGTERM, done" "$(ended alone)"
compare "watchfiles" "SIGTERM, done" "SIGINT, killed in 3 to 8 s" "$(ended watchfiles)"
compare "supervisor" "SIGTERM, killed in 8 to 14 s" "SIGTERM, killed in 8 to 14 s" "$(ended supervisor)"
verdict
