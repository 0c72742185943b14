#!/usr/bin/env bash
# channels_postgres 1.1.4 with Channels' runworker: the first worker of a channel does all jobs, and
# when it is killed a second one that waits beside it doesn't take over. A worker that
# is started again does the jobs of the last minute (`expiry`) again, also those that
# are done.
#
# Guessed: each job is done once, by one that lives.
#
# Seen, jobs done with two workers:
#   four jobs                          by the first 1 2 3 4, by the second none
#   then the first is killed, two more by the second none in 5 s
#   then one is started                by it 1 2 3 4 5 6
. "$(dirname "$0")/lib.sh"

postgresql
pypi channels-postgres==1.1.4 channels==4.3.2 Django==5.2.19 'psycopg[binary]==3.3.9' psycopg-pool==3.3.1 daphne==4.2.3
cd "$folder"
cat >site_of_jobs.py <<'END'
import os

DATABASE = {
    'ENGINE': 'django.db.backends.postgresql', 'NAME': 'postgres', 'USER': 'postgres',
    'HOST': '127.0.0.1', 'PORT': os.environ['POSTGRES'],
}
SECRET_KEY = 'secret'
INSTALLED_APPS = ['django.contrib.contenttypes', 'channels', 'channels_postgres']
DATABASES = {'default': DATABASE}
CHANNEL_LAYERS = {'default': {'BACKEND': 'channels_postgres.core.PostgresChannelLayer', 'CONFIG': DATABASE}}
ASGI_APPLICATION = 'routing.application'
END
cat >routing.py <<'END'
import os

from channels.consumer import AsyncConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter


class Jobs(AsyncConsumer):
    async def job(self, message):
        with open(os.environ['WORKER'], 'a') as done:
            done.write('%d\n' % message['number'])


application = ProtocolTypeRouter({'channel': ChannelNameRouter({'jobs': Jobs.as_asgi()})})
END
cat >send.py <<'END'
import asyncio
import sys

import django

django.setup()

from channels.layers import get_channel_layer  # noqa: E402


async def main():
    for number in sys.argv[1:]:
        await get_channel_layer().send('jobs', {'type': 'job', 'number': int(number)})


asyncio.run(main())
END
export PYTHONPATH=$folder DJANGO_SETTINGS_MODULE=site_of_jobs POSTGRES=$postgres
"$bin/django-admin" migrate --verbosity 0
worker() {
    : >"$1"
    WORKER=$1 start "$1.log" "$bin/django-admin" runworker jobs
}
waits() {
    [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")" -ge "$1" ]
}
has_done() {
    [ "$(wc -l <"$1")" -ge "$2" ]
}
done_by() {
    [ -s "$1" ] && sort -n "$1" | paste -sd ' ' || echo none
}
worker first
leader=$pid
eventually 30 waits 1
worker second
eventually 30 waits 2
"$python" send.py 1 2 3 4
eventually 20 has_done first 4 || true
compare "four jobs, two workers" "first: 1 2, second: 3 4" "first: 1 2 3 4, second: none" \
    "first: $(done_by first), second: $(done_by second)"
kill -KILL -- "-$leader"
"$python" send.py 5 6
eventually 5 has_done second 2 || true
compare "the first is killed, two more" "second: 5 6" "second: none" "second: $(done_by second)"
worker third
eventually 20 has_done third 6 || true
compare "one is started" "third: none" "third: 1 2 3 4 5 6" "third: $(done_by third)"
verdict
