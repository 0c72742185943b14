"""The pytest plugin, in a project whose tests are functions."""
from __future__ import absolute_import

import os
import re
import subprocess
import sys
import textwrap

import django
import pytest

SETTINGS = '''
    SECRET_KEY = 'x'
    ALLOWED_HOSTS = ['*']
    ROOT_URLCONF = 'urls'
    DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
    DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
    INSTALLED_APPS = [
        'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', 'channels',
    ]
    MAILERS = {'default': {'BACKEND': 'django.core.mail.backends.locmem.EmailBackend'}}
    MEMORY = 'django.channels.layers.memory.InMemoryChannelLayer'
    CHANNEL_LAYERS = {alias: {'BACKEND': MEMORY, 'ROUTING': 'urls.routing'} for alias in ('default', 'other')}
    # Django 1.8 has no hooks of commits.
    CHANNEL_SEND_ON_COMMIT = %r
'''

URLS = '''
    from django.channels import Channel, route
    from django.channels.auth import channel_session_user, channel_session_user_from_http
    from django.channels.security.websockets import allowed_hosts_only
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core import mail
    from django.http import HttpResponse

    try:
        from django.urls import re_path
    except ImportError:
        from django.conf.urls import url as re_path

    def greeting():
        return 'hello'

    def look(request):
        """Answer with what this side sees, and leave traces for the test."""
        names = ' '.join(User.objects.values_list('username', flat=True))
        User.objects.create(username='there')
        mail.send_mail('looked', 'text', 'from@example.com', ['to@example.com'])
        return HttpResponse(' '.join([greeting(), settings.SITE_X, names]))

    urlpatterns = [re_path('^look/$', look)]

    @allowed_hosts_only
    @channel_session_user_from_http
    def connect(message):
        message.reply_channel.send({'accept': True})

    @channel_session_user
    def receive(message):
        message.reply_channel.send({'text': message.user.get_username()})

    def job(message):
        Channel('done').send({'n': message['n']})

    routing = [
        route('websocket.connect', connect), route('websocket.receive', receive), route('jobs', job),
    ]
'''

TESTS = '''
    import unittest
    try:
        import urllib.request
    except ImportError:
        # Python 2, which has no server for the test that needs it.
        pass

    import pytest
    from django.channels import Channel, channel_layers
    from django.channels.management.servers import find_server
    from django.channels.test import WSClient
    from django.contrib.auth.models import User
    from django.core import mail
    from django.db import transaction
    from django.test import TestCase


    @pytest.mark.parametrize('time', [1, 2])
    @pytest.mark.parametrize('alias', ['default', 'other'])
    def test_no_message_is_left_for_the_next_test(alias, time):
        layer = channel_layers[alias]
        assert layer.receive(['left']) == (None, None)
        layer.send('left', {})


    REAL = channel_layers['default']


    @pytest.mark.real_channel_layers
    def test_a_test_can_have_the_layers_of_the_settings():
        assert channel_layers['default'] is REAL


    def test_others_have_not():
        assert channel_layers['default'] is not REAL


    def test_messages_are_taken_and_consumed(get_next_message, channel_client):
        assert get_next_message('jobs') is None
        channel_client.send_and_consume('jobs', {'n': 3})
        assert get_next_message('done', require=True)['n'] == 3
        with pytest.raises(pytest.fail.Exception):
            get_next_message('done', require=True)


    @pytest.mark.django_db
    def test_what_waits_for_a_commit_is_sent(get_next_message):
        User.objects.create(username='ann')
        Channel('jobs').send({'n': 1})
        assert get_next_message('jobs', require=True)['n'] == 1
        try:
            with transaction.atomic():
                Channel('jobs').send({'n': 2})
                raise ValueError
        except ValueError:
            pass
        assert get_next_message('jobs') is None


    @pytest.mark.django_db(transaction=True)
    def test_and_what_was_committed(get_next_message):
        with transaction.atomic():
            Channel('jobs').send({'n': 1})
        assert get_next_message('jobs', require=True)['n'] == 1


    @pytest.fixture
    def ann(db):
        return User.objects.create_user('ann', password='x')


    @pytest.mark.skipif(not hasattr(find_server(), 'in_thread'), reason='Only the interface server can be a thread.')
    def test_a_live_server_is_one_with_the_test(channel_live_server, settings, monkeypatch):
        User.objects.create(username='ann')
        settings.SITE_X = 'set'
        monkeypatch.setattr('urls.greeting', lambda: 'mocked')
        with urllib.request.urlopen(channel_live_server.url + '/look/') as answer:
            assert answer.read() == b'mocked set ann'
        assert [message.subject for message in mail.outbox] == ['looked']
        assert User.objects.filter(username='there').exists()
        assert channel_live_server.ws_url == channel_live_server.url.replace('http', 'ws')


    def test_a_socket_has_an_origin_and_a_user(ws_client, ann):
        ws_client.force_login(ann)
        ws_client.send_and_consume('websocket.connect', path='/')
        ws_client.send_and_consume('websocket.receive', {'text': 'who?'})
        assert ws_client.receive(json=False) == 'ann'


    class Tests(TestCase):
        # Django has it from 2.2 on; pytest-django 4.14 fails without it.
        databases = {'default'}

        def test_classes_have_layers_of_their_own_too(self):
            assert channel_layers['default'] is not REAL

        def test_what_waits_for_a_commit_is_sent_there_too(self):
            client = WSClient()
            client.send_and_consume('websocket.connect', path='/')
            Channel('done').send({'n': 5})
            assert client.get_next_message('done')['n'] == 5


    class Plain(unittest.TestCase):

        def test_so_have_these(self):
            assert channel_layers['default'] is not REAL
'''

ASYNC = '''
    import asyncio

    from asgiref.sync import sync_to_async
    from django.channels import Channel


    def test_async_code_is_tested_like_this(get_next_message, channel_client):
        async def main():
            await Channel('jobs').asend({'n': 4})
            await sync_to_async(channel_client.consume)('jobs')

        asyncio.run(main())
        assert get_next_message('done', require=True)['n'] == 4
'''


def run(folder, files, *arguments, **environ):
    """Write the files, {name: text}, run pytest there, and return (status, output)."""
    for name, text in files.items():
        folder.join(name).write(textwrap.dedent(text))
    process = subprocess.Popen(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider'] + list(arguments), cwd=str(folder),
        env=dict(os.environ, PYTHONPATH=str(folder), **environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    output = process.communicate()[0].decode('utf-8', 'replace')
    return process.returncode, output


@pytest.mark.skipif(
    sys.version_info >= (3,) and django.VERSION < (1, 11), reason='pytest-django needs Django 1.11 on Python 3',
)
def test_functions_are_tested_like_methods_of_a_channel_test_case(tmpdir):
    files = {
        'conftest.py': "pytest_plugins = ['django.channels.test.pytest_plugin']\n",
        'settings.py': SETTINGS % (None if django.VERSION < (1, 9) else 'default'), 'urls.py': URLS,
        'test_it.py': TESTS if django.VERSION >= (1, 9) else TESTS.replace('raise ValueError', 'pytest.skip("1.8")'),
    }
    if django.VERSION >= (3, 1):
        files['test_async.py'] = ASYNC
    status, output = run(tmpdir, files, DJANGO_SETTINGS_MODULE='settings')
    assert status == 0, output
    assert int(re.search(r'(\d+) passed', output).group(1)) >= 12, output
