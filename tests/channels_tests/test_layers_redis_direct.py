"""Tests of the connections that are made without redis-py."""
from __future__ import absolute_import, unicode_literals

import os
import signal
import socket
import subprocess
import sys
import threading
import unittest

from django.channels.exceptions import LayerUnavailable
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.redis.direct import DirectConnection, NotConnected
from django.test import SimpleTestCase

from .redis_case import RedisTestCase
from .redis_server import free_port

PROGRAM = '''
import sys
from django.channels.layers.redis import RedisChannelLayer
layer = RedisChannelLayer([sys.argv[1]])
layer.send('a', {})
assert layer.receive(['a']) == ('a', {}), 'nothing came'
print('redis' in sys.modules)
'''


class DirectTests(RedisTestCase):

    def loads_redis(self, url):
        """Return whether a process that sends and receives by a server at `url` has loaded redis-py."""
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        output = subprocess.check_output([sys.executable, '-c', PROGRAM, url], env=environment)
        return output.decode('ascii').strip() == 'True'

    def test_redis_py_is_loaded_where_it_is_needed(self):
        """It takes 7 MB of each process."""
        self.assertFalse(self.loads_redis(self.server.url))
        self.assertFalse(self.loads_redis('unix://' + self.server.unix_socket))
        self.assertTrue(self.loads_redis(self.server.url + '?health_check_interval=0'))

    def test_a_database(self):
        self.make_layer(hosts=['redis://127.0.0.1:%d/3' % self.server.port]).send('a', {})
        self.assertEqual(list(self.redis.info('keyspace')), ['db3'])
        refused = self.make_layer(hosts=['redis://127.0.0.1:%d/99' % self.server.port])
        with self.assertRaisesMessage(LayerUnavailable, 'DB index is out of range'):
            refused.send('a', {})

    def test_a_name_and_its_password(self):
        if int(self.redis.info('server')['redis_version'].split('.')[0]) < 6:
            self.skipTest('There are names from Redis 6.0 on.')
        self.redis.execute_command('ACL', 'SETUSER', 'a@b', 'on', '>s@cret', '~*', '+@all')
        self.addCleanup(self.redis.execute_command, 'ACL', 'DELUSER', 'a@b')
        layer = self.make_layer(hosts=['redis://a%%40b:s%%40cret@127.0.0.1:%d' % self.server.port])
        layer.send('a', {})
        self.assertIn('a@b', [client['user'] for client in self.redis.client_list()])
        with self.assertRaisesMessage(LayerUnavailable, 'WRONGPASS'):
            self.make_layer(hosts=['redis://a%%40b:other@127.0.0.1:%d' % self.server.port]).send('a', {})

    def test_others_that_have_the_socket_do_not_keep_it_open(self):
        """As a worker's watcher has it."""
        connection = DirectConnection(self.server.url, 5, 5)
        connection.connect()
        other = socket.fromfd(connection._sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(other.close)
        other.settimeout(30)
        # The thread that had it has ended.
        del connection
        self.assertEqual(other.recv(1), b'')

    def test_nobody_listens(self):
        url = 'redis://127.0.0.1:%d' % free_port()
        with self.assertRaisesMessage(LayerUnavailable, "can't be reached: Connection refused"):
            self.make_layer(hosts=[url]).send('a', {})
        with self.assertRaisesMessage(LayerUnavailable, "can't be reached: No such file or directory"):
            self.make_layer(hosts=['unix:///nowhere/redis.sock']).send('a', {})


class OldServerTests(SimpleTestCase):
    """A server that answers as the test says."""

    def serve(self, *replies):
        """Return the port of a server that sends `replies` to what it gets, in turn, and the list of that."""
        listening, asked = socket.socket(), []
        listening.bind(('127.0.0.1', 0))
        listening.listen(1)
        self.addCleanup(listening.close)

        def answer():
            connection = listening.accept()[0]
            for reply in replies:
                asked.append(connection.recv(1000))
                connection.sendall(reply() if callable(reply) else reply)
            connection.close()
        thread = threading.Thread(target=answer)
        thread.start()
        self.addCleanup(thread.join)
        return listening.getsockname()[1], asked

    def test_a_server_that_knows_no_names(self):
        """Redis before 6.0, for which a URL may have one all the same."""
        port, asked = self.serve(b"-ERR wrong number of arguments for 'auth' command\r\n", b'+OK\r\n')
        connection = DirectConnection('redis://h:secret@127.0.0.1:%d' % port, 30, 30)
        connection.connect()
        connection.disconnect()
        self.assertEqual(asked, [
            b'*3\r\n$4\r\nAUTH\r\n$1\r\nh\r\n$6\r\nsecret\r\n', b'*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n',
        ])

    def test_a_server_that_hangs_up(self):
        port, asked = self.serve(b'+O')
        with self.assertRaisesMessage(NotConnected, 'It closed the connection.'):
            DirectConnection('redis://:secret@127.0.0.1:%d' % port, 30, 30).connect()

    def test_a_server_that_refuses_a_connection_says_why(self):
        """As one that has too many clients, or is in protected mode, does to all."""
        port, asked = self.serve(b'-ERR max number of clients reached\r\n')
        with self.assertRaisesMessage(LayerUnavailable, "can't be reached: ERR max number of clients reached"):
            RedisChannelLayer(['redis://127.0.0.1:%d' % port]).send('a', {})

    @unittest.skipUnless(hasattr(signal, 'setitimer'), 'This system has no such signal.')
    def test_a_signal_while_it_is_waited_for(self):
        handled = threading.Event()
        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(
            signal.SIGALRM, lambda number, frame: handled.set()))

        def answer():
            handled.wait(30)
            return b'+OK\r\n'

        port, asked = self.serve(answer)
        connection = DirectConnection('redis://:secret@127.0.0.1:%d' % port, 30, 30)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        connection.connect()
        connection.disconnect()
        self.assertTrue(handled.is_set())
