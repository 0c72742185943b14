#!/usr/bin/env bash
# A replica that has started again, and hasn't reached its master since, is as good as
# any to Sentinel: it doesn't know for how long the link is down (-1), which is less
# than the limit. If the master doesn't answer just then, that replica is promoted, with
# what its disk has from its last full synchronization, or with nothing. What the master
# confirmed by WAIT, with this replica, is gone when it comes back, as a replica.
#
# Guessed: without a replica that has been in sync the failover waits, as Sentinel leaves
# out replicas whose link to the master was down too long; what WAIT confirmed stays.
#
# Seen (Redis 7.0.15), two values written with WAIT 1, the second after the replica's
# full synchronization; then the replica is killed, the master stopped (SIGSTOP), the
# replica started again, and the master continued:
#   confirmed by WAIT: 1 1
#   promoted: yes
#   left on both servers: nothing
. "$(dirname "$0")/lib.sh"

debian redis-server 7.0.15
need redis-server redis-cli
master=$(port)
start master.log redis-server --port "$master" --save '' --dir "$folder" --dbfilename m.rdb
master_pid=$pid
reachable "$master"
replica=$(port)
replica_command=(redis-server --port "$replica" --save '' --dir "$folder" --dbfilename r.rdb
    --replicaof 127.0.0.1 "$master")
start replica.log "${replica_command[@]}"
replica_pid=$pid
reachable "$replica"
ask() {
    redis-cli -p "$@"
}
eventually 20 sh -c "redis-cli -p $replica info replication | grep -q master_link_status:up"
sentinel=$(port)
mkdir "$folder/s"
printf '%s\n' "sentinel monitor main 127.0.0.1 $master 1" 'sentinel down-after-milliseconds main 1000' \
    'sentinel failover-timeout main 4000' >"$folder/s/sentinel.conf"
start sentinel.log redis-server "$folder/s/sentinel.conf" --sentinel --port "$sentinel"
reachable "$sentinel"
eventually 20 sh -c "redis-cli -p $sentinel sentinel replicas main | grep -q $replica"

confirmed() {
    # In one connection: WAIT is about what this one has written.
    printf 'SET %s 1\nWAIT 1 5000\n' "$1" | ask "$master" | tail -n 1
}
confirmed="$(confirmed first) $(confirmed second)"
compare "confirmed by WAIT" "1 1" "1 1" "$confirmed"

kill -KILL -- "-$replica_pid"
kill -STOP "$master_pid"
start replica2.log "${replica_command[@]}"
reachable "$replica"
if eventually 30 sh -c "redis-cli -p $replica role | grep -q master"; then promoted=yes; else promoted=no; fi
kill -CONT "$master_pid"
compare promoted no yes "$promoted"
# Sentinel makes the old master a replica of the new one.
eventually 30 sh -c "redis-cli -p $master role | grep -q slave" || true
eventually 30 sh -c "redis-cli -p $master info replication | grep -q master_link_status:up" || true
left="$(ask "$master" mget first second | tr -d '\n')$(ask "$replica" mget first second | tr -d '\n')"
compare "left on both servers" 1111 nothing "${left:-nothing}"
verdict
