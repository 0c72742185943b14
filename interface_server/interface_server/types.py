"""
The types that modules hand to each other.
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

#: A message of the standard.
Message = Mapping[str, Any]
#: One message, and the full names of the channels it came for.
Delivery = tuple[Sequence[str], Message]

# ASGI
Scope = MutableMapping[str, Any]
Event = Mapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Called with protocol, action and details, as daphne 1.4.2 does.
ActionLogger = Callable[[str, str, dict[str, Any]], None]
