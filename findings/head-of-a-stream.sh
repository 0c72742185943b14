#!/usr/bin/env bash
# HEAD of a page that streams, as link previews and monitoring send: gunicorn 27.0.1 ("asgi")
# answers when the stream ends, an hour later for server-sent events. uvicorn 0.54.0 and
# Hypercorn 0.18.0 send the headers at once, but the next request on that connection waits
# for the stream's end; nginx 1.22.1 with `keepalive` gives such a connection to the next
# visitor, who gets 504. daphne 4.2.3 sends the stream itself after the headers, where
# the client expects its next response. granian 2.8.9 is done after the headers.
#
# Guessed: the headers at once, and the connection is free (RFC 9110, section 9.3.2).
#
# Seen, HEAD of a stream of a minute, and a page on the same connection six seconds long:
#   granian              headers, page
#   uvicorn, Hypercorn   headers, nothing
#   gunicorn             nothing
#   daphne               headers, the stream
#   nginx with keepalive before uvicorn: 200, then 504 for the page
. "$(dirname "$0")/lib.sh"

debian nginx 1.22.1
need nginx
five_servers
asgi_lines <<'END'
stream = scope['path'] == '/stream'
await send({'type': 'http.response.start', 'status': 200, 'headers': []})
for _ in range(60 * stream):
    await send({'type': 'http.response.body', 'body': b'event', 'more_body': True})
    await asyncio.sleep(1)
await send({'type': 'http.response.body', 'body': b'page'})
END
cat >client.py <<'END'
import socket
import sys

connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
connection.settimeout(6)


def ask(request, *ends):
    """Send a request, and return what comes, until one of the ends is in it."""
    data = b''
    try:
        connection.sendall(request + b' HTTP/1.1\r\nHost: localhost\r\n\r\n')
        while not any(end in data for end in ends):
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
    except TimeoutError:
        pass
    return data


seen = []
if not ask(b'HEAD /stream', b'\r\n\r\n'):
    seen.append('nothing')
else:
    data = ask(b'GET /page', b'page', b'event')
    seen += ['headers', 'page' if b'page' in data else 'the stream' if b'event' in data else data.decode() or 'nothing']
print(', '.join(seen))
END
# asked SERVER
asked() {
    serve "$1"
    "$python" client.py "$server"
}
guessed="headers, page"
compare granian "$guessed" "headers, page" "$(asked granian)"
compare uvicorn "$guessed" "headers, nothing" "$(asked uvicorn)"
compare Hypercorn "$guessed" "headers, nothing" "$(asked hypercorn)"
compare gunicorn "$guessed" "nothing" "$(asked gunicorn)"
compare daphne "$guessed" "headers, the stream" "$(asked daphne)"
serve uvicorn
front=$(port)
{
    nginx_head
    cat <<END
access_log off;
upstream site { server 127.0.0.1:$server; keepalive 1; }
server {
    listen 127.0.0.1:$front;
    location / {
        proxy_pass http://site;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_read_timeout 6s;
    }
}
}
END
} >nginx.conf
start nginx.log nginx -p "$folder" -c nginx.conf
reachable "$front"
status() {
    curl --silent --max-time 20 --output page --write-out '%{http_code}' "$@" || true
}
compare "nginx before uvicorn" "200, 200" "200, 504" \
    "$(status --head "http://127.0.0.1:$front/stream"), $(status "http://127.0.0.1:$front/page")"
verdict
