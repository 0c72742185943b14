#!/usr/bin/env bash
# nginx 1.22.1 with two servers in an upstream block: one GET of a page that takes
# longer than proxy_read_timeout is done on both, one after the other, and then every
# other page is 502 ("no live upstreams") for ten seconds: each server counts as failed
# after one timeout (max_fails=1, fail_timeout=10s). With a single server neither
# happens. max_fails=0, or proxy_next_upstream without `timeout`, prevent it.
#
# Guessed: 504 for the slow page, and nothing for anybody else.
#
# Seen (proxy_read_timeout 1s; the page takes 4 s):
#   two servers: slow 504, done 2 times; then 502 502 502
#   one server: slow 504, done 1 times; then 200 200 200
. "$(dirname "$0")/lib.sh"

debian nginx 1.22.1
need nginx curl python3
cat >"$folder/server.py" <<'EOF'
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow':
            time.sleep(4)
        self.send_response(200)
        self.end_headers()

    def log_message(self, form, *args):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except BrokenPipeError:
            pass

    def parse_request(self):
        found = super().parse_request()
        with open(sys.argv[2], 'a') as log:
            print(self.path, file=log)
        return found


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
# try NUMBER: of servers.
try() {
    local servers='' backend front slow then=() temporary=''
    for _ in $(seq "$1"); do
        backend=$(port)
        start "server-$backend.log" python3 "$folder/server.py" "$backend" "$folder/requests-$1"
        reachable "$backend"
        servers="$servers server 127.0.0.1:$backend;"
    done
    front=$(port)
    for kind in client_body proxy fastcgi uwsgi scgi; do
        temporary="$temporary ${kind}_temp_path $folder/temporary;"
    done
    cat >"$folder/nginx-$1.conf" <<EOF
daemon off;
master_process off;
pid $folder/nginx-$1.pid;
error_log $folder/nginx-$1.log;
events {}
http {
    access_log off;
    $temporary
    upstream site { $servers }
    server {
        listen 127.0.0.1:$front;
        location / {
            proxy_pass http://site;
            proxy_read_timeout 1s;
        }
    }
}
EOF
    start nginx.log nginx -c "$folder/nginx-$1.conf" -p "$folder"
    reachable "$front"
    slow=$(curl -s -o "$folder/page" -w '%{http_code}' "http://127.0.0.1:$front/slow")
    for _ in 1 2 3; do
        then+=("$(curl -s -o "$folder/page" -w '%{http_code}' "http://127.0.0.1:$front/fast")")
    done
    echo "slow $slow, done $(grep -c slow "$folder/requests-$1") times; then ${then[*]}"
}
compare "two servers" "slow 504, done 1 times; then 200 200 200" \
    "slow 504, done 2 times; then 502 502 502" "$(try 2)"
compare "one server" "slow 504, done 1 times; then 200 200 200" \
    "slow 504, done 1 times; then 200 200 200" "$(try 1)"
verdict
