"""
An endpoint for probes and Prometheus: a worker's /health, /ready, /metrics.

It has no access control, so its address must be one that clients can't reach.
"""
from __future__ import absolute_import, unicode_literals

import errno
import json
import logging
import socket
import sys
import threading

from ..compat import six

logger = logging.getLogger('django.channels')

#: Seconds that a probe may take with its request.
TIMEOUT = 10.0
#: Seconds between two tries to have an address that is in use.
RETRY_AFTER = 0.5


class _Server(six.moves.socketserver.ThreadingMixIn, six.moves.BaseHTTPServer.HTTPServer):
    daemon_threads = True
    answer = None

    def server_bind(self):
        # The library asks the DNS for its own name, which may take a minute.
        six.moves.socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        # The library would write a traceback to stderr.
        error = sys.exc_info()[1]
        if isinstance(error, EnvironmentError):
            # It no longer waits for the answer, as probes do after a second.
            logger.debug('A client of health and metrics left: %s', error)
        else:
            logger.exception('A request for health or metrics failed.')


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(six.moves.BaseHTTPServer.BaseHTTPRequestHandler):
    timeout = TIMEOUT

    def do_GET(self):
        status, content_type, body = self.server.answer(self.path.partition('?')[0], self.headers.get('Accept', ''))
        self.send_response(status)
        for name, value in (
            ('Content-Type', content_type), ('Content-Length', str(len(body))), ('Cache-Control', 'no-store'),
        ):
            self.send_header(str(name), str(value))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format, *args):
        logger.debug(format, *args)


class Endpoint(object):
    """
    Answers on `host` and `port` (0: any free one) while a block runs.

    `vitals` is a Vitals, and `metrics(accept, of_all)` returns (content type,
    bytes), of this process or of all of the layer's; it may raise ImportError,
    whose text the client gets with status 501. If it `is_patient`, an address
    in use is waited for: the process that has it is the one before this, which
    finishes.
    """

    def __init__(self, host, port, vitals, metrics, is_patient=False):
        self._address = host, port
        self._vitals = vitals
        self._metrics = metrics
        self._server = None
        self._has_ended = threading.Event()
        # Held while the server comes into being, and while it is ended.
        self._lock = threading.Lock()
        # At once: that an address is taken is said before anything runs.
        if not self._bind() and not is_patient:
            raise EnvironmentError(errno.EADDRINUSE, '%s:%d is in use' % (host, port))
        self._thread = threading.Thread(target=self._serve, name='endpoint')
        self._thread.daemon = True

    def _bind(self):
        try:
            server = (_Server6 if ':' in self._address[0] else _Server)(self._address, _Handler)
        except EnvironmentError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        server.answer = self.answer
        self._server = server
        return True

    def _serve(self):
        if self._server is None:
            logger.warning('%s:%d is in use; health and metrics are told there once it is free.', *self._address)
        while self._server is None:
            if self._has_ended.wait(RETRY_AFTER):
                return
            with self._lock:
                if self._has_ended.is_set():
                    return
                self._bind()
        self._server.serve_forever()

    @property
    def port(self):
        """The number of the port that it listens on."""
        return self._server.server_address[1]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        with self._lock:
            self._has_ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._thread.join()

    def answer(self, path, accept=''):
        """Return (status, content type, bytes) for the path of a URL."""
        if path in ('/metrics', '/metrics/all'):
            try:
                return (200,) + self._metrics(accept, path == '/metrics/all')
            except ImportError as error:
                return 501, 'text/plain; charset=utf-8', ('%s\n' % error).encode('utf-8')
            except Exception as error:
                logger.warning('Metrics could not be collected: %s', error)
                return 503, 'text/plain; charset=utf-8', ('%s\n' % error).encode('utf-8')
        if path not in ('/health', '/ready'):
            return 404, 'text/plain; charset=utf-8', b'There are /health, /ready, /metrics and /metrics/all.\n'
        well, facts = self._vitals.report()
        # A process that can't reach its layer, or is about to end, needs no
        # restart; one that is stuck does.
        good = well if path == '/ready' else facts['status'] != 'busy'
        return 200 if good else 503, 'application/json', (json.dumps(facts, sort_keys=True) + '\n').encode('utf-8')
