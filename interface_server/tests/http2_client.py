"""A client of HTTP/2 that does what a test says, sensible or not."""
import contextlib
import socket
import ssl

import h2.config
import h2.events
from conftest import PATIENCE

from interface_server.protocols.h2.connection import Http2Connection


class Client:
    """A connection to `server`, over TLS with an ssl.SSLContext."""

    def __init__(self, server, context=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.scheme = "http" if context is None else "https"
        # It goes on after the server's goodbye, too.
        self.conn = Http2Connection(h2.config.H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False,
        ))
        self.conn.initiate_connection()
        self.flush()
        self.events = []
        self.ended = False

    def flush(self):
        self.socket.sendall(self.conn.data_to_send())

    def headers(self, method="GET", path="/", extra=(), end_stream=True):
        number = self.conn.get_next_available_stream_id()
        self.conn.send_headers(number, [
            (":method", method), (":scheme", self.scheme), (":authority", "localhost"), (":path", path), *extra,
        ], end_stream=end_stream)
        self.flush()
        return number

    def read(self):
        """Take in what comes next; say if the connection goes on."""
        data = self.socket.recv(65536)
        if not data:
            self.ended = True
            return False
        for event in self.conn.receive_data(data):
            self.events.append(event)
            if isinstance(event, h2.events.DataReceived):
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        with contextlib.suppress(OSError):
            self.flush()
        return True

    def wait_for_server(self):
        """Return when the server has seen all that was sent."""
        answers = len(self.of(h2.events.PingAckReceived))
        self.conn.ping(b"12345678")
        self.flush()
        while len(self.of(h2.events.PingAckReceived)) == answers:
            assert self.read()

    def of(self, kind, number=None):
        return [
            event for event in self.events
            if isinstance(event, kind) and (number is None or event.stream_id == number)
        ]

    def response(self, number):
        """Return (status, headers, body) of a stream, or its reset's code."""
        while not self.of((h2.events.StreamEnded, h2.events.StreamReset), number):
            assert self.read(), self.events
        if not self.of(h2.events.ResponseReceived, number):
            return self.of(h2.events.StreamReset, number)[0].error_code
        headers = {
            name.decode(): value.decode() for name, value in self.of(h2.events.ResponseReceived, number)[0].headers
        }
        body = b"".join(event.data for event in self.of(h2.events.DataReceived, number))
        return int(headers.pop(":status")), headers, body

    def read_until_the_end(self):
        try:
            while self.read():
                continue
        except ConnectionResetError:
            self.ended = True

    def close(self):
        self.socket.close()


def tls_context(certificate, *protocols):
    context = ssl.create_default_context(cafile=certificate[0])
    context.set_alpn_protocols(protocols)
    return context
