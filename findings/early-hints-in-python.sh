#!/usr/bin/env bash
# A response that 103 Early Hints precede is a 103 without a body to Python's http.client,
# and so to urllib (an HTTPError), urllib3 and requests: a monitoring script reports 103,
# and raise_for_status() is content. httpx, aiohttp, curl, Node and HAProxy take the 200
# that follows. So what a site sends for browsers' sake breaks its monitoring.
#
# Guessed: an interim response is skipped, as 100 Continue is.
#
# Seen, status and length of the body (103 with a link, then 200 with 5 bytes):
#   httpx, aiohttp, curl, node, curl through HAProxy: 200 5
#   requests 2.34.2: 103 0
#   urllib: HTTPError 103
. "$(dirname "$0")/lib.sh"

need curl node
debian haproxy 2.6.12
pypi requests==2.34.2 urllib3==2.8.0 httpx==0.28.1 aiohttp==3.14.5
cat >"$folder/server.py" <<'EOF'
import socketserver
import sys

ANSWER = (b'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'
          b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if line == b'\r\n':
                self.wfile.write(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
cat >"$folder/client.py" <<'EOF'
import asyncio
import sys
import urllib.error
import urllib.request

import aiohttp
import httpx
import requests

how, url = sys.argv[1:]


async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        print(response.status, len(await response.read()))


if how == 'aiohttp':
    asyncio.run(by_aiohttp())
elif how == 'urllib':
    try:
        response = urllib.request.urlopen(url)
        print(response.status, len(response.read()))
    except urllib.error.HTTPError as error:
        print('HTTPError', error.code)
else:
    response = {'httpx': httpx, 'requests': requests}[how].get(url)
    print(response.status_code, len(response.content))
EOF
number=$(port)
start server.log python3 "$folder/server.py" "$number"
proxy=$(port)
cat >"$folder/haproxy.cfg" <<EOF
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen proxy
    bind 127.0.0.1:$proxy
    server backend 127.0.0.1:$number
EOF
start haproxy.log haproxy -f "$folder/haproxy.cfg"
reachable "$number"
reachable "$proxy"
url=http://127.0.0.1:$number/
by_curl() {
    curl -s -o /dev/null -w '%{http_code} %{size_download}' "$1"
}
in_node() {
    node -e "fetch('$url').then(async got => console.log(got.status, (await got.text()).length))"
}
for client in httpx aiohttp; do
    compare $client "200 5" "200 5" "$("$python" "$folder/client.py" $client "$url")"
done
compare curl "200 5" "200 5" "$(by_curl "$url")"
compare node "200 5" "200 5" "$(in_node)"
compare "curl through HAProxy" "200 5" "200 5" "$(by_curl "http://127.0.0.1:$proxy/")"
compare requests "200 5" "103 0" "$("$python" "$folder/client.py" requests "$url")"
compare urllib "200 5" "HTTPError 103" "$("$python" "$folder/client.py" urllib "$url")"
verdict
