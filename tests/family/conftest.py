"""Where the tests find the modules beside them, and the Redis that other tests start."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'channels_tests')]


@pytest.fixture(scope='module')
def redis():
    """A redis-server for a module's tests."""
    from redis_server import RedisServer
    server = RedisServer()
    server.start()
    yield server
    server.stop()
