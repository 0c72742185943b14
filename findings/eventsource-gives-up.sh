#!/usr/bin/env bash
# One 503 while an EventSource reconnects, as during a deployment, ends it for good,
# in Chromium 156 and in npm's eventsource 4.1.1: readyState 2, and nobody tries again.
# A refused connection is tried again for ever; so a proxy that answers for
# a server that is away is worse than no proxy. The page must make a new one.
#
# Guessed: tried again after `retry`, as 503 says "later" (with the first response's
# retry: 500).
#
# Seen (connections: 200 with an event, then 503, then 200 again):
#   chromium: event 1, connecting, closed; 2 connections
#   eventsource: event 1, connecting, closed; 2 connections
. "$(dirname "$0")/lib.sh"

need chromium curl node npm python3
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
npm_packages eventsource@4.1.1
cat >"$folder/server.py" <<'EOF'
import http.server
import sys

PAGE = b"""<p id=seen>nothing</p><script>
const seen = [], source = new EventSource('/events');
source.onmessage = message => seen.push('event ' + message.data);
source.onerror = () => seen.push(['connecting', 'open', 'closed'][source.readyState]);
setTimeout(() => { document.getElementById('seen').textContent = seen.join(', '); }, 5000);
</script>"""
connections = []


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        body, status, kind = PAGE, 200, 'text/html'
        if self.path == '/count':
            body = b'%d' % len(connections)
        elif self.path == '/events':
            connections.append(1)
            kind, body = 'text/event-stream', b'retry: 500\n\ndata: %d\n\n' % len(connections)
            if len(connections) == 2:
                status, body = 503, b''
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
cat >"$folder/node/client.mjs" <<'EOF'
import { EventSource } from 'eventsource';
const seen = [], source = new EventSource('http://127.0.0.1:' + process.argv[2] + '/events');
source.onmessage = message => seen.push('event ' + message.data);
source.onerror = () => seen.push(['connecting', 'open', 'closed'][source.readyState]);
setTimeout(() => { console.log(seen.join(', ')); process.exit(); }, 5000);
EOF
try() {
    number=$(port)
    start server.log python3 "$folder/server.py" "$number"
    reachable "$number"
    echo "$("$@"); $(curl -s "http://127.0.0.1:$number/count") connections"
}
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --timeout=9000 --virtual-time-budget=20000 --dump-dom "http://127.0.0.1:$number/" 2>/dev/null |
        sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
}
in_node() {
    node "$folder/node/client.mjs" "$number"
}
guessed="event 1, connecting, connecting, event 3, ...; 3 or more connections"
recorded="event 1, connecting, closed; 2 connections"
compare chromium "$guessed" "$recorded" "$(try in_chromium)"
compare "npm's eventsource" "$guessed" "$recorded" "$(try in_node)"
verdict
