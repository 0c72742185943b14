#!/usr/bin/env bash
# After an event with "id: 1" and a block of "id: 2" alone, which is how a server says "so far
# there was nothing for you", Chromium 156 and Node's undici 7.30.2 come back with
# Last-Event-ID: 2, as the standard has it. npm's eventsource 4.1.1, eventsource-client
# 1.2.0, event-source-plus 0.1.15 and launchdarkly-eventsource 2.2.0 come back with 1, and
# get again, or look for, what they had passed. event-source-polyfill 1.0.31 says it in the
# query, ?lastEventId=1, and sends no such header at all: a server that looks at
# the header begins anew, and what is missed in between is lost.
#
# Guessed: Last-Event-ID: 2 from all.
#
# Seen, on the second connection:
#   chromium, undici                                                        header 2
#   eventsource, eventsource-client, event-source-plus, launchdarkly        header 1
#   event-source-polyfill                                                   no header, query 1
. "$(dirname "$0")/lib.sh"

need chromium curl node npm python3
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
npm_packages eventsource@4.1.1 event-source-polyfill@1.0.31 eventsource-client@1.2.0 event-source-plus@0.1.15 \
    launchdarkly-eventsource@2.2.0 undici@7.30.2
cat >"$folder/server.py" <<'EOF'
import http.server
import sys
import threading
import urllib.parse

PAGE = b"<p>page</p><script>new EventSource('/events')</script>"
seen = []
twice = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        body, kind = PAGE, 'text/html'
        if address.path == '/seen':
            twice.wait(60)
            header, query = seen[1] if len(seen) > 1 else ('never came back', {})
            body = 'header %s' % header if header else 'no header'
            body += ''.join(', query ' + value[0] for value in query.values())
            body = body.encode()
        elif address.path == '/events':
            seen.append((self.headers.get('Last-Event-ID'), urllib.parse.parse_qs(address.query)))
            kind = 'text/event-stream'
            body = b': nothing\n\n' if len(seen) > 1 else b'retry: 300\n\nid: 1\ndata: one\n\nid: 2\n\n'
            if len(seen) > 1:
                twice.set()
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
cat >"$folder/node/client.mjs" <<'EOF'
const [name, number] = process.argv.slice(2), url = `http://127.0.0.1:${number}/events`;
const client = await import(name);
if (client.createEventSource) {
    client.createEventSource({ url, onMessage: () => {} });
} else if (client.EventSourcePlus) {
    new client.EventSourcePlus(url).listen({ onMessage: () => {} });
} else {
    const EventSource = client.EventSource ?? client.EventSourcePolyfill ?? client.default.EventSource ??
        client.default.EventSourcePolyfill;
    new EventSource(url).onmessage = () => {};
}
setTimeout(() => process.exit(), 60000);
EOF
# try COMMAND...: until it has come back.
try() {
    local number
    number=$(port)
    start "server-$number.log" python3 "$folder/server.py" "$number"
    reachable "$number"
    start "client-$number.log" "${@//PORT/$number}"
    curl -s -m 70 "http://127.0.0.1:$number/seen"
    kill -KILL -- "-$pid"
}
guessed="header 2"
compare chromium "$guessed" "header 2" "$(try chromium --headless --no-sandbox --disable-gpu \
    --user-data-dir="$folder/profile" --timeout=20000 --virtual-time-budget=20000 --dump-dom "http://127.0.0.1:PORT/")"
compare undici "$guessed" "header 2" "$(try node "$folder/node/client.mjs" undici PORT)"
for name in eventsource eventsource-client event-source-plus launchdarkly-eventsource; do
    compare $name "$guessed" "header 1" "$(try node "$folder/node/client.mjs" $name PORT)"
done
compare event-source-polyfill "$guessed" "no header, query 1" \
    "$(try node "$folder/node/client.mjs" event-source-polyfill PORT)"
verdict
