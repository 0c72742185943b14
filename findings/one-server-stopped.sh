#!/usr/bin/env bash
# Two servers of which one is stopped, as during a deployment: behind Caddy 2.6.2 and HAProxy
# 2.6.12, as they are by themselves, about half of the pages fail, with 502 at once and with 503
# after three seconds, though nothing was sent on a refused connection. nginx
# 1.22.1 and Apache 2.4.71 take the other server, for POST, too. So does HAProxy with
# "option redispatch". Caddy's lb_try_duration helps a GET; a POST with a body still gets
# 502, as it has closed that body after the first try.
#
# Guessed: all take the other server; with lb_try_duration Caddy does it for both.
#
# Seen, statuses of five GETs; of five POSTs:
#   Caddy, round_robin                               200 502; 200 502
#   the same, lb_try_duration 5s (stopped one first) 200; 502
#   HAProxy                                          200 503; 200 503
#   HAProxy, option redispatch                       200; 200
#   nginx                                            200; 200
#   Apache                                           200; 200
. "$(dirname "$0")/lib.sh"

debian caddy 2.6.2
debian haproxy 2.6.12
debian nginx 1.22.1
debian apache2-bin 2.4.71
need caddy haproxy nginx apache2 curl python3
cd "$folder"
export HOME=$folder
cat >server.py <<'END'
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_POST = do_GET

    def log_message(self, form, *args):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
END
server=$(port)
start server.log python3 server.py "$server"
reachable "$server"
stopped=$(port)
# statuses OPTION...: of curl's.
statuses() {
    for _ in 1 2 3 4 5; do
        curl -s -m 30 -o page -w '%{http_code}\n' "$@" "http://127.0.0.1:$front/"
    done | sort -u | paste -sd ' '
}
try() {
    reachable "$front"
    echo "$(statuses); $(statuses -d data)"
}
# caddy_with LINE...
caddy_with() {
    front=$(port)
    cat >Caddyfile <<END
{
    admin off
}
http://127.0.0.1:$front {
    reverse_proxy 127.0.0.1:$server 127.0.0.1:$stopped {
$(printf "        %s\n" "$@")
    }
}
END
    start "caddy-$front.log" caddy run --config Caddyfile --adapter caddyfile
    try
}
# haproxy_with LINE
haproxy_with() {
    front=$(port)
    cat >haproxy.cfg <<END
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    $1
listen one
    bind 127.0.0.1:$front
    server one 127.0.0.1:$server
    server two 127.0.0.1:$stopped
END
    start "haproxy-$front.log" haproxy -f haproxy.cfg
    try
}
both="200; 200"
compare Caddy "$both" "200 502; 200 502" "$(caddy_with "lb_policy round_robin")"
compare "Caddy, lb_try_duration" "$both" "200; 502" "$(caddy_with "lb_policy round_robin" "lb_try_duration 5s")"
compare HAProxy "$both" "200 503; 200 503" "$(haproxy_with "")"
compare "HAProxy, option redispatch" "$both" "$both" "$(haproxy_with "option redispatch")"
front=$(port)
cat >nginx.conf <<END
$(nginx_head)
    access_log off;
    upstream servers {
        server 127.0.0.1:$server;
        server 127.0.0.1:$stopped;
    }
    server {
        listen 127.0.0.1:$front;
        location / {
            proxy_pass http://servers;
        }
    }
}
END
start nginx.out nginx -p "$folder" -c nginx.conf
compare nginx "$both" "$both" "$(try)"
front=$(port)
modules=/usr/lib/apache2/modules
cat >apache.conf <<END
ServerName localhost
PidFile $folder/apache.pid
ErrorLog $folder/apache.errors
DefaultRuntimeDir $folder
Listen 127.0.0.1:$front
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
LoadModule slotmem_shm_module $modules/mod_slotmem_shm.so
LoadModule proxy_balancer_module $modules/mod_proxy_balancer.so
LoadModule lbmethod_byrequests_module $modules/mod_lbmethod_byrequests.so
<Proxy "balancer://servers">
    BalancerMember "http://127.0.0.1:$server"
    BalancerMember "http://127.0.0.1:$stopped"
</Proxy>
ProxyPass "/" "balancer://servers/"
END
start apache.log apache2 -d "$folder" -f "$folder/apache.conf" -DFOREGROUND
compare Apache "$both" "$both" "$(try)"
verdict
