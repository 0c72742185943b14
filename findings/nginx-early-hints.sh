#!/usr/bin/env bash
# nginx 1.22.1 takes a 103 Early Hints of the server behind it for the response, and the
# response for its body. Over HTTP/1.1 it looks right, since the client reads both as they
# come: only the log has 103, and headers of nginx's configuration are lost with it. Over
# HTTP/2, which browsers speak, the page fails. HAProxy 2.6.12 passes both on.
#
# Guessed: an interim response is passed on, or dropped, and the page arrives.
#
# Seen (a server that answers 103, then 200 with "page"; add_header Marker 1):
#   nginx, HTTP/1.1    page, with the marker in the 103 alone; the log has 103
#   nginx, HTTP/2      curl: error 92 (HTTP/2 stream not closed cleanly)
#   HAProxy, HTTP/2    page
. "$(dirname "$0")/lib.sh"

debian nginx 1.22.1
debian haproxy 2.6.12
need nginx haproxy curl openssl python3
cd "$folder"
cat >server.py <<'END'
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.send_response_only(103)
        self.send_header('Link', '</style.css>; rel=preload; as=style')
        self.end_headers()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', '5')
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(b'page\n')
        self.close_connection = True

    def log_message(self, form, *args):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
END
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 -subj /CN=localhost 2>openssl.log
cat certificate.pem key.pem >both.pem
server=$(port)
start server.log python3 server.py "$server"
reachable "$server"
plain=$(port)
tls=$(port)
cat >nginx.conf <<END
$(nginx_head)
    log_format status \$status;
    access_log $folder/access.log status;
    server {
        listen 127.0.0.1:$plain;
        listen 127.0.0.1:$tls ssl http2;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        add_header Marker 1 always;
        location / {
            proxy_pass http://127.0.0.1:$server;
            proxy_http_version 1.1;
        }
    }
}
END
start nginx.out nginx -p "$folder" -c nginx.conf
reachable "$tls"
front=$(port)
cat >haproxy.cfg <<END
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
listen one
    bind 127.0.0.1:$front ssl crt $folder/both.pem alpn h2,http/1.1
    server one 127.0.0.1:$server
END
start haproxy.out haproxy -f haproxy.cfg
reachable "$front"

# page CURL-OPTIONS...: the body, or the error
page() {
    local body
    if body=$(curl --silent --insecure --max-time 20 "$@"); then echo "$body"; else echo "error $?"; fi
}
# Where the marker stands: statuses and markers, in the order of their arrival.
marker() {
    curl --silent --include "http://127.0.0.1:$plain/" | tr -d '\r' | sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p; s/^Marker.*/marker/p' |
        xargs
}
compare "nginx, HTTP/1.1" page page "$(page "http://127.0.0.1:$plain/")"
compare "nginx's log" 200 103 "$(eventually 5 test -s access.log && head -n 1 access.log)"
compare "nginx's header" "103 200 marker" "103 marker 200" "$(marker)"
compare "nginx, HTTP/2" page "error 92" "$(page --http2 "https://127.0.0.1:$tls/")"
compare "HAProxy, HTTP/2" page page "$(page --http2 "https://127.0.0.1:$front/")"
verdict
