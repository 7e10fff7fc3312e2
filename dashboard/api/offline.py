"""The player as an app: a manifest with icons, and a page that opens without a network.

`GET /service-worker.js` is a worker that keeps the page `GET /offline` in the browser. The page is one file
with its script and style, so that no part of it can be of another version, and it is the same for all
listeners. It finds the saved songs in the browser (`player/engine/saved_songs.js`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.language.spoken import language
from segue.dashboard.language.words import gettext
from segue.dashboard.player.components import BAR, bar_data
from segue.dashboard.player.modules import HERE, bundled
from segue.dashboard.player.texts import prefix
from segue.dashboard.services import Services

_ICONS = Path(__file__).parents[1] / "icons"
ICONS: Mapping[str, tuple[str, str]] = {
    "192.png": ("192x192", "any"),
    "512.png": ("512x512", "any"),
    "maskable.png": ("512x512", "maskable"),
}
"""Files of the manifest's icons with their sizes and purposes."""
_APPLE = "180.png"
_GROUND, _ACCENT = "#fbfaf8", "#0f766e"
_SCRIPTS = ("js/words.js", "engine/engine.js", *(f"js/{name}.js" for name in (*BAR, "saved", "offline")))
_STYLES = ("offline", "base", "bar", "collection", "saved")
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding, Accept-Language, Cookie",  # the cookie has the language
}
_WORKER_POLICY = "default-src 'none'; connect-src 'self'"


@dataclass(frozen=True)
class OfflinePage:
    """The page in one language."""

    html: bytes
    version: str
    """A digest of it."""
    policy: str
    """The Content-Security-Policy that lets its script run, and no other."""


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def page(request: Request) -> Response:
        found = offline_page(language())
        headers = {
            **_HEADERS,
            "ETag": f'"{found.version}"',
            "Content-Security-Policy": found.policy,
            "Referrer-Policy": "same-origin",
        }
        body = found.html
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = _gzipped(body), "gzip"
        return Response(body, media_type="text/html", headers=headers)

    async def worker(request: Request) -> Response:
        version = json.dumps(offline_page(language()).version)
        script = f"const VERSION = {version};\n" + (HERE / "offline/worker.js").read_text()
        headers = {**_HEADERS, "Content-Security-Policy": _WORKER_POLICY, "Service-Worker-Allowed": "/"}
        return Response(script, media_type="text/javascript", headers=headers)

    async def manifest(request: Request) -> Response:
        return JSONResponse(_manifest(), media_type="application/manifest+json", headers=_HEADERS)

    async def icon(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in (*ICONS, _APPLE):
            return Response(status_code=404)
        headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
        return FileResponse(_ICONS / name, media_type="image/png", headers=headers)

    return [
        Route("/offline", page, methods=["GET"]),
        Route("/service-worker.js", worker, methods=["GET"]),
        Route("/manifest.webmanifest", manifest, methods=["GET"]),
        Route("/icons/{name}", icon, methods=["GET"]),
    ]


@cache
def offline_page(code: str) -> OfflinePage:
    """The page in a language, which the present request must have, too."""
    data = bar_data("").model_dump(mode="json", exclude={"tag"})
    bundle = bundled(*_SCRIPTS)
    script = f"{prefix(code, bundle)}const BAR_DATA = {json.dumps(data)};\n{bundle}"
    # A script ends at this text, wherever it stands.
    script = script.replace("</script", r"<\/script")
    style = "\n".join((HERE / "css" / f"{name}.css").read_text() for name in _STYLES)
    html = (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">'
        f'<meta name="theme-color" content="{_ACCENT}"><link rel="manifest" href="/manifest.webmanifest">'
        f"<title>{escape(gettext('Saved songs'))} · Segue</title><style>{style}</style></head><body><main>"
        f'<h1>{escape(gettext("Saved songs"))}</h1><div class="notice"><p id="words" role="status"></p>'
        '<button type="button" id="retry"></button></div><div class="saved"></div></main>'
        '<div class="foot"><div id="segue-bar"></div></div>'
        f'<script type="module">{script}</script></body></html>'
    ).encode()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src 'self' blob:; "
        "media-src 'self' blob:; connect-src 'self' blob:; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return OfflinePage(html, hashlib.sha256(html + policy.encode()).hexdigest()[:16], policy)


@cache
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _manifest() -> dict[str, object]:
    return {
        "id": "/",
        "name": "Segue",
        "short_name": "Segue",
        "description": gettext("Music that follows you: skip, and the next songs change at once."),
        "lang": language(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": _GROUND,
        "theme_color": _ACCENT,
        "categories": ["music"],
        "icons": [
            {"src": f"/icons/{name}", "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, (sizes, purpose) in ICONS.items()
        ],
    }
