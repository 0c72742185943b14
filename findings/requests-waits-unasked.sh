#!/usr/bin/env bash
# A 503 with Retry-After: 3600 holds a thread of requests 2.34.2 (urllib3 2.8.0) for
# three hours with HTTPAdapter(max_retries=3), which its documentation says never applies
# to requests "where data has made it to the server": it waits as the server says, and
# asks again, three times, without a word; timeout= doesn't bound it, and a PUT is sent
# four times. A bare urllib3.request() does so without having been asked for retries.
# Without Retry-After, and for POST, the 503 comes back at once.
#
# Guessed: max_retries is about connections that fail; a 503 is an answer.
#
# Seen (Retry-After: 1, timeout=0.5): status, times sent, seconds
#   requests: 503, 1, 0
#   requests, max_retries=3: GET and PUT 503, 4, 3; POST 503, 1, 0
#   urllib3: GET 503, 4, 3
. "$(dirname "$0")/lib.sh"

pypi requests==2.34.2 urllib3==2.8.0
cat >"$folder/ask.py" <<'EOF'
import http.server
import sys
import threading
import time

import requests
import urllib3
from requests.adapters import HTTPAdapter

sent = []


class Busy(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        sent.append(self.command)
        self.send_response(503)
        if self.path != '/without':
            self.send_header('Retry-After', '1')
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_POST = do_PUT = do_GET

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
how, method, path = sys.argv[1:]
url = 'http://127.0.0.1:%d%s' % (server.server_port, path)
begun = time.monotonic()
if how == 'urllib3':
    status = urllib3.request(method, url, timeout=0.5).status
else:
    session = requests.Session()
    if how == 'retries':
        session.mount('http://', HTTPAdapter(max_retries=3))
    status = session.request(method, url, timeout=0.5).status_code
print('%d, %d, %d' % (status, len(sent), time.monotonic() - begun))
EOF
ask() {
    "$python" "$folder/ask.py" "$@"
}
compare "requests, GET" "503, 1, 0" "503, 1, 0" "$(ask requests GET /)"
compare "max_retries=3, GET" "503, 1, 0" "503, 4, 3" "$(ask retries GET /)"
compare "max_retries=3, PUT" "503, 1, 0" "503, 4, 3" "$(ask retries PUT /)"
compare "max_retries=3, POST" "503, 1, 0" "503, 1, 0" "$(ask retries POST /)"
compare "max_retries=3, GET, no Retry-After" "503, 1, 0" "503, 1, 0" "$(ask retries GET /without)"
compare "urllib3, GET" "503, 1, 0" "503, 4, 3" "$(ask urllib3 GET /)"
verdict
