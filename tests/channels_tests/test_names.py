"""Tests of what channels and groups may be called."""
from __future__ import absolute_import, unicode_literals

import re

from django.channels import names
from django.test import SimpleTestCase

VALID_CHANNELS = [
    'a', 'http.request', 'websocket.send.0a1b!', 'websocket.send.0a1b!client-1', 'http.request.body?x_y.z', 'x' * 99,
]
INVALID_CHANNELS = ['', 'a b', 'a!b!c', 'a?b?c', 'a!b?c', '!a', '?', 'a/b', 'caf\xe9', 'a\n', 'x' * 100, 'a!b c']


class NameTests(SimpleTestCase):

    def test_valid_channel_names_come_back_as_text(self):
        for name in VALID_CHANNELS:
            self.assertEqual(names.validate_channel_name(name), name)
            self.assertIs(type(names.validate_channel_name(name)), type(''))

    def test_bytes_are_taken_for_native_strings(self):
        self.assertEqual(names.validate_channel_name(b'http.request'), 'http.request')

    def test_invalid_channel_names_are_refused_with_the_rule(self):
        for name in INVALID_CHANNELS:
            with self.assertRaisesMessage(ValueError, 'is not a valid channel name: use fewer than 100'):
                names.validate_channel_name(name)

    def test_bytes_that_are_not_ascii_are_refused(self):
        with self.assertRaisesMessage(ValueError, 'it is not ASCII'):
            names.validate_channel_name(b'caf\xc3\xa9')

    def test_what_is_no_string_is_a_type_error(self):
        for name in (None, 1, ['a'], {}):
            with self.assertRaisesMessage(TypeError, 'A channel name must be a string'):
                names.validate_channel_name(name)
            with self.assertRaisesMessage(TypeError, 'A group name must be a string'):
                names.validate_group_name(name)

    def test_a_reader_waits_on_the_process_and_not_on_its_client(self):
        self.assertEqual(names.validate_channel_name('a!', receive=True), 'a!')
        with self.assertRaisesMessage(ValueError, "wait on 'a!'"):
            names.validate_channel_name('a!b', receive=True)

    def test_group_names_have_no_type_characters(self):
        self.assertEqual(names.validate_group_name('room-1_a.b'), 'room-1_a.b')
        for name in ('a!b', 'a?', '', 'a b', 'x' * 100):
            with self.assertRaisesMessage(ValueError, 'is not a valid group name'):
                names.validate_group_name(name)

    def test_a_reader_waits_on_what_ends_with_the_exclamation_mark(self):
        self.assertEqual(names.non_local_name('a!b'), 'a!')
        self.assertEqual(names.non_local_name('a'), 'a')

    def test_process_names_never_repeat(self):
        made = {names.process_channel('websocket.send') for _ in range(1000)}
        self.assertEqual(len(made), 1000)
        for name in made:
            self.assertRegex(name, r'^websocket\.send\.[0-9a-f]{20}!$')

    def assertRegex(self, text, pattern):
        self.assertTrue(re.match(pattern, text), text)
