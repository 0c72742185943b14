"""Jobs as bare commands: RPUSH, over a socket without redis-py."""
import json

from bench_moving import Connection

_connection = Connection()


def send(total, payload, variant):
    _connection.exchange(('RPUSH', 'bench-jobs', json.dumps({'total': total, 'payload': payload})))
