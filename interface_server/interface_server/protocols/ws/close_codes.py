"""
The codes that WebSockets are closed with (RFC 6455 section 7.4.1).

Those of the message standard are in `bridge`.
"""
from __future__ import annotations

PROTOCOL_ERROR = 1002
#: What stands for a close frame without a code; it is never on the wire.
NO_CODE = 1005
#: What a worker is told if no close frame came; it is never on the wire.
NO_CLOSE_FRAME = 1006
INVALID_DATA = 1007
TOO_BIG = 1009
#: What clients take for "come again" (registered after the RFC).
SERVICE_RESTART = 1012
