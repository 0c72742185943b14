#!/usr/bin/env bash
# FastStream 0.7.8, Redis streams with a group of consumers: what was published before the
# first consumer ran is never received, since the group begins at the end of the stream
# (last_id says otherwise). A message whose handler raises, or whose process is killed
# in the middle, stays pending for good: neither the next message nor a restart under
# the same consumer's name brings it again (another subscriber with min_idle_time has to).
#
# Guessed: a group is there for that: all three come, the failed ones again.
#
# Seen, what is begun, in order, by a consumer, and by the next one after its end:
#   sent: 'early' before the first consumer, 'fails', 'fine', 'killed' (in the middle)
#   begun: fails, fine, killed; the next one: nothing but what is sent then
#   pending in Redis: 2
. "$(dirname "$0")/lib.sh"

debian_redis
pypi faststream==0.7.8 redis==8.1.0 typing-extensions==4.16.0
cd "$folder"
cat >service.py <<'END'
import asyncio
import os

from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub

broker = RedisBroker(os.environ['REDIS'])


@broker.subscriber(stream=StreamSub('jobs', group='workers', consumer='first'))
async def job(name: str):
    with open('begun', 'a') as file:
        print(name, file=file)
    if name == 'fails':
        raise RuntimeError
    if name == 'killed':
        await asyncio.sleep(60)


app = FastStream(broker)


@app.after_startup
async def ready():
    open('ready', 'w').close()


if __name__ == '__main__':
    asyncio.run(app.run())
END
cat >send.py <<'END'
import asyncio
import os
import sys

from faststream.redis import RedisBroker


async def main():
    async with RedisBroker(os.environ['REDIS']) as broker:
        for name in sys.argv[1:]:
            await broker.publish(name, stream='jobs')


asyncio.run(main())
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
service() {
    rm -f ready
    start "$1.log" "$python" service.py
    eventually 30 test -e ready
}
send() {
    "$python" send.py "$@" 2>send.log
}
send early
service first
send fails fine killed
eventually 30 grep -q killed begun || true
compare "begun" "early fails fine killed" "fails fine killed" "$(sort begun | xargs)"
kill -KILL -- "-$pid"
: >begun
service second
send last
eventually 30 grep -q last begun
sleep 3
compare "begun after its end" "fails killed last" "last" "$(sort begun | xargs)"
compare "pending" 0 2 "$(redis-cli -p "$redis" XPENDING jobs workers | head -n 1)"
verdict
