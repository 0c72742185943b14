#!/usr/bin/env bash
# granian 2.8.9, and Hypercorn 0.18.0 with more than one worker, start on a port that an
# older process of theirs still serves (SO_REUSEPORT), without a word in the log. The
# system deals the connections out to both: after a deployment that didn't end the old
# process, or with a second site on the same port, each second page is of the other. With
# uvicorn 0.54.0, daphne 4.2.3, gunicorn 27.0.1 and one worker of Hypercorn the second
# doesn't serve: the address is in use.
#
# Guessed: "address already in use", and the second ends, in all.
#
# Seen (one server, then another on its port; 40 pages):
#   granian, Hypercorn -w 2                        of both
#   uvicorn, daphne, gunicorn, Hypercorn           of the first
. "$(dirname "$0")/lib.sh"

need ss
five_servers uvicorn-worker==0.4.0
site_page
pages() {
    local page
    for page in $(seq 40); do
        curl --silent --max-time 5 "http://127.0.0.1:$1/?$page"
        echo
    done | sort -u | xargs
}
# The second one has ended, or both listen.
settled() {
    [ ! -e "/proc/$pid" ] || [ "$(ss -Hltn "sport = :$1" | wc -l)" = 2 ]
}
# sites COMMAND...: whose pages come; the port follows its last argument
sites() {
    local number old
    number=$(port)
    SITE=first
    start first.log "$bin/$1" "${@:2:$#-2}" "${@: -1}$number"
    old=$pid
    reachable "$number"
    SITE=second
    start second.log "$bin/$1" "${@:2:$#-2}" "${@: -1}$number"
    eventually 60 settled "$number" || true
    pages "$number"
    kill -KILL -- "-$old" "-$pid" 2>/dev/null || true
}
compare granian "first" "first second" "$(sites granian --interface asgi app:application --port=)"
compare "Hypercorn -w 2" "first" "first second" "$(sites hypercorn -w 2 app:application --bind 127.0.0.1:)"
compare Hypercorn "first" "first" "$(sites hypercorn app:application --bind 127.0.0.1:)"
compare uvicorn "first" "first" "$(sites uvicorn app:application --port=)"
compare daphne "first" "first" "$(sites daphne app:application --port=)"
compare gunicorn "first" "first" "$(sites gunicorn -k uvicorn_worker.UvicornWorker app:application --bind 127.0.0.1:)"
verdict
