"""The test vectors of the standards, which lie beside their documents."""
from __future__ import absolute_import, unicode_literals

import io
import json
import os

#: Where the vectors are. Whoever copies these tests elsewhere says so in CHANNELS_VECTORS.
FOLDER = os.path.abspath(os.environ.get('CHANNELS_VECTORS') or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'standards', 'vectors',
))


def vectors(name):
    """Return the content of docs/standards/vectors/`name`."""
    with io.open(os.path.join(FOLDER, name), encoding='utf-8') as file:
        return json.load(file)
