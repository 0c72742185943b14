#!/usr/bin/env bash
# Chromium 156 and curl 7.88.1 send a POST a second time, and tell nobody, when
# the server closes a connection that was used before without an answer: what a
# worker does that is killed in the middle of a request. The order is placed
# twice, and the page sees one 200.
#
# Guessed: an error in both, since a POST isn't idempotent (RFC 9110, 9.2.2).
# Node's http and Go's net/http do give an error. The proxies nginx 1.22,
# HAProxy 2.6, Apache 2.4, Varnish 7.1 and Caddy 2.6 answer 502 or 503.
#
# Seen on Debian 12:
#   chromium: 2 requests, status 200
#   curl: 2 requests, status 200
#   node http: 1 requests, ECONNRESET
. "$(dirname "$0")/lib.sh"

need chromium curl node python3
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
debian curl 7.88.1

cat >"$folder/server.py" <<'EOF'
"""Serve GETs; take a POST and close, once, if the connection isn't new."""
import socket
import sys
import threading

PAGE = b"""<p id=seen>nothing</p><script>
setTimeout(async () => {
  let seen;
  try {
    const r = await fetch('/order', {method: 'POST', body: 'x=1'});
    seen = 'status ' + r.status;
  } catch (e) { seen = 'error'; }
  document.getElementById('seen').textContent = seen;
}, 300)</script>"""
orders = []


def serve(client):
    used = False
    lines = client.makefile('rb')
    while True:
        request = lines.readline().split()
        if not request:
            return
        length = 0
        for header in iter(lines.readline, b'\r\n'):
            name, value = header.split(b':', 1)
            if name.lower() == b'content-length':
                length = int(value)
        lines.read(length)
        body = PAGE
        if request[0] == b'POST':
            orders.append(1)
            if used and len(orders) == 1:
                client.shutdown(socket.SHUT_RDWR)
                client.close()
                return
            body = b'placed'
        elif request[1] == b'/count':
            body = b'%d' % len(orders)
        used = True
        client.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n' % len(body) + body)


listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
EOF
cat >"$folder/client.mjs" <<'EOF'
import http from 'http';
const agent = new http.Agent({keepAlive: true, maxSockets: 1});
const send = (method, path, body) => new Promise(resolve => {
  const request = http.request({host: '127.0.0.1', port: process.argv[2], method, path, agent}, response => {
    response.resume();
    response.on('end', () => resolve('status ' + response.statusCode));
  });
  request.on('error', error => resolve(error.code));
  request.end(body);
});
await send('GET', '/');
console.log(await send('POST', '/order', 'x=1'));
agent.destroy();
EOF

# try NAME GUESSED RECORDED COMMAND...: the command prints what the client sees.
try() {
    local name=$1 guessed=$2 recorded=$3 seen
    shift 3
    number=$(port)
    start server.log python3 "$folder/server.py" "$number"
    reachable "$number"
    seen=$("$@")
    compare "$name" "$guessed" "$recorded" "$(curl -s "http://127.0.0.1:$number/count") requests, $seen"
}
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --virtual-time-budget=5000 --dump-dom "http://127.0.0.1:$number/" 2>/dev/null |
        sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
}
in_curl() {
    curl -s "http://127.0.0.1:$number/" -o "$folder/page" --next -s -d x=1 -o "$folder/order" \
        -w 'status %{http_code}' "http://127.0.0.1:$number/order" || true
}
in_node() {
    node "$folder/client.mjs" "$number"
}
try chromium "1 requests, error" "2 requests, status 200" in_chromium
try curl "1 requests, status 000" "2 requests, status 200" in_curl
try "node http" "1 requests, ECONNRESET" "1 requests, ECONNRESET" in_node
verdict
