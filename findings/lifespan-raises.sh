#!/usr/bin/env bash
# An application that raises when it starts (lifespan.startup: no database, a missing
# variable) is served all the same by uvicorn 0.54.0, Hypercorn 0.18.0 and granian 2.8.9:
# they take the exception for "no lifespan here", and its first requests meet what isn't
# there. Only the message lifespan.startup.failed stops them, which Starlette sends and
# middleware of one's own has to. daphne 4.2.3 never asks an application to start.
#
# Guessed: a server whose application can't start doesn't start.
#
# Seen (the page of one that starts, of one that raises, and of one that says "failed"):
#   uvicorn: ready, not ready, doesn't start
#   hypercorn: ready, not ready, doesn't start
#   granian: ready, not ready, doesn't start
#   daphne: not ready, not ready, not ready
. "$(dirname "$0")/lib.sh"

need curl
pypi uvicorn==0.54.0 hypercorn==0.18.0 granian==2.8.9 daphne==4.2.3
cd "$folder"
export HOME=$folder
cat >app.py <<'END'
import os

STATE = []


async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        if os.environ['START'] == 'raises':
            raise RuntimeError('no database')
        if os.environ['START'] == 'fails':
            await send({'type': 'lifespan.startup.failed', 'message': 'no database'})
            return
        STATE.append('ready')
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.complete'})
        return
    body = (STATE or ['not ready'])[0].encode()
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
    await send({'type': 'http.response.body', 'body': body})
END
# try START PROGRAM OPTION...: with PORT for the port.
try() {
    local number
    number=$(port)
    export START=$1
    start "$2.log" "$bin/$2" "${@:3}" "${bind[@]//PORT/$number}" app:application
    if eventually 10 connects "$number"; then
        curl --silent --max-time 5 "http://127.0.0.1:$number/" || echo "no answer"
    else
        echo "doesn't start"
    fi
    kill -KILL -- "-$pid" 2>/dev/null || true
}
# all PROGRAM RECORDED OPTION...
all() {
    local program=$1 recorded=$2
    shift 2
    compare "$program" "ready, doesn't start, doesn't start" "$recorded" \
        "$(try works "$program" "$@"), $(try raises "$program" "$@"), $(try fails "$program" "$@")"
}
served="ready, not ready, doesn't start"
bind=(--port PORT)
all uvicorn "$served"
all granian "$served" --interface asgi
bind=(-b 127.0.0.1:PORT)
all hypercorn "$served"
bind=(-b 127.0.0.1 -p PORT)
all daphne "not ready, not ready, not ready"
verdict
