"""
Tests of what peers see of a server, by the vectors of the message standard:
names, paths, headers, responses and the states of a WebSocket.
"""
from __future__ import absolute_import, unicode_literals

import json

from django.channels import names
from django.channels.compat import six
from django.channels.exceptions import MalformedMessage
from django.channels.http.messages import note_version
from django.channels.interfaces import bridge
from django.channels.layers import codec
from django.channels.layers.transport.envelope import Entry
from django.channels.layers.transport.inbox import Inbox
from django.test import SimpleTestCase

from .logs import LogTestCase
from .standards import vectors


def unboxed(value):
    """Return a value of a vector, its byte strings being bytes."""
    return codec.from_json(json.dumps({'value': value}))['value']


class NameTests(SimpleTestCase):

    def test_names(self):
        content = vectors('messages.json')
        for kind, validate in [
            ('channel_names', names.validate_channel_name), ('group_names', names.validate_group_name),
        ]:
            for vector in content[kind]:
                try:
                    validate(vector['name'])
                    valid = True
                except ValueError:
                    valid = False
                self.assertEqual(valid, vector['valid'], vector['name'])


class RequestTests(SimpleTestCase):

    def test_paths(self):
        for vector in vectors('messages.json')['paths']:
            if six.PY2 and '%ED%A0' in vector['target']:
                # Its UTF-8 has surrogates.
                continue
            self.assertEqual(bridge.decode_path(vector['target'].encode('latin-1')), vector['path'], vector['target'])

    def test_headers(self):
        for vector in vectors('messages.json')['request_headers']:
            sent, expected = ([
                [name.encode('ascii'), value.encode('ascii')] for name, value in vector[key]
            ] for key in ('sent', 'message'))
            self.assertEqual(bridge.clean_headers(sent), expected)


class VersionTests(LogTestCase, SimpleTestCase):

    def test_a_newer_server_is_logged_once(self):
        for version in (1, 1000, 1000, 'x', None):
            note_version({'version': version})
        note_version({})
        self.assertEqual(self.log().count('A server speaks version 1000 of the message standard'), 1)
        self.assertEqual(self.log().count('\n'), 1)


class ResponseTests(SimpleTestCase):

    def test_responses(self):
        for vector in vectors('messages.json')['responses']:
            self.assertEqual(self.outcome(vector), {
                key: unboxed(vector[key]) for key in ('status', 'headers', 'content_length', 'content', 'end')
            }, vector['name'])

    def outcome(self, vector):
        """Return what a client sees."""
        reply = bridge.HttpReply(vector['method'])
        seen = {'status': None, 'headers': [], 'content_length': None, 'content': b'', 'end': 'goes on'}
        for message in vector['replies']:
            try:
                part = reply.feed(unboxed(message))
            except MalformedMessage:
                if seen['status'] is None:
                    return dict(seen, status=500, end='error')
                return dict(seen, end='broken off')
            if not isinstance(part, bridge.ResponsePart):
                continue
            if part.status is not None:
                seen['status'] = part.status
                lengths = [int(value) for name, value in part.headers if name.lower() == b'content-length']
                seen['content_length'] = lengths[0] if lengths else None
                self.assertLess(len(lengths), 2)
                seen['headers'] = [
                    [name, value] for name, value in part.headers if name.lower() != b'content-length'
                ]
            seen['content'] += part.content
        return dict(seen, end='complete') if reply.complete else seen


class SocketTests(LogTestCase, SimpleTestCase):

    def test_states(self):
        for vector in vectors('messages.json')['sockets']:
            socket = bridge.WebSocket(
                'websocket.send.p!1', '/', vector.get('offers', ()), holds_handshake=vector.get('holds', True),
            )
            events = []
            for message in vector['replies']:
                try:
                    reply = bridge.parse_socket_reply(unboxed(message))
                except MalformedMessage:
                    events.append('ignored')
                    continue
                events += map(self.as_value, socket.apply(reply))
            self.assertEqual(events, unboxed(vector['events']), vector['name'])

    def as_value(self, event):
        if isinstance(event, bridge.Send):
            return {'text': event.text} if event.data is None else {'bytes': event.data}
        value = event._asdict()
        if 'headers' in value:
            value['headers'] = [list(header) for header in value['headers']]
        return {type(event).__name__.lower(): dict(value)}


class GroupTests(SimpleTestCase):
    """The members of a group, as its entries tell them to a reader."""

    def test_sequences(self):
        for vector in vectors('transport.json')['groups']:
            inbox = Inbox('p!', 0)
            for step in vector['steps']:
                entry = Entry(b'\1\2' + b'\0' * 8 + b'\0\4room' + b'\0' * 20)
                entry.base, entry.version, entry.changes = step['base'], step['version'], step['changes']
                channels = inbox.apply_changes(entry)
                self.assertEqual(channels is None, 'asked' in step, vector['name'])
                if channels is None:
                    channels = inbox.reset_members('room', step['asked']['version'], step['asked']['clients'])
                expected = ['p!' + client for client in sorted(step['members'])]
                self.assertEqual(sorted(channels), expected, vector['name'])
