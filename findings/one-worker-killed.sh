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
cd "$folder"
asgi_lines <<'EOF'
await send({'type': 'http.response.start', 'status': 200, 'headers': []})
await send({'type': 'http.response.body', 'body': b'%d' % os.getpid()})
EOF
# try SERVER OPTION...
try() {
    local worker status there=gone
    serve "$@"
    worker=$(curl -s --retry 5 --retry-all-errors "http://127.0.0.1:$server/")
    kill -KILL "$worker"
    sleep 4
    status=$(curl -s -m 5 -o page -w '%{http_code}' "http://127.0.0.1:$server/") || true
    kill -0 "$pid" 2>/dev/null && there=there
    echo "status $status, parent $there"
}
guessed="status 200, parent there"
compare uvicorn "$guessed" "status 200, parent there" "$(try uvicorn --workers 2)"
compare gunicorn "$guessed" "status 200, parent there" "$(try gunicorn -w 2)"
compare hypercorn "$guessed" "status 000, parent gone" "$(try hypercorn -w 2)"
compare granian "$guessed" "status 000, parent gone" "$(try granian --workers 2)"
verdict
