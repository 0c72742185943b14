#!/usr/bin/env bash
# Chromium 156 opens the WebSockets of one host one after the other, those of other tabs
# included: while one handshake isn't answered, as by a consumer that asks a slow database
# before it accepts, no other of the same host begins. (RFC 6455, 4.1, wants it so.) Node's
# and Python's clients open all at once, so a test doesn't show it.
#
# Guessed: each socket opens as soon as the server accepts it.
#
# Seen (/slow is accepted after 4 s, /one and /two at once; seconds until open):
#   Chromium               /slow 4, /one 4, /two 4
#   websockets 17.4        /one 0, /two 0, /slow 4
. "$(dirname "$0")/lib.sh"

need chromium
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
pypi websockets==17.4
cd "$folder"
cat >server.py <<'END'
import asyncio
import http
import sys

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

# The page is complete once the picture has failed to load.
PAGE = b"""<p id=seen></p><script>
const begun = performance.now();
for (const path of ['/slow', '/one', '/two'])
    new WebSocket('ws://' + location.host + path).onopen = () => {
        const seen = document.getElementById('seen');
        const seconds = Math.floor((performance.now() - begun) / 1000);
        seen.textContent += (seen.textContent && ', ') + path + ' ' + seconds;
    };
</script><img src=/later>"""


async def before(connection, request):
    if request.path == '/slow':
        await asyncio.sleep(4)
    if request.path in ('/slow', '/one', '/two'):
        return None
    if request.path == '/later':
        await asyncio.sleep(8)
    headers = Headers({'Content-Type': 'text/html', 'Content-Length': str(len(PAGE)), 'Connection': 'close'})
    return Response(200, http.HTTPStatus.OK.phrase, headers, PAGE)


async def main():
    async with serve(lambda socket: socket.wait_closed(), '127.0.0.1', int(sys.argv[1]),
                     process_request=before) as server:
        await server.serve_forever()


asyncio.run(main())
END
cat >client.py <<'END'
import asyncio
import sys
import time

import websockets


async def main():
    begun = time.monotonic()
    seen = []

    async def connect(path):
        async with websockets.connect('ws://127.0.0.1:' + sys.argv[1] + path):
            seen.append('%s %d' % (path, time.monotonic() - begun))

    await asyncio.gather(*map(connect, ('/slow', '/one', '/two')))
    print(', '.join(sorted(seen[:2]) + seen[2:]))


asyncio.run(main())
END
number=$(port)
start server.log "$python" server.py "$number"
reachable "$number"
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --dump-dom "http://127.0.0.1:$number/" 2>/dev/null | sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
}
compare Chromium "/one 0, /two 0, /slow 4" "/slow 4, /one 4, /two 4" "$(in_chromium)"
compare websockets "/one 0, /two 0, /slow 4" "/one 0, /two 0, /slow 4" "$("$python" client.py "$number")"
verdict
