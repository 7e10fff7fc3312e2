"""Streamlit's scripts and styles, compressed: it sends them as they are, 2.5 MB for the first page.

Their names contain a hash of their contents, so that a browser keeps them for good. A file that is not there
is a 404: Streamlit would answer with the first page, which a browser would take for a script.

In place of two of Streamlit's fonts, 545 kB that are loaded before a page is drawn, a browser gets parts of
43 kB: the symbols that pages show, and Latin letters. Their addresses stay the same when the parts change, so
that the browser asks at each visit whether its copies are the newest. For other letters, the page names the
whole font by :func:`whole` (:mod:`segue.dashboard.streamlit_page`).
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from functools import cache, lru_cache
from pathlib import Path

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_FOLDER = "/static/"
_COMPRESSED = frozenset({".js", ".css", ".svg", ".json", ".ttf", ".wasm"})
_HEADERS = {"Cache-Control": "public, immutable, max-age=31536000", "Vary": "Accept-Encoding"}
_MOST_KEPT = 512
"""Files; Streamlit has fewer, which take 6 MB when compressed."""
FONTS = Path(__file__).with_name("fonts")
"""Written by `.ci/fonts`: of Material Symbols Rounded by Google, under the Apache License 2.0, and of Source
Sans by Adobe, under the SIL Open Font License 1.1."""
PARTS = {
    "MaterialSymbols-Rounded": FONTS / "symbols.woff2",
    "SourceSansVF-Upright": FONTS / "latin.woff2",
}
"""By the first part of the name of Streamlit's file."""
_FONT = re.compile(r"/static/media/([\w-]+)\.[\w.-]+\.woff2")
_WHOLE = b"whole"


class StaticFiles:
    """ASGI middleware for `/static/`.

    Parameters
    ----------
    root
        The folder with the folder `static`.
    """

    def __init__(self, app: ASGIApp, root: Path) -> None:
        self._app, self._root = app, root.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(_FOLDER) or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        file = await run_in_threadpool(self._file, path)
        if file is None:
            gone = PlainTextResponse("there is no such file", 404, headers={"Cache-Control": "no-store"})
            await gone(scope, receive, send)
            return
        if (part := _part(path)) and scope["query_string"] != _WHOLE:
            await _answer(part, Headers(scope=scope).get("if-none-match", ""))(scope, receive, send)
            return
        if file.suffix not in _COMPRESSED or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        body = await run_in_threadpool(_gzipped, file)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {**_HEADERS, "Content-Encoding": "gzip", "Content-Length": str(len(body))}
        answer = Response(b"" if scope["method"] == "HEAD" else body, media_type=kind, headers=headers)
        await answer(scope, receive, send)

    def _file(self, path: str) -> Path | None:
        try:
            found = (self._root / path.lstrip("/")).resolve()
            return found if found.is_relative_to(self._root) and found.is_file() else None
        except (OSError, ValueError):  # a name that is too long or has a null byte
            return None


@lru_cache(maxsize=_MOST_KEPT)
def _gzipped(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), mtime=0)


def whole(font: str) -> str:
    """The address of a whole font, by the first part of the name of Streamlit's file."""
    [file] = (Path(streamlit.__file__).parent / "static/static/media").glob(f"{font}.*.woff2")
    return f"/static/media/{file.name}?{_WHOLE.decode()}"


def _part(path: str) -> Path | None:
    found = _FONT.fullmatch(path)
    return PARTS.get(found[1]) if found else None


def _answer(part: Path, known: str) -> Response:
    """A part of a font; nothing if the browser's copy, with the tag `known`, is the newest."""
    font, tag = _read(part)
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(font, media_type="font/woff2", headers=headers)


@cache
def _read(part: Path) -> tuple[bytes, str]:
    """A font and its tag."""
    font = part.read_bytes()
    return font, f'"{hashlib.sha256(font).hexdigest()[:16]}"'
