"""
TLS with modern defaults: what Mozilla calls "intermediate".
"""
from __future__ import annotations

import ssl

from ..errors import UsageError
from ..options import Options

#: For TLS 1.2; TLS 1.3 has none that are weak.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!MD5:!DSS"
PROTOCOLS = ["h2", "http/1.1"]


def make_context(options: Options) -> ssl.SSLContext:
    """Return the context that `options` describe; raise UsageError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if hasattr(ssl, "OP_NO_RENEGOTIATION"):
        context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(PROTOCOLS)
    load_certificate(context, options)
    return context


def load_certificate(context: ssl.SSLContext, options: Options) -> None:
    """
    Load the certificate and key, also into a context that is in use.

    Connections that come later get the new one. Raise UsageError.
    """
    if options.certificate is None:
        raise UsageError("TLS needs a certificate.")
    try:
        context.load_cert_chain(options.certificate, options.private_key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"The certificate {options.certificate} and its key can't be loaded: {error}. Both must be PEM files, "
            "and the key that of the certificate."
        ) from error
