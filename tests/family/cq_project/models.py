"""
What django-cq takes for granted, done as soon as models are loaded.

Its fields of JSON are PostgreSQL's, whose values SQLite keeps just as well
once it has been told how. And its tests know Channels 1.0, where the test case
was in channels.tests.base; 1.1.8 has it in channels.test.base.
"""
import json
import sqlite3
import sys

from channels.test import base
from django.contrib.postgres.fields.jsonb import JsonAdapter

sqlite3.register_converter('jsonb', lambda text: json.loads(text.decode()))
sqlite3.register_adapter(JsonAdapter, lambda value: json.dumps(value.adapted))
sys.modules['channels.tests.base'] = base
