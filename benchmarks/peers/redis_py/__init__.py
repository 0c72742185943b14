"""Bare redis-py: the limit of a layer over Redis that is written with it."""
from ..base import FOLDER, Peer

PEERS = [Peer(
    name='redis-py', title='redis-py 8.1.0 with hiredis, nothing on top', python='3.11',
    requirements=('redis==8.1.0', 'hiredis==3.5.0'), folder=FOLDER / 'redis_py', adapter='adapter.py',
)]
