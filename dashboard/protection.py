"""Rules for every response and connection: known host names, no foreign pages, security headers.

A page of another site can give its own host name the address of this machine (DNS rebinding); a browser then
takes this server for that site. Such a name is one of the public domain name system. So names outside of it
are accepted, and of the public names only those that the settings give.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import socket
from collections.abc import Iterable
from functools import cache, lru_cache
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard import streamlit_page
from segue.dashboard.paths import Callers, callers_of
from segue.operations import hosts
from segue.settings import DashboardSettings

_PORTS = {"http": 80, "https": 443}
log = logging.getLogger(__name__)
_HEALTH = "/_stcore/health"
_CLOSED = re.compile(r"/_stcore/(metrics|script-health-check|agent/.*)", re.DOTALL)
"""Streamlit's figures about its sessions, for which Segue has its own on the loopback address, and its
interfaces for programs, which would go past the limits of pages (:mod:`segue.dashboard.page_messages`)."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""A response that has one of these, or a Content-Security-Policy, keeps its own."""
OF_PARTS = {"X-Content-Type-Options": "nosniff"}
"""For Streamlit's scripts, styles and fonts, 90 of them at a first visit: their page has the other rules."""
_PART_OF_PAGE = re.compile(r"/static/.*\.(?:js|css|woff2)")
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    # Streamlit runs the scripts of components from blobs, and has WebAssembly. Styles may be inline: it makes
    # them while it draws.
    "script-src 'self' blob: 'wasm-unsafe-eval' {inline}; worker-src 'self' blob:; "
    "connect-src 'self' blob: data:{sockets}; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; frame-src 'self'; "
    "base-uri 'self'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PLACE = re.compile(r"[A-Za-z0-9.:\[\]-]{1,270}")
"""A host name or an address, perhaps with a port: nothing that could end a part of the policy."""


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
            await self._app(scope, receive, self._with_headers(scope, send))
        elif scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, self._with_headers(scope, send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), str(scope["path"])
        host = headers.get("host", "")
        if path != _HEALTH and not _is_of_programs(path) and not is_known_host(host, self._settings):
            self._note(host)
            return PlainTextResponse(
                "Segue does not know this host name. Its operator can add it to the setting"
                " dashboard.allowed_hosts.",
                421,
            )
        if _CLOSED.fullmatch(path):
            return PlainTextResponse("there is no such page", 404)
        if scope["type"] == "websocket":
            # Streamlit would ask an outside server for this machine's address.
            origin = headers.get("origin")
            if origin is not None and not is_same_site(origin, host, self._settings.base_url):
                return PlainTextResponse("only Segue's own pages may connect", 403)
        return None

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in self._headers(scope).items():
                    headers.setdefault(name, value)
            await send(message)

        return send if _is_of_programs(str(scope["path"])) else sending

    def _headers(self, scope: Scope) -> dict[str, str]:
        if _PART_OF_PAGE.fullmatch(scope["path"]):
            return OF_PARTS
        policy = content_policy(Headers(scope=scope).get("host", ""), self._settings.base_url)
        return {**HEADERS, "Content-Security-Policy": policy}

    def _note(self, host: str) -> None:
        if host not in self._named and len(self._named) < 20:  # a scanner sends many
            self._named.add(host)
            log.warning(
                "refused a request to the host %.100r: to serve it, set dashboard.base_url or"
                " dashboard.allowed_hosts",
                host,
            )


def _is_of_programs(path: str) -> bool:
    """Whether a path is for programs other than Segue's pages.

    Pages of other sites may call it, too: each request has its own credentials.
    """
    return callers_of(path) is not Callers.BROWSERS


@lru_cache(maxsize=256)
def content_policy(host: str, base_url: str) -> str:
    """The scripts and contents that a page may load, for requests to a host.

    Some browsers do not count a WebSocket of the same host to `'self'`, so that it is named.
    """
    places = [place for place in (host, urlsplit(base_url).netloc) if _PLACE.fullmatch(place)]
    sockets = "".join(f" ws://{place} wss://{place}" for place in dict.fromkeys(places))
    return _POLICY.format(inline=" ".join(_inline_scripts()), sockets=sockets)


@cache
def _inline_scripts() -> tuple[str, ...]:
    """The digests of the scripts in the HTML page: no others in a page run."""
    scripts = re.findall(r"<script>(.*?)</script>", streamlit_page.page(), re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    return tuple(f"'sha256-{digest}'" for digest in digests)


def is_known_host(header: str, settings: DashboardSettings) -> bool:
    """Whether requests to a host are for this service.

    Parameters
    ----------
    header
        The request's Host: a name or an address, perhaps with a port. Browsers always send it.
    """
    if not header:
        return True
    name = hosts.name_of(header)
    if name is None:
        return False
    return hosts.is_private(name) or any(
        _fits(name, wanted) for wanted in _public_names(settings.base_url, settings.allowed_hosts)
    )


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
    except ValueError:  # a port that is not a number, or half an IPv6 address
        return False


def _place(address: SplitResult) -> tuple[str | None, int | None]:
    return address.hostname, address.port or _PORTS.get(address.scheme)
