"""
The messages that wait in the table of Channels 1.x.

Its app had another label, so that its table has another name.
"""
from __future__ import absolute_import, unicode_literals

from django.db import migrations

TABLE = 'channels.delay_delayedmessage'


def move(apps, schema_editor):
    """Move the rows of the old table, where there is one, to ours."""
    connection = schema_editor.connection
    model = apps.get_model('channels_delay', 'DelayedMessage')
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return
        table = connection.ops.quote_name(TABLE)
        rows = model.objects.using(connection.alias).raw(
            'SELECT id, due_date, channel_name, content FROM %s ORDER BY id' % table)
        model.objects.using(connection.alias).bulk_create([
            model(due_date=row.due_date, channel_name=row.channel_name, content=row.content) for row in list(rows)
        ], batch_size=500)
        # A delay server that still runs the old code must not send them too.
        cursor.execute('DELETE FROM %s' % table)


def keep(apps, schema_editor):
    """Leave the rows where they are."""


class Migration(migrations.Migration):

    dependencies = [('channels_delay', '0001_initial')]

    operations = [migrations.RunPython(move, keep)]
