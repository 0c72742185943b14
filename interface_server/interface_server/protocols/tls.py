"""
TLS with modern defaults: what Mozilla calls "intermediate".
"""
from __future__ import annotations

import calendar
import re
import ssl
import time
from typing import Optional

from ..errors import UsageError
from ..options import Options

#: For TLS 1.2; TLS 1.3 has none that are weak.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!MD5:!DSS"
PROTOCOLS = ["h2", "http/1.1"]

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
#: UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5), twice.
_VALIDITY = re.compile(rb"(?:\x17\r[0-9]{12}Z|\x18\x0f[0-9]{14}Z)(?:\x17\r|\x18\x0f)([0-9]{12,14}Z)")


class Certificate:
    """
    The certificate and key in use, which can be replaced.

    Raise UsageError if those that `options` name can't be loaded.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        #: What new connections are made with.
        self.context = make_context(options)
        #: When it ends, in seconds since the epoch, if the file tells.
        self.ends = _end_of(options)
        #: How many certificates there are: its own, and those of its issuers.
        self.length = len(_certificates(options))
        #: Why the last reload failed.
        self.failure: Optional[str] = None

    def reload(self) -> None:
        """
        Load the files again, for connections that come later.

        Raise UsageError, and go on with what there was, if they can't be
        used. They are tried on a context of their own: OpenSSL takes a
        certificate before it finds that the key isn't its own, and one that
        has ended it takes, too.
        """
        try:
            context, ends = make_context(self._options), _end_of(self._options)
            length = len(_certificates(self._options))
            now = time.time()
            if ends is not None and ends <= now < (self.ends or 0):
                day = time.strftime("%Y-%m-%d", time.gmtime(ends))
                raise UsageError(
                    f"The certificate {self._options.certificate} ended on {day}, and the one in use is still valid."
                )
        except UsageError as error:
            self.failure = str(error)
            raise
        self.context, self.ends, self.length, self.failure = context, ends, length, None

    @property
    def days_left(self) -> Optional[float]:
        """The days until the certificate ends, below 0 after it has."""
        return None if self.ends is None else (self.ends - time.time()) / 86400


def make_context(options: Options) -> ssl.SSLContext:
    """Return the context that `options` describe; raise UsageError."""
    if options.certificate is None:
        raise UsageError("TLS needs a certificate.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if hasattr(ssl, "OP_NO_RENEGOTIATION"):
        context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(PROTOCOLS)
    try:
        context.load_cert_chain(options.certificate, options.private_key, _no_password)
    except ssl.SSLError as error:
        raise UsageError(
            f"The certificate {options.certificate} and its key can't be loaded: {error}. Both must be PEM files, "
            "and the key that of the certificate."
        ) from error
    except OSError as error:
        raise UsageError(
            f"The certificate can't be loaded: {_unreadable(options) or options.certificate} can't be read: "
            f"{error.strerror}."
        ) from error
    return context


def _unreadable(options: Options) -> Optional[str]:
    """Return which of the two files can't be opened: the library doesn't say."""
    for name in filter(None, (options.certificate, options.private_key)):
        try:
            open(name, "rb").close()
        except OSError:
            return name
    return None


def _no_password() -> str:
    # The library would ask the terminal, and everybody would wait for that.
    raise UsageError("The key of the certificate needs a password: a server can only use one that doesn't.")


def _certificates(options: Options) -> list[str]:
    """Return the certificates of the file, the first one its own; none if it was replaced meanwhile."""
    try:
        with open(str(options.certificate), encoding="latin-1") as file:
            return _CERTIFICATE.findall(file.read())
    except OSError:
        return []


def _end_of(options: Options) -> Optional[float]:
    """Return when the first certificate of the file ends, or None if that can't be told."""
    # The standard library tells about peers' certificates, not about one's
    # own. The two times in a row are in no other place of one.
    try:
        found = _certificates(options)
        validity = found and _VALIDITY.search(ssl.PEM_cert_to_DER_cert(found[0]))
        if not validity:
            return None
        end = validity.group(1).decode("ascii")
        if len(end) == 13:
            # RFC 5280 section 4.1.2.5.1.
            end = ("19" if end >= "50" else "20") + end
        return calendar.timegm(time.strptime(end, "%Y%m%d%H%M%SZ"))
    except ValueError:
        # It has a date that is none; it was loaded.
        return None
