"""Tests of the reference: every option, setting, check and ability is in it, and nothing else."""
from __future__ import absolute_import, unicode_literals

import argparse
import io
import os
import re
import textwrap

from django.channels import checks, package_checks, setting_checks, task_checks
from django.channels.delay.management.commands import rundelay
from django.channels.layers.base import BaseChannelLayer
from django.channels.management import runserver
from django.channels.management.commands import channels, runchannels, runworker
from django.channels.schedules import table as schedules_table
from django.test import SimpleTestCase

from .standards import FOLDER

DOCS = os.path.dirname(os.path.dirname(FOLDER))
REFERENCE = os.path.join(DOCS, 'reference')
WRITING_A_LAYER = os.path.join(os.path.dirname(DOCS), 'django_patch', 'docs', 'ref', 'channels', 'writing-a-layer.txt')

#: The commands in the order of the page, and what adds their options.
COMMANDS = (
    ('runserver', runserver.add_arguments), ('runworker', runworker.Command().add_arguments),
    ('runchannels', runchannels.Command().add_arguments), ('channels', channels.Command().add_arguments),
    ('rundelay', rundelay.Command().add_arguments),
)


def read(*names):
    with io.open(os.path.join(*names), encoding='utf-8') as file:
        return file.read()


def option_list(parser):
    """Return the options of an ArgumentParser as a definition list in reST."""
    lines = []
    for action in parser._actions:
        if not action.option_strings or action.dest == 'help':
            continue
        value = '' if action.nargs == 0 else ' ' + (action.metavar or action.dest.upper())
        lines.append('``%s``' % ', '.join(option + value for option in action.option_strings))
        lines.append('    ' + action.help.replace('%(default)s', str(action.default)).replace('*', r'\*'))
        lines.append('')
    return '\n'.join(lines)


class ReferenceTests(SimpleTestCase):
    maxDiff = None

    def test_the_options_of_the_commands_are_those_of_the_parsers(self):
        for name, add_arguments in COMMANDS:
            parser = argparse.ArgumentParser()
            add_arguments(parser)
            path = os.path.join(REFERENCE, name + '.inc')
            if os.environ.get('CHANNELS_WRITE_DOCS'):
                with io.open(path, 'w', encoding='utf-8') as file:
                    file.write(option_list(parser))
            self.assertEqual(read(path), option_list(parser), 'Set CHANNELS_WRITE_DOCS, and run this test again.')

    def test_every_system_check_is_documented(self):
        raised = set()
        modules = checks, setting_checks, package_checks, schedules_table, task_checks
        sources = [re.sub(r'c$', '', module.__file__) for module in modules]
        for path in sources:
            raised.update(re.findall(r"id='(channels\.[EW]\d{3})'", read(path)))
        documented = re.findall(r'^``(channels\.[EW]\d{3})``$', read(REFERENCE, 'checks.txt'), re.M)
        self.assertEqual(sorted(documented), sorted(raised))

    def test_every_flag_of_a_layer_is_documented(self):
        flags = {
            name for name in dir(BaseChannelLayer)
            if not name.startswith('_') and isinstance(getattr(BaseChannelLayer, name), bool)
        }
        documented = re.findall(r'^``([a-z_]+)``$', read(WRITING_A_LAYER), re.M)
        self.assertEqual(sorted(documented), sorted(flags))

    def test_the_layer_that_the_page_shows_works(self):
        code = re.search(r'messages in lists::\n\n((?:    .*\n|\n)+)', read(WRITING_A_LAYER)).group(1)
        shown = {}
        exec(textwrap.dedent(code), shown)
        layer = shown['ListLayer'](capacity=2)
        layer.send('a', {'n': 1})
        layer.send('p!client', {'n': 2})
        layer.send('a', {'n': 3})
        with self.assertRaises(layer.ChannelFull):
            layer.send('a', {'n': 4})
        self.assertEqual(layer.receive_batch(['a', 'p!'], 9), [
            ('a', {'n': 1}), ('a', {'n': 3}), ('p!client', {'n': 2}),
        ])
        self.assertEqual(layer.receive(['a'], block=True), (None, None))
