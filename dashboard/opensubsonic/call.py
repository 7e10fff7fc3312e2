"""A call of an endpoint, and the type of endpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from segue.dashboard.opensubsonic.credentials import Caller
from segue.dashboard.opensubsonic.parameters import Parameters
from segue.dashboard.opensubsonic.server import Server


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call by a caller who is known."""

    server: Server
    caller: Caller
    parameters: Parameters
    request: Request
    operator: bool
    """Whether the caller is an operator of the service."""

    @property
    def user_id(self) -> str:
        """The listener's id."""
        return self.caller.user_id


Content = Mapping[str, Any]
Endpoint = Callable[[Call], Content]
"""Returns the content of the answer. It runs in a thread."""
Sending = Callable[[Call], Awaitable[Response]]
"""Returns a response with a file."""
