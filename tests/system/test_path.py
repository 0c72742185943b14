"""
The way up: one project and its database, from the oldest Django to the newest.

runtests.py --long gives the Pythons: CHANNELS_SYSTEM_PYTHONS is a JSON object
of pair name -> path of the interpreter, in the order of the way that
docs/old-django.txt describes.
"""
import json
import os
import re
import sqlite3

import pytest
from subject import CHECKOUT
from test_chat import Chat, receive

PYTHONS = json.loads(os.environ.get('CHANNELS_SYSTEM_PYTHONS', '{}'))

pytestmark = pytest.mark.skipif(len(PYTHONS) < 3, reason='CHANNELS_SYSTEM_PYTHONS names no way')


def test_the_way_is_the_one_that_the_documentation_describes():
    with open(os.path.join(CHECKOUT, 'docs', 'old-django.txt'), encoding='utf-8') as page:
        [table] = re.findall(r'^\.\. _the-way:\n(.*?)^\.\. ', page.read(), re.M | re.S)
    steps = [
        'py%s-dj%s' % step for step in re.findall(r'^(?:\d\.|#\.)? *Python (\d\.\d+), Django (\d\.\d+)', table, re.M)
    ]
    assert steps == list(PYTHONS)


def test_one_project_goes_all_the_way_with_its_database(scratch):
    said = []
    for name, python in PYTHONS.items():
        chat = Chat(scratch, python)
        try:
            chat.subject.run('check')
            socket = chat.socket(chat.log_in('alice'), query='?after=0')
            if said:
                assert [line['text'] for line in receive(socket)['lines']] == said, name
            socket.send(json.dumps({'text': name}))
            said.append(name)
            assert [line['text'] for line in receive(socket)['lines']] == [name]
            socket.close()
        finally:
            chat.subject.stop()

    connection = sqlite3.connect(os.path.join(scratch, 'chat.sqlite3'))
    try:
        assert connection.execute('PRAGMA foreign_key_check').fetchall() == []
        assert connection.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%__old%' ESCAPE '_'",
        ).fetchall() == []
    finally:
        connection.close()
