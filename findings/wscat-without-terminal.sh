#!/usr/bin/env bash
# wscat 6.1.0 where its stdin has ended, as under cron, systemd, CI and `docker run` without
# -i: it ends at once with status 0, has sent nothing and printed nothing, with `--execute
# text`, too, so that a check of a site by it is green whatever the site does. A line that
# is piped into it is dropped, unless it comes once the socket is open. With a terminal,
# or another stdin that stays open, it does what it says.
#
# Guessed: `wscat -c address -x text` sends the text, prints the answer, and fails without a
# server; `echo text | wscat -c address` sends it, as nc and websocat do.
#
# Seen, what was answered, and the status:
#   -x text, stdin open                        answer, 0; nobody listens: 255
#   -x text, stdin ended                       nothing, 0
#   echo text |                                nothing, 0
. "$(dirname "$0")/lib.sh"

pypi websockets==17.4
npm_packages wscat@6.1.0
cd "$folder"
cat >server.py <<'END'
import asyncio
import sys

import websockets


async def answer(socket):
    async for message in socket:
        await socket.send('answer')


async def main():
    async with websockets.serve(answer, '127.0.0.1', int(sys.argv[1])):
        await asyncio.Future()


asyncio.run(main())
END
server=$(port)
start server.log "$python" server.py "$server"
reachable "$server"
nobody=$(port)
# said PORT OPTION...: what it prints but for its prompts, and its status.
said() {
    local status=0
    timeout 30 node/node_modules/.bin/wscat -c "ws://127.0.0.1:$1/" "${@:2}" >out 2>err || status=$?
    echo "$(grep -o answer out || echo nothing), $status"
}
# A stdin that says nothing, and doesn't end.
mkfifo open
exec 5<>open
compare "-x, stdin open" "answer, 0" "answer, 0" "$(said "$server" -x text <&5)"
compare "-x, stdin open, nobody listens" "nothing, 255" "nothing, 255" "$(said "$nobody" -x text <&5)"
compare "-x, stdin ended" "answer, 0" "nothing, 0" "$(said "$server" -x text </dev/null)"
compare "echo |" "answer, 0" "nothing, 0" "$(echo text | said "$server")"
verdict
