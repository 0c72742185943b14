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
        for line in read('transport.txt').partition('\n16.5. ')[0].splitlines():
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

    def test_the_examples_of_jobs_are_what_their_vectors_say(self):
        for example, number, following in (('job', '16.5', '16.6'), ('confirmation', '16.6', '17')):
            section = read('transport.txt').partition('\n%s. ' % number)[2].partition('\n%s. ' % following)[0]
            section += '\n'
            written = [_listing(call) for call in json.loads(read('vectors/exchanges.json'))[example]]
            self.assertIn('::\n\n%s\n' % '\n'.join(written), section, '\n'.join(written))

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

    def test_each_duty_has_a_test_or_a_vector(self):
        duties = {
            (document, section): duties for document in ('messages', 'transport')
            for section, duties in _duties(read(document + '.txt')) if section != '1.1'
        }
        table = (CHECKOUT / 'tests' / 'conformance' / 'DUTIES.rst').read_text(encoding='utf-8')
        parts = re.split(r'^(messages|transport) (\d+(?:\.\d+)?)\n-+\n', table, flags=re.M)[1:]
        self.assertEqual(list(zip(parts[::3], parts[1::3])), list(duties))
        defined, reasons = _functions(), []
        for document, section, rows in zip(parts[::3], parts[1::3], parts[2::3]):
            name, left = '%s %s' % (document, section), list(duties[document, section])
            for words, held in re.findall(r'^(?=\S)(.*\bMUST\b.*)\n((?:    .*\n)+)', rows, re.M):
                found = [duty for duty in left if words in duty]
                self.assertEqual(len(found), 1, '%s: %r' % (name, words))
                left.remove(found[0])
                held = re.sub(r'\s+', ' ', held).strip()
                if held.startswith('No test: '):
                    reasons.append(held)
                    continue
                self.check_names(name, held, defined)
                self.assertTrue(re.search(r'``\w+``|\.json`` \w', held), name)
            self.assertEqual(left, [], '%s: no test or vector is named' % name)
        self.assertEqual(len(reasons), 6, reasons)

    def check_names(self, where, text, defined):
        """The vectors and tests that `text` names are there."""
        for name, lists in re.findall(r'``(\w+\.json)`` (\w+(?:, \w+)*)', text):
            self.assertLessEqual(set(lists.split(', ')), set(json.loads(read('vectors/' + name))), where)
        for name in re.findall(r'``(\w+)``', text):
            self.assertIn(name, defined, where)

    def test_the_diaries_name_what_is_there(self):
        tests, defined = CHECKOUT / 'tests', _functions()
        sections = {
            name: set(re.findall(r'^(\d+(?:\.\d+)?)\. .*\n[-=]+\n', read(name + '.txt'), re.M))
            for name in ('messages', 'transport')
        }
        diary = (tests / 'interop' / 'README.rst').read_text(encoding='utf-8')
        rows = re.findall(r'^([TMF]\d+)\n((?:    .*\n)+)', diary, re.M)
        self.assertEqual([number for number, _ in rows], [
            '%s%d' % (letter, number) for letter, last in (('T', 13), ('M', 19), ('F', 11))
            for number in range(1, last + 1)
        ])
        for number, text in rows:
            text = re.sub(r'\s+', ' ', text)
            for name, numbers in re.findall(r'\b(messages|transport) ((?:\d+(?:\.\d+)?(?:, )?)+)', text):
                self.assertLessEqual(set(numbers.rstrip(', ').split(', ')), sections[name], number)
            self.check_names(number, text, defined)


def _functions():
    """Return the names of all tests, and of the rows of the conformance program."""
    return {
        name for folder in (CHECKOUT / 'tests', CHECKOUT / 'interface_server' / 'tests', PACKAGE / 'test')
        for path in folder.rglob('*.py')
        for name in re.findall(r'^ *def (\w+)', path.read_text(encoding='utf-8'), re.M)
    }


def _duties(text):
    """Return (section, the words around each MUST) for the sections that have any."""
    parts = re.split(r'^(\d+(?:\.\d+)?)\. .*\n[-=]+\n', text, flags=re.M)[1:]
    for section, body in zip(parts[::2], parts[1::2]):
        words = re.sub(r'\s+', ' ', body)
        # Not as far as the one before or behind it.
        found = re.split(r'\bMUST\b', words)
        duties = [
            '%sMUST%s' % (before[-60:], behind[:60]) for before, behind in zip(found, found[1:])
        ]
        if duties:
            yield section, duties


#: The server's time in the examples.
NOW = 1480000000000


def _listing(call):
    """Return how an example shows a call: text, and of what isn't text all bytes."""
    if 'command' in call:
        return _wrapped('    %s: ' % call['by'], call['command']) + _answer(call['answer'])
    lines = ['    %s: %s.lua\n' % (call['by'], call['script'])]
    for index, key in enumerate(call['keys']):
        lines.append('      %s%s\n' % ('      ' if index else 'KEYS  ', key))
    words = [value if isinstance(value, str) else 'the bytes' for value in call['argv']]
    lines.append(_wrapped('      ARGV  ', [
        "'%s'" % word if not word or ' ' in word and word != 'the bytes' else word for word in words
    ]))
    lines += [_dump(value) for value in call['argv'] if not isinstance(value, str)]
    return ''.join(lines) + _answer(call['answer'])


def _answer(answer):
    dumps = []

    def shown(value):
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            dumps.append(_dump(value))
            return 'the bytes'
        if isinstance(value, list):
            return '[%s]' % ', '.join(map(shown, value))
        return str(value) or "''"
    return '      -> %s\n' % shown(answer) + ''.join(dumps)


def _wrapped(start, words):
    lines = [start + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > 79:
            lines.append(' ' * 12 + word)
        else:
            lines[-1] += ' ' + word
    return '\n'.join(lines) + '\n'


def _dump(parts):
    data = b''.join(
        bytes.fromhex(part['hex']) if 'hex' in part else (NOW + part['ms']).to_bytes(8, 'big') for part in parts
    )
    lines = []
    for start in range(0, len(data), 16):
        row = data[start:start + 16]
        digits = '  '.join(row[at:at + 8].hex(' ') for at in range(0, len(row), 8))
        text = ''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in row)
        lines.append('      %04x  %-48s  |%s|\n' % (start, digits, text))
    return ''.join(lines)


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
