"""What every response and connection is held to: known host names, no foreign pages, security headers.

A page of another site can give its own host name the address of this machine (DNS rebinding); a browser then
takes this server for that site. Such a name is one of the public domain name system. So names outside of it
are accepted, and of the public names only those that the settings give.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Iterable
from functools import cache
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.settings import DashboardSettings

_PORTS = {"http": 80, "https": 443}
log = logging.getLogger(__name__)
_PRIVATE_ENDINGS = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
"""Endings of names that the public domain name system does not have (RFC 6761, 6762, 8375)."""
_HEALTH = "/_stcore/health"
_CLOSED = frozenset({"/_stcore/metrics"})
"""Streamlit's figures about its sessions: Segue's own are served on the loopback address."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Streamlit's pages need inline scripts and styles; nothing is loaded from other sites.
    "Content-Security-Policy": (
        "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; base-uri 'self'; "
        "object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}
"""A response that has one of these keeps its own."""
_OF_APPS = ("/rest/", "/1/")
"""Music apps and programs that submit listens, also those that are pages of other sites: each request has its
own credentials."""


class Protected:
    """ASGI middleware: refuses unknown hosts and the connections of foreign pages, and sets the headers."""

    def __init__(self, app: ASGIApp, settings: DashboardSettings) -> None:
        self._app, self._settings = app, settings
        self._named: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, _with_headers(scope, send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), str(scope["path"])
        host = headers.get("host", "")
        if path != _HEALTH and not path.startswith(_OF_APPS) and not is_known_host(host, self._settings):
            self._note(host)
            return PlainTextResponse(
                "Segue does not know this host name. Its operator can add it to the setting"
                " dashboard.allowed_hosts.",
                421,
            )
        if path in _CLOSED:
            return PlainTextResponse("there is no such page", 404)
        if scope["type"] == "websocket":
            # Streamlit would ask an outside server for this machine's address.
            origin = headers.get("origin")
            if origin is not None and not is_same_site(origin, host, self._settings.base_url):
                return PlainTextResponse("only Segue's own pages may connect", 403)
        return None

    def _note(self, host: str) -> None:
        if host not in self._named and len(self._named) < 20:  # a scanner sends many
            self._named.add(host)
            log.warning(
                "refused a request to the host %.100r: to serve it, set dashboard.base_url or"
                " dashboard.allowed_hosts",
                host,
            )


def _with_headers(scope: Scope, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send if str(scope["path"]).startswith(_OF_APPS) else sending


def is_known_host(header: str, settings: DashboardSettings) -> bool:
    """Whether requests to a host are for this service.

    Parameters
    ----------
    header
        The request's Host: a name or an address, perhaps with a port. Browsers always send it.
    """
    if not header:
        return True
    try:
        name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:  # half an IPv6 address
        return False
    if _is_address(name) or name.endswith(_PRIVATE_ENDINGS) or (name and "." not in name):
        return True
    return any(_fits(name, wanted) for wanted in _public_names(settings.base_url, settings.allowed_hosts))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@cache
def _public_names(base_url: str, allowed: Iterable[str]) -> tuple[str, ...]:
    own = (urlsplit(base_url).hostname or "", socket.gethostname(), *allowed)
    return tuple(name.lower().rstrip(".") for name in own if name)


def _fits(name: str, wanted: str) -> bool:
    """Whether a name is the wanted one, or below it if that begins with `*.`."""
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def is_same_site(origin: str, host: str, base_url: str) -> bool:
    """Whether an origin is that of the request's host, or of the address that the setting gives.

    Case and default ports do not matter: some proxies add or remove them.
    """
    try:
        asking = urlsplit(origin)
        own = [urlsplit(f"{asking.scheme}://{host}")] + ([urlsplit(base_url)] if base_url else [])
        return asking.scheme in _PORTS and _place(asking) in map(_place, own)
    except ValueError:  # a port that is no number, or half an IPv6 address
        return False


def _place(address: SplitResult) -> tuple[str | None, int | None]:
    return address.hostname, address.port or _PORTS.get(address.scheme)
