"""The least that a server can do, in C: what it reaches is the ceiling of the load generators."""
from ...harness import load
from ...harness.stack import start_site
from ..base import FOLDER, Peer


class Ceiling(Peer):
    def environment(self, machine):
        return load.compiled(machine, 'wsceiling')

    def start_site(self, machine):
        return start_site(machine, self, [
            lambda port: machine.program('ceiling', [self.environment(machine), port]),
        ])


PEERS = [Ceiling(
    name='ceiling', title='a trivial server in C (load/wsceiling.c)', python='', requirements=(),
    folder=FOLDER / 'ceiling',
)]
