#!/usr/bin/env bash
# lighttpd 1.4.69 as a proxy keeps a response, headers too, until the backend has ended
# it: server-sent events and other streams don't arrive, however long they go on,
# and the memory or temporary files of the proxy grow with them. Neither
# Content-Type nor X-Accel-Buffering nor chunks change it;
# server.stream-response-body = 1 does. (A WebSocket streams without it.)
#
# Guessed: each event as it comes, or at least the headers, as with other proxies.
#
# Seen (an event each second, three of them; second in which each was there):
#   default: headers 3, events 3 3 3
#   server.stream-response-body = 1: headers 0, events 0 1 2
. "$(dirname "$0")/lib.sh"

debian lighttpd 1.4.69
need lighttpd python3
cat >"$folder/server.py" <<'EOF'
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.send_response(200)
        for header in (('Content-Type', 'text/event-stream'), ('Transfer-Encoding', 'chunked'),
                       ('Cache-Control', 'no-cache'), ('X-Accel-Buffering', 'no')):
            self.send_header(*header)
        self.end_headers()
        for number in range(3):
            self.wfile.write(b'9\r\ndata: %d\n\n\r\n' % number)
            time.sleep(1)
        self.wfile.write(b'0\r\n\r\n')


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
cat >"$folder/client.py" <<'EOF'
import sys
import time
import urllib.request

start = time.monotonic()
response = urllib.request.urlopen('http://127.0.0.1:%s/' % sys.argv[1])
headers = round(time.monotonic() - start)
events = [str(round(time.monotonic() - start)) for line in response if line.strip()]
print('headers %d, events %s' % (headers, ' '.join(events)))
EOF
backend=$(port)
start server.log python3 "$folder/server.py" "$backend"
reachable "$backend"
try() {
    local front
    front=$(port)
    cat >"$folder/lighttpd-$front.conf" <<EOF
server.port = $front
server.bind = "127.0.0.1"
server.document-root = "$folder"
server.upload-dirs = ("$folder")
server.modules = ("mod_proxy")
proxy.server = ("" => (("host" => "127.0.0.1", "port" => $backend)))
$1
EOF
    start lighttpd.log lighttpd -D -f "$folder/lighttpd-$front.conf"
    reachable "$front"
    python3 "$folder/client.py" "$front"
}
compare default "headers 0, events 0 1 2" "headers 3, events 3 3 3" "$(try '')"
compare "stream-response-body = 1" "headers 0, events 0 1 2" "headers 0, events 0 1 2" \
    "$(try 'server.stream-response-body = 1')"
verdict
