"""
The permissions of the admin's pages.
"""
from __future__ import absolute_import, unicode_literals

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Overview',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'managed': False,
                'default_permissions': (),
                'permissions': (
                    ('view_channels', 'Can see what channels hold'),
                    ('change_channels', 'Can remove messages and members'),
                ),
                'verbose_name': 'overview',
                'verbose_name_plural': 'overview',
            },
        ),
    ]
