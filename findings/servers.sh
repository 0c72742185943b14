# shellcheck shell=bash
# What the findings about servers share. lib.sh sources it, and has what it needs.
#
#   asgi_lines, asgi_application   app.py, an ASGI application
#   serve, five_servers            that under one of the servers; what installs all five
#   slow_server                    HTTP by Python alone
#   nginx_head                     the lines that each nginx begins with

# asgi_lines: app.py here, which does for each request and WebSocket what the lines of stdin
# say (they have scope, receive and send).
asgi_lines() {
    cat >app.py <<'END'
import asyncio  # noqa: F401
import os  # noqa: F401


async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        while (await receive())['type'] == 'lifespan.startup':
            await send({'type': 'lifespan.startup.complete'})
        await send({'type': 'lifespan.shutdown.complete'})
        return
END
    sed 's/^\(.\)/    \1/' >>app.py
}

# asgi_application: app.py here, whose pages are the lines of stdin; it accepts each
# WebSocket and holds it.
asgi_application() {
    {
        cat <<'END'
if scope['type'] == 'websocket':
    await receive()
    await send({'type': 'websocket.accept'})
    while (await receive())['type'] != 'websocket.disconnect':
        pass
    return
END
        cat
    } | asgi_lines
}

# serve SERVER OPTION...: app.py under it, on a port of its own. Sets server (that port) and
# pid once it answers there. $APPLICATION is its name if it has another one.
serve() {
    local address application=${APPLICATION:-app:application}
    server=$(port)
    case $1 in
        uvicorn) address=(--port "$server") ;;
        granian) address=(--interface asgi --port "$server") ;;
        daphne) address=(-p "$server") ;;
        gunicorn) address=(-k asgi -b "127.0.0.1:$server") ;;
        hypercorn) address=(-b "127.0.0.1:$server") ;;
    esac
    PYTHONPATH=$folder HOME=$folder start "$1.log" "$bin/$1" "${address[@]}" "${@:2}" "$application"
    reachable "$server"
}

# five_servers PIN...: uvicorn, Hypercorn, daphne, granian and gunicorn, and what else is named.
five_servers() {
    need curl
    pypi uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 gunicorn==27.0.1 "$@"
    cd "$folder"
    export PYTHONPATH=$folder HOME=$folder
}

# site_page: app.py here, whose pages are $SITE.
site_page() {
    export SITE
    asgi_application <<'END'
body = os.environ['SITE'].encode()
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
await send({'type': 'http.response.body', 'body': body})
END
}

# slow_server SECONDS: HTTP by Python alone, each page after so long. Sets server (its port).
slow_server() {
    cat >slow_server.py <<'END'
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(sys.argv[2]))
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, form, *args):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
END
    server=$(port)
    start slow_server.log python3 slow_server.py "$server" "$1"
    reachable "$server"
}

# Print what begins the configuration of an nginx of one's own, up to its http block.
nginx_head() {
    local name
    printf '%s\n' 'daemon off;' "pid $folder/nginx.pid;" "error_log $folder/nginx.log;" 'events {}' 'http {'
    for name in client_body proxy fastcgi uwsgi scgi; do
        echo "    ${name}_temp_path $folder/$name;"
    done
}
