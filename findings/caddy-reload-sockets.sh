#!/usr/bin/env bash
# `caddy reload` of Caddy 2.6.2, with any change of its configuration, closes all WebSockets
# that it proxies, those of sites that haven't changed, too, and all clients connect again
# at once. nginx 1.22.1 and HAProxy 2.6.12 keep them in a process with the old one.
#
# Guessed: open sockets stay, since a reload is called graceful.
#
# Seen, an open socket within six seconds of a reload:
#   Caddy: closed with 1001
#   nginx: open
#   HAProxy: open
. "$(dirname "$0")/lib.sh"

debian caddy 2.6.2
debian nginx 1.22.1
debian haproxy 2.6.12
need caddy nginx haproxy
pypi websockets==17.4
cd "$folder"
export HOME=$folder
cat >server.py <<'END'
import asyncio
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(echo, '127.0.0.1', int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
END
cat >client.py <<'END'
import asyncio
import sys

import websockets


async def main():
    async with websockets.connect('ws://127.0.0.1:%s/' % sys.argv[1]) as socket:
        await socket.send('x')
        await socket.recv()
        process = await asyncio.create_subprocess_shell(sys.argv[2])
        await process.wait()
        try:
            await asyncio.wait_for(socket.wait_closed(), 6)
            print('closed with', socket.close_code)
        except asyncio.TimeoutError:
            await socket.send('x')
            await asyncio.wait_for(socket.recv(), 5)
            print('open')


asyncio.run(main())
END
server=$(port)
start server.log "$python" server.py "$server"
reachable "$server"
front=$(port)
admin=$(port)
other=$(port)
cat >Caddyfile <<END
{
    admin 127.0.0.1:$admin
}
http://127.0.0.1:$front {
    reverse_proxy 127.0.0.1:$server
}
END
start caddy.log caddy run --config Caddyfile --adapter caddyfile
reachable "$front"
cat >reload.sh <<END
cat >>Caddyfile <<SITE
http://127.0.0.1:$other {
    respond "another site"
}
SITE
caddy reload --address 127.0.0.1:$admin --config Caddyfile --adapter caddyfile 2>reload.log
END
compare Caddy open "closed with 1001" "$("$python" client.py "$front" "bash reload.sh")"
front=$(port)
cat >nginx.conf <<END
$(nginx_head)
    access_log off;
    server {
        listen 127.0.0.1:$front;
        location / {
            proxy_pass http://127.0.0.1:$server;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
        }
    }
}
END
start nginx.out nginx -p "$folder" -c nginx.conf
reachable "$front"
compare nginx open open "$("$python" client.py "$front" "nginx -p '$folder' -c nginx.conf -s reload" 2>reload.log)"
front=$(port)
cat >haproxy.cfg <<END
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
listen one
    bind 127.0.0.1:$front
    server one 127.0.0.1:$server
END
start haproxy.out haproxy -W -f haproxy.cfg
reachable "$front"
compare HAProxy open open "$("$python" client.py "$front" "kill -USR2 $pid")"
verdict
