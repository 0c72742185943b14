"""
Encryption of message bodies: AES-256-GCM, with several keys at a time.

Bytes of an encrypted body: key's name (4), nonce (12), ciphertext with its
tag (16 more than the text). The first key encrypts; each of them decrypts.
"""
from __future__ import absolute_import, unicode_literals

import hashlib
import os

from ...compat import six
from ...exceptions import MalformedMessage

#: Bytes by which an encrypted body is longer.
OVERHEAD = 32


def _digest(*parts):
    return hashlib.sha256(b'\0'.join(parts)).digest()


class Cipher(object):
    """
    Encrypts with the first of `keys` (text or bytes of any length).

    `context` (text) is authenticated too: what was encrypted for one prefix
    isn't accepted under another.
    """

    def __init__(self, keys, context):
        if not isinstance(keys, (list, tuple)) or not keys:
            # A set would have another first key in each process.
            raise ValueError('symmetric_encryption_keys must be a list of at least one key.')
        if not all(isinstance(key, (six.text_type, bytes)) and key for key in keys):
            # An empty one, as of a variable that isn't set, anybody knows.
            raise ValueError('Each of symmetric_encryption_keys must be text or bytes, and not empty.')
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            six.raise_from(ImportError(
                'symmetric_encryption_keys needs the package cryptography. Install it with: pip install cryptography'
            ), error)
        self._context = context.encode('utf-8')
        self._refusal = InvalidTag
        self._ciphers = {}
        self._first = None
        for key in keys:
            key = key.encode('utf-8') if isinstance(key, six.text_type) else key
            key = _digest(b'django.channels transport 1', key)
            name = _digest(b'name', key)[:4]
            self._ciphers[name] = AESGCM(key)
            self._first = self._first or name

    def encrypt(self, data, context=b''):
        """Return `data` (bytes) encrypted; `context` must be known to decrypt."""
        nonce = os.urandom(12)
        sealed = self._ciphers[self._first].encrypt(nonce, data, self._context + context)
        return self._first + nonce + sealed

    def decrypt(self, data, context=b''):
        """Return what encrypt() was given; raise MalformedMessage."""
        cipher = self._ciphers.get(bytes(data[:4]))
        if cipher is None:
            raise MalformedMessage('A message was encrypted with a key that is not among symmetric_encryption_keys.')
        try:
            return cipher.decrypt(bytes(data[4:16]), bytes(data[16:]), self._context + context)
        except (self._refusal, ValueError) as error:
            six.raise_from(MalformedMessage('An encrypted message was changed on its way.'), error)
