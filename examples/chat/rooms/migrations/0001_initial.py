"""The tables of rooms and lines."""
from __future__ import unicode_literals

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        # The last migration of auth that Django 1.8 has. (Not just the user
        # model: SQLite 3.26 and later spoil the foreign keys of tables that
        # exist when Django < 2.0 alters the user table.)
        ('auth', '0006_require_contenttypes_0002'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Room',
            fields=[
                ('id', models.AutoField(verbose_name='ID', serialize=False, auto_created=True, primary_key=True)),
                ('title', models.CharField(max_length=60, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Line',
            fields=[
                ('id', models.AutoField(verbose_name='ID', serialize=False, auto_created=True, primary_key=True)),
                ('text', models.CharField(max_length=1000)),
                ('said', models.DateTimeField(default=django.utils.timezone.now)),
                ('room', models.ForeignKey(
                    related_name='lines', on_delete=django.db.models.deletion.CASCADE, to='rooms.Room',
                )),
                ('user', models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL,
                )),
            ],
        ),
    ]
