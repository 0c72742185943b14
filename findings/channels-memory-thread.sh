#!/usr/bin/env bash
# A message that a thread of one's own (a library's callback, a timer, a watcher of files)
# sends to the in-memory layer of Channels 4.3.2 with async_to_sync() doesn't wake who waits
# for it: it arrives when the server's loop happens to do something else, such as the next
# ping 20 seconds later. Nothing is raised. What a sync view sends arrives at once.
#
# Guessed: it arrives at once, since async_to_sync() is what is for that.
#
# Seen, a loop that has nothing else to do until the eighth second; the thread sends in the
# first (seconds until it arrives):
#   a thread of one's own: 7
#   sync_to_async, as views are called: 0
. "$(dirname "$0")/lib.sh"

pypi channels==4.3.2 Django==5.2.19
cd "$folder"
cat >thread.py <<'END'
import asyncio
import sys
import threading
import time

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import InMemoryChannelLayer

layer = InMemoryChannelLayer()


def work():
    time.sleep(1)
    async_to_sync(layer.group_send)('all', {'type': 'done', 'at': time.monotonic()})


async def main():
    channel = await layer.new_channel()
    await layer.group_add('all', channel)
    if sys.argv[1] == 'thread':
        threading.Thread(target=work).start()
    else:
        view = asyncio.ensure_future(sync_to_async(work)())
    asyncio.get_running_loop().call_later(8, lambda: None)
    message = await layer.receive(channel)
    print(round(time.monotonic() - message['at']), 'seconds')
    if sys.argv[1] != 'thread':
        await view


asyncio.run(main())
END
compare "a thread of one's own" "0 seconds" "7 seconds" "$("$python" thread.py thread)"
compare "sync_to_async" "0 seconds" "0 seconds" "$("$python" thread.py view)"
verdict
