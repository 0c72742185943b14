#!/usr/bin/env bash
# When one of two worker processes is killed (kill -9, as by the kernel for its
# memory), Hypercorn 0.18.0 and granian 2.8.9 end the other one and themselves: the
# site is gone. uvicorn 0.54.0 and gunicorn 27.0.1 start another worker.
#
# Guessed: all four replace it; that is what a parent process is for.
#
# Seen, four seconds after one of two was killed:
#   uvicorn: status 200, parent there
#   gunicorn: status 200, parent there
#   hypercorn: status 000, parent gone
#   granian: status 000, parent gone
. "$(dirname "$0")/lib.sh"

need curl
pypi uvicorn==0.54.0 hypercorn==0.18.0 granian==2.8.9 gunicorn==27.0.1
cat >"$folder/app.py" <<'EOF'
import os


async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            message = await receive()
            await send({'type': message['type'] + '.complete'})
            if message['type'] == 'lifespan.shutdown':
                return
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'%d' % os.getpid()})
EOF
cd "$folder"
# try COMMAND...: with PORT for the port.
try() {
    local number worker status there=gone
    number=$(port)
    start "$1.log" "$bin/$1" "${@:2}" "${bind[@]//PORT/$number}" app:application
    reachable "$number"
    worker=$(curl -s --retry 5 --retry-all-errors "http://127.0.0.1:$number/")
    kill -KILL "$worker"
    sleep 4
    status=$(curl -s -m 5 -o page -w '%{http_code}' "http://127.0.0.1:$number/") || true
    kill -0 "$pid" 2>/dev/null && there=there
    echo "status $status, parent $there"
}
guessed="status 200, parent there"
export HOME=$folder
bind=(--port PORT)
compare uvicorn "$guessed" "status 200, parent there" "$(try uvicorn --workers 2)"
bind=(-b 127.0.0.1:PORT)
compare gunicorn "$guessed" "status 200, parent there" "$(try gunicorn -w 2 -k asgi)"
compare hypercorn "$guessed" "status 000, parent gone" "$(try hypercorn -w 2)"
bind=(--port PORT)
compare granian "$guessed" "status 000, parent gone" "$(try granian --interface asgi --workers 2)"
verdict
