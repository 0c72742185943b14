"""
Errors: for operators who start a server, and for its clients.
"""
from __future__ import annotations

from collections.abc import Sequence


class UsageError(Exception):
    """Raised when what a server was asked to do can't be done."""


class Refused(Exception):
    """Raised when the server answers a request by itself, with an error."""

    def __init__(self, status: int, detail: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(detail)
        self.status = status
        #: What was wrong, for the client.
        self.detail = detail
        self.headers = list(headers)

    def bare(self) -> Refused:
        """Return it without the frames that it was raised in, which may refer to its keeper."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self
