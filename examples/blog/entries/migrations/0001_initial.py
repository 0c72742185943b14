"""The table of entries."""
from __future__ import unicode_literals

import django
from django.db import migrations, models

#: The last migration of auth that changes users, by the version of Django.
if django.VERSION >= (1, 10):
    LAST_OF_AUTH = '0008_alter_user_username_max_length'
elif django.VERSION >= (1, 9):
    LAST_OF_AUTH = '0007_alter_validators_add_error_messages'
else:
    LAST_OF_AUTH = '0006_require_contenttypes_0002'


class Migration(migrations.Migration):

    dependencies = [('auth', LAST_OF_AUTH)]
    # SQLite 3.26 and later spoil the foreign keys of tables that exist when
    # Django < 2.0 alters the user table: so the admin's come after that.
    run_before = [('admin', '0001_initial')]

    operations = [
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.AutoField(verbose_name='ID', serialize=False, auto_created=True, primary_key=True)),
                ('text', models.TextField()),
                ('published', models.BooleanField(default=True)),
            ],
            options={'ordering': ['-pk'], 'verbose_name_plural': 'entries'},
        ),
    ]
