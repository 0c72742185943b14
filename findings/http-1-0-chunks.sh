#!/usr/bin/env bash
# uvicorn 0.54.0 answers a client of HTTP/1.0 in chunks, which HTTP/1.0 doesn't have, if
# the response has no Content-Length (a stream) and httptools is installed, which
# uvicorn[standard] brings. The client finds the lengths of the chunks in the body. Such
# are ab, HAProxy's `option httpchk`, probes of monitoring, and old scripts. With --http
# h11 it ends such a body by closing, as Hypercorn, daphne and granian do.
#
# Guessed: the body as it is, and its end by closing, as RFC 9112 (6.1) demands.
#
# Seen, the body of "one" and "two" for GET / HTTP/1.0:
#   uvicorn, httptools          4 one 4 two 0
#   uvicorn, h11                one two
#   hypercorn, daphne, granian  one two
. "$(dirname "$0")/lib.sh"

pypi uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9
cd "$folder"
asgi_application <<'END'
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})
await send({'type': 'http.response.body', 'body': b'one\n', 'more_body': True})
await send({'type': 'http.response.body', 'body': b'two\n'})
END
cat >ask.py <<'END'
"""The body of an HTTP/1.0 response, as it comes: all that follows the headers."""
import socket
import sys

with socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=10) as client:
    client.sendall(b'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n')
    data = b''.join(iter(lambda: client.recv(65536), b''))
print(' '.join(data.partition(b'\r\n\r\n')[2].decode().split()))
END
# body SERVER OPTION...: what it answers
body() {
    serve "$@"
    "$python" ask.py "$server"
    kill -KILL -- "-$pid"
}
compare "uvicorn, httptools" "one two" "4 one 4 two 0" "$(body uvicorn --http httptools)"
compare "uvicorn, h11" "one two" "one two" "$(body uvicorn --http h11)"
compare "daphne" "one two" "one two" "$(body daphne)"
compare "granian" "one two" "one two" "$(body granian)"
compare "hypercorn" "one two" "one two" "$(body hypercorn)"
verdict
