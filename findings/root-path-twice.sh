#!/usr/bin/env bash
# uvicorn 0.54.0, Hypercorn 0.18.0, daphne 4.2.1: with --root-path /app, uvicorn puts
# /app before the path of each request, also where the proxy has left it there already:
# the application sees /app/app/x, and after taking root_path off, routes app/x.
# Hypercorn and daphne leave the path alone: behind a proxy that takes the prefix off, it
# doesn't begin with root_path then, as ASGI says it does. A proxy's configuration that is
# right for one of them is wrong for the others.
#
# Guessed: a path that begins with the root path stays as it is, and one that doesn't
# gets it, in each.
#
# Seen, as "root_path path", for requests of /app/x and of /x:
#   uvicorn      /app /app/app/x     /app /app/x
#   Hypercorn    /app /app/x         /app /x
#   daphne       /app /app/x         /app /x
. "$(dirname "$0")/lib.sh"

need curl
pypi uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.1
cd "$folder"
asgi_lines <<'EOF'
text = '%s %s' % (scope['root_path'], scope['path'])
await send({'type': 'http.response.start', 'status': 200, 'headers': []})
await send({'type': 'http.response.body', 'body': text.encode()})
EOF
# seen SERVER
seen() {
    serve "$1" --root-path /app
    curl -s "http://127.0.0.1:$server/app/x"
    printf ', '
    curl -s "http://127.0.0.1:$server/x"
}
guess="/app /app/x, /app /app/x"
compare "uvicorn 0.54.0" "$guess" "/app /app/app/x, /app /app/x" "$(seen uvicorn)"
compare "Hypercorn 0.18.0" "$guess" "/app /app/x, /app /x" "$(seen hypercorn)"
compare "daphne 4.2.1" "$guess" "/app /app/x, /app /x" "$(seen daphne)"
verdict
