"""The test vectors of the standards, which lie beside their documents."""
from __future__ import absolute_import, unicode_literals

import io
import json
import os


def vectors(name):
    """
    Return the content of docs/standards/vectors/`name`.

    Whoever copies these tests elsewhere says in CHANNELS_VECTORS where the
    vectors are.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    folder = os.environ.get('CHANNELS_VECTORS') or os.path.join(here, '..', '..', 'docs', 'standards', 'vectors')
    with io.open(os.path.join(folder, name), encoding='utf-8') as file:
        return json.load(file)
