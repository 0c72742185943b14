"""Where the tests find the modules beside them, and the Redis that other tests start."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'channels_tests')]
