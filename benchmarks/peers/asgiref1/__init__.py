"""asgiref 1.1.2 with inmemory.ChannelLayer, the 1.x family's layer of one process. It runs on a current Python."""
from ..base import FOLDER, Peer

PEERS = [Peer(
    name='asgiref1', title='asgiref 1.1.2, inmemory.ChannelLayer', python='3.11',
    requirements=('asgiref==1.1.2', 'six==1.17.0'), folder=FOLDER / 'asgiref1', adapter='adapter.py',
)]
