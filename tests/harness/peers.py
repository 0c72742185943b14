"""The contract of channel layers on a layer of others: rows of their own."""
from . import requirements
from .environments import Wheel
from .pairs import Pair
from .steps import PairRun

#: The Pythons that asgi_redis was made for, and a Django that has both.
PEER_PAIRS = (Pair('2.7', '1.11'), Pair('3.6', '1.11'))


class PeersRun(PairRun):
    """tests/peers in an environment whose packages go with nothing else of ours."""

    def __init__(self, bench, pair):
        super().__init__(bench, pair)
        self.name = 'py%s-peers' % pair.python
        self.logs = bench.cache.logs / self.name

    def steps(self):
        """Yield the two steps, as PairRun does."""
        yield 'environment', self.prepare
        yield 'peers', self.folder('peers')

    def prepare(self, log):
        """Make the environment, or find it made."""
        self.environment = self.bench.environments.make(
            self.name, self.pair.python, requirements.peers_requirements(), log, [Wheel(self.bench.wheel('backport'))],
        )
