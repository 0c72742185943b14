#!/usr/bin/env bash
# HAProxy 2.6.12 with `maxconn` at a server: a request that waits for its turn gets 503
# after `timeout connect`, usually a few seconds, if `timeout queue` isn't set: that
# defaults to the time for connecting, which is short on purpose. A server that answers
# slowly for a moment turns into errors, although `timeout server` allows a minute.
#
# Guessed: it waits as long as `timeout server` or `timeout client`, or for good.
#
# Seen (maxconn 1, timeout connect 2s, others 30s; pages of 4 s; two requests):
#   without timeout queue    200 503
#   timeout queue 10s        200 200
. "$(dirname "$0")/lib.sh"

debian haproxy 2.6.12
need haproxy curl python3
cd "$folder"
slow_server 4
without=$(port)
with=$(port)
cat >haproxy.cfg <<END
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
listen without
    bind 127.0.0.1:$without
    server one 127.0.0.1:$server maxconn 1
listen with
    bind 127.0.0.1:$with
    timeout queue 10s
    server one 127.0.0.1:$server maxconn 1
END
start haproxy.log haproxy -f haproxy.cfg
reachable "$with"
# two PORT: the statuses of two requests, the second a moment after the first
two() {
    curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$1/" >first &
    sleep 0.5
    curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$1/" >second
    wait
    echo "$(cat first) $(cat second)"
}
compare "without timeout queue" "200 200" "200 503" "$(two "$without")"
compare "timeout queue 10s" "200 200" "200 200" "$(two "$with")"
verdict
