"""Tests of the JavaScript client, for which node has to be there."""
from __future__ import absolute_import, unicode_literals

import os
import re
import subprocess
import unittest

import django.channels
from django.contrib.staticfiles import finders
from django.test import SimpleTestCase, modify_settings

NAME = 'channels/js/websocketbridge.js'
TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'websocketbridge_tests.js')


def find_client():
    return os.path.join(os.path.dirname(django.channels.__file__), 'static', *NAME.split('/'))


class WebSocketBridgeTests(SimpleTestCase):

    @modify_settings(INSTALLED_APPS={'append': 'django.contrib.staticfiles'})
    def test_it_is_a_static_file_of_the_app(self):
        finders.get_finder.cache_clear()
        self.addCleanup(finders.get_finder.cache_clear)
        self.assertEqual(os.path.realpath(finders.find(NAME)), os.path.realpath(find_client()))

    def test_it_does_what_its_tests_say(self):
        try:
            process = subprocess.Popen(
                ['node', TESTS, find_client()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except EnvironmentError:
            raise unittest.SkipTest('There is no node on PATH, which runs the tests of JavaScript.')
        output = process.communicate()[0].decode('utf-8')
        self.assertEqual(process.returncode, 0, output)
        with open(TESTS) as source:
            self.assertEqual(output.splitlines(), re.findall(r"^  '(.*)'\(\) {$", source.read(), re.MULTILINE))
