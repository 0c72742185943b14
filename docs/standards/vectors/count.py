"""
Print how many test vectors there are for each section of the standards.

    python docs/standards/vectors/count.py
"""
from __future__ import print_function, unicode_literals

import io
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))

#: File -> its lists -> the section that they belong to.
SECTIONS = {
    'json.json': {
        'encodings': 'messages 2.1, 2.3; transport 5.2', 'read_only': 'transport 5.2',
        'malformed_json': 'messages 2.3', 'malformed_msgpack': 'transport 5.2',
    },
    'messages.json': {
        'vectors': 'messages 5 to 7', 'sockets': 'messages 6.5', 'responses': 'messages 5.3',
        'channel_names': 'messages 3', 'group_names': 'messages 3', 'paths': 'messages 5.1',
        'absolute_targets': 'messages 5.1', 'request_headers': 'messages 5.1',
    },
    'transport.json': {
        'placement': 'transport 3, 12', 'jobs': 'transport 17.2', 'keys': 'transport 4', 'entries': 'transport 5',
        'malformed_entries': 'transport 5.4', 'unsupported_entries': 'transport 5.4', 'groups': 'transport 9.3',
        'expiry': 'transport 5.4, 8.3', 'encryption': 'transport 11.1, 11.3',
        'encrypted_entries': 'transport 11',
        'confirmations': 'transport 17.6', 'scripts': 'transport 14',
    },
    'scripts.json': {'calls': 'transport 14'},
    'exchanges.json': {'entries': 'transport 16', 'job': 'transport 16.5', 'confirmation': 'transport 16.6'},
}


def counts():
    """Yield (section, file, list, number of vectors)."""
    for name, lists in sorted(SECTIONS.items()):
        with io.open(os.path.join(HERE, name), encoding='utf-8') as file:
            content = json.load(file)
        for key in content:
            if key == 'version':
                continue
            found = content[key]
            if isinstance(found, dict):
                # A list with what all its items share beside it.
                found = found.get('vectors', found)
            yield lists[key], name, key, len(found)


def main():
    total = 0
    for section, name, key, number in sorted(counts()):
        print('%-34s %5d  %s, %s' % (section, number, name, key))
        total += number
    print('%-34s %5d' % ('all', total))


if __name__ == '__main__':
    main()
