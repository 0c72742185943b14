#!/usr/bin/env bash
# SIGTERM while one visitor reads server-sent events: uvicorn 0.54.0 and granian 2.8.9 stop
# accepting, and wait for the end of that stream for good: as long as somebody reads, the
# old process stays, and systemd kills it after its 90 s, with what else it was doing.
# uvicorn's `--timeout-graceful-shutdown` has no default; granian's `--workers-kill-timeout`
# neither. gunicorn 27.0.1 ("asgi") ends after its 30 s, Hypercorn 0.18.0 after 3, daphne
# 4.2.3 at once. While it waits, the port refuses, so the site is gone.
#
# Guessed: a graceful stop has its limit, some seconds, in each.
#
# Seen, 37 s after SIGTERM:
#   uvicorn, granian              goes on, refuses others
#   gunicorn, Hypercorn, daphne   ended
. "$(dirname "$0")/lib.sh"

five_servers
asgi_lines <<'END'
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/event-stream')]})
while True:
    await send({'type': 'http.response.body', 'body': b'data: x\n\n', 'more_body': True})
    await asyncio.sleep(.5)
END
# try SERVER: in the background; SERVER.seen says how it ends.
try() {
    {
        serve "$1"
        local parent=$pid
        start "$1.reader" curl --silent --no-buffer --output "$1.events" "http://127.0.0.1:$server/"
        eventually 20 grep -qs data "$1.events"
        kill -TERM "$parent"
        if eventually 37 test ! -e "/proc/$parent"; then
            echo "ended"
        else
            connects "$server" && echo "goes on" || echo "goes on, refuses others"
        fi
    } >"$1.seen" &
}
for name in uvicorn granian gunicorn hypercorn daphne; do
    try "$name"
done
wait
compare uvicorn ended "goes on, refuses others" "$(cat uvicorn.seen)"
compare granian ended "goes on, refuses others" "$(cat granian.seen)"
compare gunicorn ended ended "$(cat gunicorn.seen)"
compare Hypercorn ended ended "$(cat hypercorn.seen)"
compare daphne ended ended "$(cat daphne.seen)"
verdict
