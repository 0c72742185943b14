"""A certificate for localhost, made for a test."""
import os
import subprocess

from needs import program


def make(folder):
    """Return the paths of a certificate for localhost and of its key."""
    paths = os.path.join(folder, 'certificate.pem'), os.path.join(folder, 'key.pem')
    subprocess.run(
        [program('openssl', 'openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
         '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', paths[0], '-keyout', paths[1]],
        check=True, stderr=subprocess.DEVNULL,
    )
    return paths
