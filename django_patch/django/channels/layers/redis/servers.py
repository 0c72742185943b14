"""
Addresses of Redis servers, and connections to them.
"""
from __future__ import absolute_import, unicode_literals

import binascii

from ...compat.text import native_from_text
from ...durations import checked_seconds
from .addresses import check_dict, is_plain, join_url, listed, name_of, pair, url_of
from .library import redis
from .outage import COMMAND_TIMEOUT, CONNECT_TIMEOUT

#: What is used where no host is given.
DEFAULT_HOST = 'redis://localhost:6379/0'
#: Seconds that a Sentinel has for its answer; there are others to ask.
SENTINEL_TIMEOUT = 1.0
#: Seconds until the next node of a cluster is asked who has what.
NODE_TIMEOUT = 1.0
#: Shards of a cluster, if its host doesn't say. Each costs a reader of normal
#: channels a connection, and each master should have some.
CLUSTER_SHARDS = 12


def _version():
    """Return the (major, minor) of redis-py."""
    return tuple(int(part) for part in redis.__version__.split('.')[:2])


def parse_hosts(hosts, connection_kwargs=None):
    """
    Return the list of Servers that `hosts`, a list, describes; one a shard.

    Each host is one of:

    * a URL (redis://, rediss:// or unix://), or a (host, port) pair;
    * a dict with "address", one of these, and options for redis-py;
    * a dict with "sentinels", a list of (host, port), and "master_name";
    * a dict with "cluster", a list of URLs or pairs of some of its nodes,
      and "shards", how many shards the cluster carries. It is the only host.

    A dict with "joining" is of a server that is being added: it is read, and
    gets nothing that processes which don't know it yet would look for.

    `connection_kwargs` are options for all. Raise ValueError.
    """
    if hosts is None:
        hosts = [DEFAULT_HOST]
    # A set has no order, and the number of a host is that of its shard.
    if not isinstance(hosts, (list, tuple)) or not hosts:
        raise ValueError(
            'hosts must be a list of Redis URLs, (host, port) pairs or dicts, not %r.' % (hosts,)
        )
    if connection_kwargs is None:
        connection_kwargs = {}
    check_dict('connection_kwargs', connection_kwargs)
    servers = []
    for host in hosts:
        options = dict(connection_kwargs)
        if not isinstance(host, dict):
            servers.append(Server(url_of(host, options), options))
            continue
        options.update(host)
        joining = options.pop('joining', False)
        if 'cluster' in options:
            if len(hosts) > 1:
                raise ValueError('A cluster is to be the only one of hosts; it has shards of its own.')
            servers = _cluster(options)
        elif 'sentinels' in options:
            servers.append(_sentinel(options))
        elif 'address' in options:
            servers.append(Server(url_of(options.pop('address'), options), options))
        else:
            raise ValueError(
                "A host that is a dict needs an 'address', 'sentinels' or a 'cluster'; it has: %s." %
                ', '.join(sorted(map(str, host)))
            )
        servers[-1].is_joining = bool(joining)
    settled = [server.is_joining for server in servers]
    if settled[0] or settled != sorted(settled):
        raise ValueError("Hosts that are 'joining' come last, behind one that isn't.")
    return servers


def _sentinel(options):
    sentinels = options.pop('sentinels')
    try:
        name = options.pop('master_name')
    except KeyError:
        raise ValueError("A host with 'sentinels' needs the 'master_name' that they watch.")
    for sentinel in listed('sentinels', sentinels):
        if not isinstance(sentinel, (tuple, list)) or len(sentinel) != 2:
            raise ValueError("%r in 'sentinels' is not a pair (host, port)." % (sentinel,))
    check_dict('sentinel_kwargs', options.get('sentinel_kwargs', {}))
    return MasterOfSentinels([pair(sentinel) for sentinel in sentinels], name, options)


def _cluster(options):
    if _version() < (4, 1):
        raise ValueError(
            'Redis Cluster needs redis-py 4.1 or later, and so Python 3.6; here is redis-py %s. Use independent '
            'servers as hosts instead.' % redis.__version__
        )
    ssl = options.pop('ssl', False)
    nodes = _Nodes(url_of(node, {'ssl': ssl}) for node in listed('cluster', options.pop('cluster')))
    shards = options.pop('shards', CLUSTER_SHARDS)
    if not isinstance(shards, int) or not 0 < shards < 1000:
        raise ValueError("A cluster's 'shards' must be a number from 1 to 999, not %r." % (shards,))
    return [ClusterShard(nodes, number, options) for number in range(shards)]


class Server(object):
    """
    One Redis server; connect() gives connections, of redis-py if need be.

    locate() returns its URL at present. It may ask another server, such as a
    Sentinel, and wait for the answer. resolve() is for other drivers: the URL,
    and the options that go with it into a connection pool of redis-py.
    """
    #: Does locate() have to ask?
    needs_resolving = False
    #: May what it says change while the server before still takes commands?
    needs_watching = False
    #: Are there processes that don't know it yet?
    is_joining = False

    def __init__(self, url, options):
        is_special = bool(options)
        # Whatever redis-py or the URL says: a reader waits for seconds, and
        # must be the one to say for how many.
        options['socket_timeout'] = COMMAND_TIMEOUT
        if options.setdefault('socket_connect_timeout', CONNECT_TIMEOUT) is not None:
            checked_seconds('socket_connect_timeout', options['socket_connect_timeout'])
        options.setdefault('socket_keepalive', True)
        if url.startswith('unix:'):
            # There is nothing to wait for, and redis-py 3 has no such options.
            del options['socket_connect_timeout'], options['socket_keepalive']
        self.url, self.options = url, options
        #: For people; without the password.
        self.name = name_of(url)
        self._is_direct = is_plain(url) and not is_special and not self.needs_resolving
        if is_special or '?' in url:
            # What redis-py makes of options is known to it alone.
            pool = self._pool(url)
            pool.connection_class(**pool.connection_kwargs)

    def _pool(self, url):
        options = self._all_options()
        if _version() >= (4, 0):
            return redis.ConnectionPool.from_url(url, **options)
        # redis-py 3 unquotes only if it is told to (and on Python 2 from text
        # to Latin-1), and forgets a password that the URL doesn't name.
        pool = redis.ConnectionPool.from_url(native_from_text(url), **dict(options, decode_components=True))
        for name in ('username', 'password'):
            if pool.connection_kwargs.get(name) is None and name in options:
                pool.connection_kwargs[name] = options[name]
        return pool

    def _all_options(self):
        # Not before a connection is wanted: it takes redis-py to know them.
        return dict(self.options, protocol=2) if _version() >= (5, 0) else self.options

    def locate(self):
        """Return the URL of where to connect to."""
        return self.url

    def resolve(self):
        """Return (URL, options) of where to connect to."""
        return self.locate(), self._all_options()

    def connect(self, url, timeout=COMMAND_TIMEOUT):
        """Return a new connection to `url`, of locate(); raise connection.failures()."""
        if self._is_direct:
            # With all that speaks to Redis.
            from .direct import DirectConnection
            connection = DirectConnection(url, timeout, min(CONNECT_TIMEOUT, timeout))
        else:
            connection = self._connection(self._pool(url), timeout)
        connection.connect()
        return connection

    def _connection(self, pool, timeout):
        """Return one of `pool`, which connects and is answered within `timeout` seconds each."""
        options = dict(pool.connection_kwargs, socket_timeout=timeout, decode_responses=False)
        if (options.get('socket_connect_timeout') or 0) > timeout:
            options['socket_connect_timeout'] = timeout
        return pool.connection_class(**options)


class MasterOfSentinels(Server):
    """The server that Sentinels call the master of `name` just now."""
    needs_resolving = needs_watching = True

    def __init__(self, sentinels, name, options):
        self._sentinels = sentinels
        self._service = name
        self._sentinel_options = dict(
            {'socket_timeout': SENTINEL_TIMEOUT, 'socket_connect_timeout': SENTINEL_TIMEOUT},
            **options.pop('sentinel_kwargs', {})
        )
        self._scheme = 'rediss' if options.pop('ssl', False) else 'redis'
        super(MasterOfSentinels, self).__init__(join_url(self._scheme, *sentinels[0]), options)
        self.name = '%s (of the Sentinels %s)' % (name, ', '.join('%s:%d' % sentinel for sentinel in sentinels))

    def locate(self):
        sentinel = redis.sentinel.Sentinel(self._sentinels, sentinel_kwargs=self._sentinel_options)
        try:
            host, port = sentinel.discover_master(self._service)
        finally:
            for client in sentinel.sentinels:
                client.connection_pool.disconnect()
        return join_url(self._scheme, host, port)


class ClusterShard(Server):
    """
    One shard of a cluster: whatever node has the slot of its keys.

    The keys of shard 7 hold "{7}", which alone decides on their slot.
    """
    needs_resolving = True

    def __init__(self, nodes, number, options):
        self._nodes = nodes
        self._slot = binascii.crc_hqx(b'%d' % number, 0) % 16384
        super(ClusterShard, self).__init__(nodes.urls[0], dict(options))
        self.name = 'cluster %s, shard %d' % (self.name, number)
        # What else a URL says holds for all nodes.
        arguments = self._pool(nodes.urls[0]).connection_kwargs
        for option in ('username', 'password'):
            if arguments.get(option):
                self.options.setdefault(option, arguments[option])

    def locate(self):
        failure, urls = None, list(self._nodes.urls)
        # If nobody knows, it is worth to wait.
        for url, timeout in [(url, NODE_TIMEOUT) for url in urls] + [(url, COMMAND_TIMEOUT) for url in urls]:
            try:
                found = self._ask(url, timeout)
            except (redis.RedisError, OSError) as error:
                failure = error
                self._nodes.put_last(url)
                continue
            if found is not None:
                return found
        raise failure or redis.ConnectionError('No node of the cluster has slot %d.' % self._slot)

    def _ask(self, url, timeout):
        """Return the URL of who has the slot, as the node at `url` says."""
        pool = self._pool(url)
        connection = self._connection(pool, timeout)
        try:
            connection.connect()
            connection.send_command('CLUSTER', 'SLOTS')
            slots = connection.read_response()
        finally:
            connection.disconnect()
        found, nodes = None, [url]
        for first, last, master in [slot[:3] for slot in slots]:
            # A node that doesn't know its own name leaves it out.
            host = master[0] or pool.connection_kwargs.get('host', 'localhost')
            node = join_url(url[:url.index('://')], host, master[1])
            if node not in nodes:
                nodes.append(node)
            if first <= self._slot <= last:
                found = node
        self._nodes.put_first(nodes)
        return found


class _Nodes(object):
    """The URLs of a cluster's nodes, as its shards ask them: those first that have answered."""

    def __init__(self, urls):
        self.urls = list(urls)

    def put_first(self, urls):
        # The nodes that were named may all be replaced one day.
        self.urls = urls + [url for url in self.urls if url not in urls]

    def put_last(self, url):
        self.urls = [other for other in self.urls if other != url] + [url]
