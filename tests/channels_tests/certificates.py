"""
A certificate for localhost, made for a test.
"""
from __future__ import absolute_import

import os
import subprocess

from needs import program


def make(folder):
    """Return the paths of a new certificate for localhost and of its key."""
    paths = os.path.join(str(folder), 'certificate.pem'), os.path.join(str(folder), 'key.pem')
    with open(os.devnull, 'w') as nothing:
        subprocess.check_call([
            program('openssl', 'openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
            '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
            '-out', paths[0], '-keyout', paths[1],
        ], stderr=nothing)
    return paths
