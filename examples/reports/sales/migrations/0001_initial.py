"""The tables of reports and their months."""
from __future__ import unicode_literals

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    operations = [
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.AutoField(verbose_name='ID', serialize=False, auto_created=True, primary_key=True)),
                ('year', models.PositiveSmallIntegerField()),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('worker', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Month',
            fields=[
                ('id', models.AutoField(verbose_name='ID', serialize=False, auto_created=True, primary_key=True)),
                ('number', models.PositiveSmallIntegerField()),
                ('total', models.PositiveIntegerField()),
                ('worker', models.PositiveIntegerField()),
                ('report', models.ForeignKey(
                    related_name='months', on_delete=django.db.models.deletion.CASCADE, to='sales.Report',
                )),
            ],
            options={'unique_together': {('report', 'number')}},
        ),
    ]
