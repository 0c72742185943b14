#!/usr/bin/env bash
# autocannon 9.0.0 and a server that closes connections, as nginx 1.22.1 does after
# keepalive_requests (1000), or an application server at its limit of requests: the request
# that it has written by then gets no answer, which is no error to it, and from then on it
# takes the time of each answer from when an earlier request was sent. So each closed
# connection adds an answer's time to all later latencies: a server that is as fast as
# ever becomes slower and slower, and of --amount 200 not all are answered.
#
# Guessed: 200 answers, and latencies that don't depend on it.
#
# Seen with one connection and pages of 20 ms:
#   closed after each tenth answer: 182 answers, 0 errors, the sum of all latencies is many
#   times the time of the whole run
#   never closed: 200, 0, and within it
. "$(dirname "$0")/lib.sh"

debian nginx 1.22.1
need nginx
npm_packages autocannon@9.0.0
cd "$folder"
slow_server 0.02
proxy=$(port)
{
    nginx_head
    cat <<END
    access_log off;
    # Without it some connections are reset, which are counted as errors.
    lingering_close always;
    server {
        listen 127.0.0.1:$proxy;
        location /closed { proxy_pass http://127.0.0.1:$server; keepalive_requests 10; }
        location /kept { proxy_pass http://127.0.0.1:$server; keepalive_requests 1000; }
    }
}
END
} >nginx.conf
start nginx-start.log nginx -p "$folder" -c "$folder/nginx.conf"
reachable "$proxy"
cat >tell.mjs <<'END'
let text = ''
for await (const piece of process.stdin) text += piece
const seen = JSON.parse(text)
// One connection, one request at a time: the sum of the times that they take is no
// more than that of the run.
const sum = seen.latency.average * seen['2xx'] / 1000
const sums = sum > 3 * seen.duration ? 'many times' : sum < 1.1 * seen.duration ? 'within' : `${sum} of ${seen.duration}`
console.log(`${seen['2xx']}, ${seen.errors} errors, ${sums}`)
END
told() {
    node node/node_modules/autocannon/autocannon.js -c 1 --amount 200 --json "http://127.0.0.1:$proxy/$1" \
        2>autocannon.log | node tell.mjs 2>&1
}
compare "closed after each tenth" "200, 0 errors, within" "182, 0 errors, many times" "$(told closed)"
compare "never closed" "200, 0 errors, within" "200, 0 errors, within" "$(told kept)"
verdict
