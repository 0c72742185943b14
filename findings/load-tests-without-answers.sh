#!/usr/bin/env bash
# A load test against a server that takes requests and answers none, as one whose workers
# all wait for a lock: locust 2.47.0 (HttpUser and FastHttpUser), autocannon 9.0.0 and
# wrk 4.1.0 end with status 0 and not one error. A request counts when it ends, and what is
# open at the end of the test is dropped; of wrk, whose timeout of two seconds has passed
# twice by then, no timeout is counted either. So a step of CI that asks for "no failures"
# passes, and of a server that answers half of its requests only that half is seen.
#
# Guessed: each of them counts failures, and locust's status isn't 0.
#
# Seen after five seconds with five connections:
#   locust, both clients: 0 requests, 0 failures, status 0
#   autocannon: 0 answers, 0 errors, 0 timeouts, status 0
#   wrk: 0 requests, no line of errors, status 0
. "$(dirname "$0")/lib.sh"

debian wrk 4.1.0
need wrk
npm_packages autocannon@9.0.0
pypi locust==2.47.0
cd "$folder"
slow_server 300
site=http://127.0.0.1:$server
cat >locustfile.py <<'END'
from locust import FastHttpUser, HttpUser, task


class Plain(HttpUser):
    @task
    def page(self):
        self.client.get('/')


class Fast(FastHttpUser):
    @task
    def page(self):
        self.client.get('/')
END
locusts() {
    local status=0
    "$bin/locust" --headless --only-summary --users 5 --spawn-rate 5 --run-time 5s --host "$site" --json "$1" \
        >locust.json 2>locust.log || status=$?
    echo "$("$python" -c "
import json
entries = json.load(open('locust.json'))
print('%d, %d' % (sum(one['num_requests'] for one in entries), sum(one['num_failures'] for one in entries)))
" 2>&1), status $status"
}
cannons() {
    local status=0
    node node/node_modules/autocannon/autocannon.js -c 5 -d 5 --json "$site" >autocannon.json 2>autocannon.log || status=$?
    echo "$(node -p "const seen = $(cat autocannon.json); [seen['2xx'], seen.errors, seen.timeouts].join(', ')"), status $status"
}
wrks() {
    local status=0
    wrk -t 1 -c 5 -d 5s "$site" >wrk.log 2>&1 || status=$?
    echo "$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' wrk.log), $(grep -ciE 'error|timeout' wrk.log), status $status"
}
compare "locust's HttpUser" "0, 5, status 1" "0, 0, status 0" "$(locusts Plain)"
compare "locust's FastHttpUser" "0, 5, status 1" "0, 0, status 0" "$(locusts Fast)"
compare "autocannon" "0, 5, 5, status 0" "0, 0, 0, status 0" "$(cannons)"
compare "wrk" "0, 1, status 0" "0, 0, status 0" "$(wrks)"
verdict
