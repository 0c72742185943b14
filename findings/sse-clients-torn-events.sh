#!/usr/bin/env bash
# Python's clients of server-sent events and what a connection's end or a packet's border does to
# them. sseclient-py 1.9.0 gives out an event that was cut off, as when a server ends,
# as if it were whole: half a JSON (the standard drops what no empty line ends).
# requests-sse 0.5.3 takes a CR LF that arrives in two pieces for two ends of a line, and so makes
# two events of one of two lines. httpx-sse 0.4.3 makes a message of an event without
# data, which browsers drop: `event: ping` alone.
#
# Guessed: whole events only, however they arrive, and none without data.
#
# Seen ("whole" and the beginning of {"half": 1}; "one" and "two" in one event; a ping without data):
#   sseclient-py   whole | {"half":    one+two   message
#   requests-sse   whole               one | two   message
#   httpx-sse      whole               one+two   ping, message
. "$(dirname "$0")/lib.sh"

pypi sseclient-py==1.9.0 requests-sse==0.5.3 requests==2.34.2 httpx-sse==0.4.3 httpx==0.28.1
cat >"$folder/clients.py" <<'END'
import contextlib
import datetime
import http.server
import sys
import threading
import time

import httpx
import httpx_sse
import requests
import requests_sse
import sseclient

STREAMS = {
    '/cut': [b'data: whole\n\ndata: {"half": '],
    '/pieces': [b'data: one\r', b'\ndata: two\r\n\r\n'],
    '/ping': [b'event: ping\n\ndata: text\n\n'],
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.send_header('Transfer-Encoding', 'chunked')
        self.send_header('Connection', 'close')
        self.end_headers()
        for piece in STREAMS[self.path] + [b'']:
            self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
            time.sleep(0.5)

    def log_message(self, form, *args):
        pass


def with_sseclient_py(url):
    yield from sseclient.SSEClient(requests.get(url, stream=True)).events()


def with_requests_sse(url):
    with requests_sse.EventSource(url, reconnection_time=datetime.timedelta(minutes=1)) as source:
        yield from source


def with_httpx_sse(url):
    with httpx.Client() as client, httpx_sse.connect_sse(client, 'GET', url) as source:
        yield from source.iter_sse()


def read(events, seen):
    # What a connection that ends in the middle of an event raises is all right here.
    with contextlib.suppress(httpx.HTTPError, requests.RequestException):
        for event in events:
            seen.append(event)


client, path = sys.argv[1:]
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = []
# One of them connects again at the end, and has got all before that.
reader = threading.Thread(
    target=read, args=[globals()['with_' + client]('http://127.0.0.1:%d%s' % (server.server_port, path)), seen],
    daemon=True,
)
reader.start()
reader.join(5)
if path == '/ping':
    print(', '.join(str(getattr(event, 'event', None) or event.type) for event in seen))
else:
    print(' | '.join(event.data.replace('\n', '+').strip() for event in seen))
END
seen() {
    "$python" "$folder/clients.py" "$1" "$2"
}
compare "sseclient-py, cut off" whole 'whole | {"half":' "$(seen sseclient_py /cut)"
compare "sseclient-py, in pieces" one+two one+two "$(seen sseclient_py /pieces)"
compare "sseclient-py, without data" message message "$(seen sseclient_py /ping)"
compare "requests-sse, cut off" whole whole "$(seen requests_sse /cut)"
compare "requests-sse, in pieces" one+two 'one | two' "$(seen requests_sse /pieces)"
compare "requests-sse, without data" message message "$(seen requests_sse /ping)"
compare "httpx-sse, cut off" whole whole "$(seen httpx_sse /cut)"
compare "httpx-sse, in pieces" one+two one+two "$(seen httpx_sse /pieces)"
compare "httpx-sse, without data" message "ping, message" "$(seen httpx_sse /ping)"
verdict
