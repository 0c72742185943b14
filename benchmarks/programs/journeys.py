"""
Count the calls, rooms and moves of a message's way through our own code.

    python journeys.py redis://127.0.0.1:6379/0 [CHECKOUT]

A *room* is a source file of this project, a *move* is a call into another room
than the last call's, *back* the moves into a room that was entered before. The
first trips of each kind, which fill caches, aren't counted. Of a request and a
frame the trip in the middle of several is shown, by its calls: how many reads
of a socket it takes is a matter of chance. Where CHECKOUT,
another checkout of this project of any commit, serves by uvicorn, the files of
that count as well. It needs Django, redis, msgpack, h2 and httptools.
"""
import asyncio
import os
import socket
import sys
import threading

#: Trips that fill caches; the queues of a worker take turns.
WARM_UP = 8
#: Trips of which the one in the middle is shown.
TRIPS = 9
#: Seconds until a trip that does not end is an error.
PATIENCE = 10.0
GROUP = 'journeys'

POST = (b'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n'
        b'Content-Type: application/x-www-form-urlencoded\r\n\r\na=b')
HANDSHAKE = (b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
             b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
#: A masked text frame, "hello", and the frame that the group gets of it.
FRAME, ECHO = b'\x81\x85\0\0\0\0hello', b'\x81\x05hello'


class Journey:
    """What sys.setprofile() sees of the project's files below `root`, in one thread."""

    def __init__(self, root):
        folders = [os.path.join(root, folder) for folder in ('django_patch', 'compat', 'interface_server')]
        if 'uvicorn' in sys.modules:
            folders.append(os.path.dirname(sys.modules['uvicorn'].__file__))
        self.folders = tuple(folder + os.sep for folder in folders)
        self.calls = 0
        self.rooms = []

    def __enter__(self):
        sys.setprofile(self._event)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)

    def _event(self, frame, event, arg):
        name = frame.f_code.co_filename
        if event == 'call' and name.startswith(self.folders):
            self.calls += 1
            if not self.rooms or self.rooms[-1] != name:
                self.rooms.append(name)

    def figures(self):
        """Return (calls, rooms, moves, times back in a room left)."""
        rooms = len(set(self.rooms))
        moves = max(0, len(self.rooms) - 1)
        return self.calls, rooms, moves, len(self.rooms) - rooms


# The project whose messages travel

def view(request):
    from django.http import HttpResponse
    return HttpResponse(request.POST['a'])


def connect(message):
    from django.channels import Group
    Group(GROUP).add(message.reply_channel)
    message.reply_channel.send({'accept': True})


def receive(message):
    from django.channels import Group
    Group(GROUP).send({'text': message['text']})


def ignore(message):
    pass


#: Both by dotted path, so that nothing of Django is loaded before it is set up.
ROUTING = {'task': ignore, 'websocket.connect': connect, 'websocket.receive': receive, 'websocket.disconnect': ignore}
urlpatterns = []


def set_up(url, checkout):
    path = os.pathsep.join(os.path.join(checkout, folder) for folder in ('backport', 'interface_server'))
    if os.environ.get('PYTHONPATH') != path:
        # Before Python starts: an installed hook would be there first.
        os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, PYTHONPATH=path))
    import channels  # NOQA: installs the import hook
    import django
    from django.conf import settings
    settings.configure(
        DATABASES={}, INSTALLED_APPS=['django.channels'], SECRET_KEY='journeys', ALLOWED_HOSTS=['*'],
        ROOT_URLCONF=__name__, MIDDLEWARE=[], CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.redis.RedisChannelLayer', 'ROUTING': __name__ + '.ROUTING',
            'CONFIG': {'hosts': [url], 'prefix': 'journeys:'},
        }},
    )
    django.setup()
    from django.urls import path as url_path
    urlpatterns.append(url_path('', view))


def announce_worker(layer):
    """Say for a minute or more what runworker says of itself, where it does so."""
    try:
        from django.channels.layers.presence import WORKER, this_process
    except ImportError:
        # 5f2161c and others.
        return
    layer.announce(this_process(WORKER, 'journeys'), {'disconnects': False})


class Server:
    """An interface server in a thread, whose event loop can be traced."""

    def __init__(self, layer):
        from interface_server import embedded
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self._listening = threading.Event()
        threading.Thread(
            target=embedded.run, args=(layer.channel_layer, '127.0.0.1', self.port),
            kwargs={'ready': self._ready, 'signal_handlers': False}, daemon=True,
        ).start()
        if not self._listening.wait(PATIENCE):
            raise SystemExit('The interface server did not start.')

    def _ready(self):
        self._loop = asyncio.get_running_loop()
        self._listening.set()

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE)

    def call(self, function):
        """Call `function` in the server's thread, and wait until that is done."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (function(), done.set()))
        if not done.wait(PATIENCE):
            raise SystemExit('The interface server does not answer.')


# The journeys; each returns when what it sends has arrived

def send(layer, make_journey):
    """Channel.send() in a process that only sends, and that message in a worker, until it asks for the next."""
    from django.channels import Channel
    from django.channels.worker import Worker
    journey, worker = make_journey(), Worker(layer, signal_handlers=False)
    for number in range(WARM_UP):
        Channel('task').send({'n': number})
        layer.receive(['task'])
    with journey:
        Channel('task').send({'n': 1})
    yield 'Channel.send', journey
    for number in range(WARM_UP):
        worker.run_once()
        Channel('task').send({'n': number})
    journey = make_journey()
    with journey:
        worker.run_once()
    yield '... in the worker', journey


def serve(layer, make_journey):
    """A POST through a view, and a frame that a group of two sockets gets, in the server and in the worker."""
    from django.channels.worker import Worker
    announce_worker(layer.channel_layer)
    server, worker = Server(layer), Worker(layer, signal_handlers=False)
    with server.connect() as client:
        def post():
            client.sendall(POST)
            yield
            read_until(client, b'\r\n\r\nb')
        yield from both('POST', server, worker, post, make_journey)
    sockets = [server.connect() for _ in range(2)]
    for client in sockets:
        client.sendall(HANDSHAKE)
        worker.run_once()
        read_until(client, b'\r\n\r\n')

    def frame():
        sockets[0].sendall(FRAME)
        yield
        for client in sockets:
            read_until(client, ECHO)
    yield from both('frame, group send', server, worker, frame, make_journey)
    for client in sockets:
        client.close()
        worker.run_once()


def both(name, server, worker, trip, make_journey):
    """Yield the journeys of `trip`, a generator that sends, and reads the answer once a worker has worked."""
    for number in range(WARM_UP):
        for _ in trip():
            worker.run_once()
    in_server, in_worker = [], []
    for _ in range(TRIPS):
        journey = make_journey()
        server.call(journey.__enter__)
        for _ in trip():
            worker.run_once()
        server.call(journey.__exit__)
        in_server.append(journey)
    yield name, middle(in_server)
    for _ in range(TRIPS):
        journey = make_journey()
        for _ in trip():
            with journey:
                worker.run_once()
        in_worker.append(journey)
    yield '... in the worker', middle(in_worker)


def middle(journeys):
    return sorted(journeys, key=lambda journey: journey.calls)[len(journeys) // 2]


def read_until(client, end):
    data = b''
    while not data.endswith(end):
        part = client.recv(4096)
        if not part:
            raise SystemExit('The interface server closed a connection after %r.' % data)
        data += part


def main():
    url = sys.argv[1]
    checkout = os.path.abspath(
        sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), '..', '..'),
    )
    set_up(url, checkout)
    from django.channels import channel_layers
    layer = channel_layers['default']
    print('%-20s %6s %6s %6s %6s' % ('journey', 'calls', 'rooms', 'moves', 'back'))
    for journeys in (send, serve):
        for name, journey in journeys(layer, lambda: Journey(checkout)):
            print('%-20s %6d %6d %6d %6d' % ((name,) + journey.figures()))
            if os.environ.get('JOURNEYS_VERBOSE'):
                print('  ' + '\n  '.join(os.path.relpath(room, checkout) for room in journey.rooms))
    layer.flush()


if __name__ == '__main__':
    main()
