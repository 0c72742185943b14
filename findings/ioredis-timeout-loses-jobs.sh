#!/usr/bin/env bash
# ioredis 6.0.0: with commandTimeout a BLPOP that waits longer is rejected in the program
# alone. The connection stays, and Redis goes on waiting for it: the next element is taken
# from the list and given to nobody, without an error. Each try again waits behind it, and
# loses one more. So it is with blockingTimeout, which was made for blocking commands, if
# BLPOP itself waits for ever. redis-py 8.1.0 closes the connection of a BLPOP whose
# task was cancelled, and the element stays.
#
# Guessed: the connection is closed, and the element stays in the list.
#
# Seen (the list after BLPOP has ended and a job was pushed; what a second BLPOP gives):
#   commandTimeout    rejected; list: empty; second: none
#   blockingTimeout   null; list: empty; second: none
#   redis-py          CancelledError; list: job; second: job
. "$(dirname "$0")/lib.sh"

debian_redis
npm_packages ioredis@6.0.0
pypi redis==8.1.0
cat >"$folder/node/client.mjs" <<'END'
import { Redis } from 'ioredis';
const [port, option] = process.argv.slice(2), key = option;
const client = new Redis(+port, { [option]: 500 }), other = new Redis(+port);
const first = await client.blpop(key, 0).catch(() => 'rejected');
await other.rpush(key, 'job');
// It has answered the first BLPOP before it answers this.
const list = await other.lrange(key, 0, -1);
const second = await client.blpop(key, 0.1).catch(() => null);
console.log(`${first}; list: ${list.join() || 'empty'}; second: ${second ? second[1] : 'none'}`);
process.exit();
END
cat >"$folder/client.py" <<'END'
import asyncio
import sys

from redis.asyncio import Redis


async def main():
    client = Redis(port=int(sys.argv[1]), decode_responses=True)
    try:
        await asyncio.wait_for(client.blpop(['key'], 0), 0.5)
    except asyncio.TimeoutError as error:
        first = type(error.__cause__).__name__
    await asyncio.sleep(0.3)
    await client.rpush('key', 'job')
    found = await client.lrange('key', 0, -1)
    second = await client.blpop(['key'], 1)
    print('%s; list: %s; second: %s' % (first, ','.join(found) or 'empty', second[1] if second else 'none'))
    await client.aclose()


asyncio.run(main())
END
seen() {
    node "$folder/node/client.mjs" "$redis" "$1"
}
compare commandTimeout "rejected; list: job; second: job" "rejected; list: empty; second: none" "$(seen commandTimeout)"
compare blockingTimeout "null; list: job; second: job" "null; list: empty; second: none" "$(seen blockingTimeout)"
kept="CancelledError; list: job; second: job"
compare redis-py "$kept" "$kept" "$("$python" "$folder/client.py" "$redis")"
verdict
