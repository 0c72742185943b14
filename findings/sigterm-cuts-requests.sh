#!/usr/bin/env bash
# SIGTERM while a request of five seconds is in progress: uvicorn 0.54.0, gunicorn
# 27.0.1 and granian 2.8.9 finish it. daphne 4.2.3 and waitress 3.0.2 end at once and the
# client gets no answer; Hypercorn 0.18.0 ends it after three seconds with status 500.
# So each deployment costs the requests of that moment.
#
# Guessed: all finish it (waitress' and daphne's SIGINT aside).
#
# Seen, SIGTERM one second after the request:
#   uvicorn: status 200
#   gunicorn: status 200
#   granian: status 200
#   hypercorn: status 500
#   daphne: status 000
#   waitress: status 000
. "$(dirname "$0")/lib.sh"

need curl
pypi uvicorn==0.54.0 hypercorn==0.18.0 granian==2.8.9 gunicorn==27.0.1 daphne==4.2.3 waitress==3.0.2
cd "$folder"
asgi_lines <<'EOF'
await asyncio.sleep(5)
await send({'type': 'http.response.start', 'status': 200, 'headers': []})
await send({'type': 'http.response.body', 'body': b'finished'})
EOF
cat >wsgi.py <<'EOF'
import time


def application(environ, start_response):
    time.sleep(5)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'finished']
EOF
export HOME=$folder
# try COMMAND...: with PORT for the port.
try() {
    local number program=$1 request
    number=$(port)
    shift
    start "$program.log" "$bin/$program" "${@//PORT/$number}"
    reachable "$number"
    sleep 1
    curl -s -m 15 -o page -w '%{http_code}' "http://127.0.0.1:$number/" >status &
    request=$!
    sleep 1
    kill -TERM "$pid"
    wait $request || true
    echo "status $(cat status)"
}
finished="status 200"
compare uvicorn "$finished" "status 200" "$(try uvicorn --port PORT app:application)"
compare gunicorn "$finished" "status 200" "$(try gunicorn -b 127.0.0.1:PORT wsgi:application)"
compare granian "$finished" "status 200" "$(try granian --interface asgi --port PORT app:application)"
compare hypercorn "$finished" "status 500" "$(try hypercorn -b 127.0.0.1:PORT app:application)"
compare daphne "$finished" "status 000" "$(try daphne -b 127.0.0.1 -p PORT app:application)"
compare waitress "$finished" "status 000" "$(try waitress-serve --listen=127.0.0.1:PORT wsgi:application)"
verdict
