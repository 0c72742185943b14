"""
The standards' documents against what lies beside them.
"""
import importlib.util
import json
import re
import unittest

from .support import CHECKOUT, PACKAGE

STANDARDS = CHECKOUT / 'docs' / 'standards'


def read(name):
    return (STANDARDS / name).read_text(encoding='utf-8')


class StandardsTests(unittest.TestCase):

    def test_sections_are_numbered_in_order(self):
        for name in ('messages.txt', 'transport.txt'):
            numbers = [
                tuple(map(int, number.split('.')))
                for number in re.findall(r'^(\d+(?:\.\d+)?)\. .*\n[-=]+\n', read(name), re.M)
            ]
            self.assertGreater(len(numbers), 20)
            self.assertEqual(numbers, sorted(set(numbers)), name)
            for before, number in zip(numbers, numbers[1:]):
                self.assertIn(number, [
                    (before[0] + 1,), before[:1] + (before[1] + 1 if before[1:] else 1,),
                ], name)

    def test_the_examples_are_the_bytes_of_the_vectors(self):
        listings, current = [], None
        for line in read('transport.txt').splitlines():
            found = re.match(r' +([0-9a-f]{4})  ((?:[0-9a-f]{2} {1,2})+)', line)
            if found:
                if found.group(1) == '0000':
                    current = bytearray()
                    listings.append(current)
                self.assertEqual(int(found.group(1), 16), len(current))
                current += bytes.fromhex(found.group(2))
        entries = [vector['entry'] for vector in json.loads(read('vectors/exchanges.json'))['entries']]
        self.assertEqual([data.hex() for data in listings if data[0] == 1], entries)

    def test_the_examples_of_messages_are_those_of_the_transport(self):
        text = re.sub(r'\s+', ' ', read('messages.txt'))
        for vector in json.loads(read('vectors/exchanges.json'))['entries']:
            if 'channel' in vector:
                message = json.dumps(json.loads(vector['json'], object_hook=_with_bytes), separators=(', ', ': '))
                written = re.sub(r'"\\u0000([^"]*)"', r'b"\1"', message)
                self.assertIn('-> %s %s' % (vector['channel'], written), text)

    def test_the_signature_of_each_script_is_there(self):
        scripts = json.loads(read('vectors/transport.json'))['scripts']
        section = read('transport.txt').partition('\n14. Scripts\n')[2].partition('\n15. ')[0]
        self.assertEqual(sorted(re.findall(r'^``(\w+)\.lua``', section, re.M)), sorted(scripts))
        for name in scripts:
            signature = section.partition('``%s.lua``' % name)[2].partition('\n``')[0]
            head = (STANDARDS / 'lua' / (name + '.lua')).read_text(encoding='utf-8').partition('\n\n')[0]
            self.assertEqual('KEYS' in signature, 'KEYS' in head, name)
            self.assertEqual('ARGV' in signature, 'ARGV' in head, name)

    def test_the_scripts_beside_the_document_are_those_of_the_package(self):
        self.assertEqual((STANDARDS / 'lua').resolve(), (PACKAGE / 'layers' / 'lua').resolve())

    def test_every_list_of_vectors_is_counted(self):
        spec = importlib.util.spec_from_file_location('count', STANDARDS / 'vectors' / 'count.py')
        count = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(count)
        found = list(count.counts())
        files = {path.name for path in (STANDARDS / 'vectors').glob('*.json')}
        self.assertEqual({name for _, name, _, _ in found}, files)
        self.assertTrue(all(number for _, _, _, number in found))


def _with_bytes(message):
    # Marks byte strings so that they can be told from text once more.
    import base64

    def convert(value):
        if isinstance(value, list):
            return [convert(item) for item in value]
        if isinstance(value, str) and value.startswith('\uffffb'):
            return '\0' + base64.b64decode(value[2:]).decode('ascii')
        return value
    return {key: convert(value) for key, value in message.items()}
