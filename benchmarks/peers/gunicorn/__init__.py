"""Plain Django under gunicorn: one process, one thread, HTTP only."""
from ...harness.stack import start_site
from ..base import FOLDER, Peer


class Gunicorn(Peer):
    def start_site(self, machine):
        return start_site(machine, self, [lambda port: machine.program(
            'gunicorn',
            [self.script(machine, 'gunicorn'), '-w', '1', '-b', '127.0.0.1:%d' % port, 'bench_wsgi:application'],
            cwd=self.folder, env=self.site_environment(),
        )])


ENVIRONMENT = dict(
    python='3.11', requirements=('Django==5.2.19', 'gunicorn==23.0.0'), folder=FOLDER / 'gunicorn',
    environment_name='gunicorn',
)

PEERS = [
    Gunicorn(name='gunicorn', title='Django 5.2 under gunicorn 23.0.0, Python 3.11, one process', **ENVIRONMENT),
    Peer(name='django', title='Django 5.2, Python 3.11, nothing of ours installed', **ENVIRONMENT),
]
