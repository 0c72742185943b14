#!/usr/bin/env bash
# djangochannelsrestframework 1.3.0: the group of a @model_observer method is named after the
# module, the method and the model, not after the class. So where two consumers of one
# module call theirs `changed`, that of a list and that of a page, each socket gets each
# save twice, as soon as both classes exist. With two names it is once.
#
# What is saved in a transaction of a database other than "default" is told before its
# commit, so after a rollback, too; on "default" when it is committed.
#
# Guessed: once; and on each database after the commit.
#
# Seen, messages of one save to a socket of the first consumer:
#   with methods of one name 2, of two names 1
#   rolled back on "default" 0, on "other" 1
. "$(dirname "$0")/lib.sh"

pypi djangochannelsrestframework==1.3.0 djangorestframework==3.18.3 channels==4.3.2 Django==5.2.19
cd "$folder"
cat >ask.py <<'END'
import asyncio
import json
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY='secret', USE_TZ=True,
    INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth', 'djangochannelsrestframework'],
    CHANNEL_LAYERS={'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}},
    DATABASES={
        name: {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'file:%s?mode=memory&cache=shared' % name}
        for name in ('default', 'other')
    },
)
django.setup()

from asgiref.sync import sync_to_async  # noqa: E402
from asgiref.testing import ApplicationCommunicator  # noqa: E402
from django.db import connections, models, transaction  # noqa: E402
from djangochannelsrestframework.consumers import AsyncAPIConsumer  # noqa: E402
from djangochannelsrestframework.observer import model_observer  # noqa: E402


class Row(models.Model):
    class Meta:
        app_label = 'djangochannelsrestframework'


class List(AsyncAPIConsumer):
    async def accept(self, **kwargs):
        await self.changed.subscribe()
        await super().accept(**kwargs)

    @model_observer(Row)
    async def changed(self, message, **kwargs):
        await self.send_json(message)


if sys.argv[1] == 'one':
    class Page(AsyncAPIConsumer):
        @model_observer(Row)
        async def changed(self, message, **kwargs):
            await self.send_json(message)
else:
    class Page(AsyncAPIConsumer):
        @model_observer(Row)
        async def changed_page(self, message, **kwargs):
            await self.send_json(message)


@sync_to_async
def save(key, database, fails):
    try:
        with transaction.atomic(using=database):
            Row(pk=key).save(using=database)
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        assert not Row.objects.using(database).filter(pk=key).exists()


async def main():
    socket = ApplicationCommunicator(List.as_asgi(), {'type': 'websocket', 'path': '/', 'headers': [], 'subprotocols': []})
    await socket.send_input({'type': 'websocket.connect'})
    assert (await socket.receive_output(10))['type'] == 'websocket.accept'
    await save(1, sys.argv[2], len(sys.argv) > 3)
    await save(2, 'default', False)
    seen = 0
    while json.loads((await socket.receive_output(10))['text'])['pk'] == 1:
        seen += 1
    print(seen)


for database in connections:
    with connections[database].schema_editor() as editor:
        editor.create_model(Row)
asyncio.run(main())
END
told() {
    "$python" -W ignore ask.py "$@" 2>&1
}
compare "methods of one name" 1 2 "$(told one default)"
compare "methods of two names" 1 1 "$(told two default)"
compare "rolled back on default" 0 0 "$(told two default back)"
compare "rolled back on another database" 0 1 "$(told two other back)"
verdict
