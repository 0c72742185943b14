#!/usr/bin/env bash
# With requests 2.34.2, iter_lines() and iter_content(None) give server-sent events as
# they come if the response is chunked, and all at its end if the response ends
# with the connection (HTTP/1.0, or Connection: close without chunks, as behind
# nginx's default or from wsgiref): then a read waits for 512 bytes, or for
# all of it. The same client code works with one server and is mute with the next.
# httpx 0.28.1 and urllib give each line as it comes.
#
# Guessed: each line as it comes; stream=True says so.
#
# Seen (an event each second; second in which each was there):
#   requests, chunked: 0 1 2
#   requests, until the connection closes: 3 3 3
#   httpx, until the connection closes: 0 1 2
. "$(dirname "$0")/lib.sh"

pypi requests==2.34.2 urllib3==2.8.0 httpx==0.28.1
cat >"$folder/server.py" <<'EOF'
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        chunked = self.path == '/chunked'
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.send_header(*(('Transfer-Encoding', 'chunked') if chunked else ('Connection', 'close')))
        self.end_headers()
        for number in range(3):
            event = b'data: %d\n' % number
            self.wfile.write(b'%x\r\n%s\r\n' % (len(event), event) if chunked else event)
            time.sleep(1)
        if chunked:
            self.wfile.write(b'0\r\n\r\n')


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
cat >"$folder/client.py" <<'EOF'
import sys
import time

import httpx
import requests

client, url = sys.argv[1:]
start = None


def second(_):
    return '%d' % round(time.monotonic() - start)


if client == 'httpx':
    with httpx.stream('GET', url) as response:
        start = time.monotonic()
        print(*map(second, response.iter_lines()))
else:
    response = requests.get(url, stream=True)
    start = time.monotonic()
    print(*map(second, response.iter_lines()))
EOF
number=$(port)
start server.log python3 "$folder/server.py" "$number"
reachable "$number"
try() {
    "$python" "$folder/client.py" "$1" "http://127.0.0.1:$number/$2"
}
compare "requests, chunked" "0 1 2" "0 1 2" "$(try requests chunked)"
compare "requests, until the connection closes" "0 1 2" "3 3 3" "$(try requests close)"
compare "httpx, until the connection closes" "0 1 2" "0 1 2" "$(try httpx close)"
verdict
