#!/usr/bin/env bash
# uvicorn 0.54.0 with --workers: a process that doesn't answer its parent within five
# seconds (--timeout-worker-healthcheck) is killed by SIGKILL, and started again. A thread
# of it answers, which needs the GIL: a page of seven seconds in an extension that keeps
# it, as many that compute or parse do, gets no answer, and neither does any other client
# of that process; WebSockets end without a close frame. The log says "died". Without
# --workers, and so in development, both are answered, only late.
#
# Guessed: others wait, and all are answered.
#
# Seen:                     the page of 7 s    another client of the process
#   uvicorn                 answered           answered
#   uvicorn --workers 2     cut off            cut off
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0
cd "$folder"
cat >app.py <<'END'
import asyncio
import ctypes
import os


async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    if scope['path'] == '/computes':
        # What PyDLL calls keeps the GIL.
        ctypes.PyDLL(None).usleep(7000000)
    elif scope['path'] == '/waits':
        await asyncio.sleep(9)
    body = b'%d' % os.getpid()
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
    await send({'type': 'http.response.body', 'body': body})
END
cat >clients.py <<'END'
"""Two clients of one process: one asks for what computes, the other for what waits."""
import http.client
import sys
import threading
import time

port = int(sys.argv[1])
by_process = {}
while True:
    client = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    client.request('GET', '/')
    process = client.getresponse().read()
    if process in by_process:
        break
    by_process[process] = client
seen = {}


def ask(client, path):
    try:
        client.request('GET', path)
        seen[path] = 'answered' if client.getresponse().read() == process else 'by another'
    except (http.client.HTTPException, OSError):
        seen[path] = 'cut off'


waits = threading.Thread(target=ask, args=(by_process[process], '/waits'))
waits.start()
time.sleep(1)
ask(client, '/computes')
waits.join()
print(seen['/computes'] + ', ' + seen['/waits'])
END
# serve NAME OPTION...: prints what the clients saw.
serve() {
    local at
    at=$(port)
    start "$1.log" "$bin/uvicorn" --port "$at" "${@:2}" app:app
    eventually 30 reachable "$at"
    "$python" clients.py "$at" >"$1.seen"
}
serve one
serve several --workers 2
compare "uvicorn" "answered, answered" "answered, answered" "$(cat one.seen)"
compare "uvicorn --workers 2" "answered, answered" "cut off, cut off" "$(cat several.seen)"
verdict
