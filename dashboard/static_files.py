"""Streamlit's scripts and styles, compressed: it sends them as they are, 2.5 MB for the first page.

Their names contain a hash of their contents, so that a browser keeps them for good. A file that is not there
is a 404: Streamlit would answer with the first page, which a browser would take for a script.
"""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_FOLDER = "/static/"
_COMPRESSED = frozenset({".js", ".css", ".svg", ".json", ".ttf", ".wasm"})
_HEADERS = {"Cache-Control": "public, immutable, max-age=31536000", "Vary": "Accept-Encoding"}
_MOST_KEPT = 512
"""Files; Streamlit has fewer, which take 6 MB when compressed."""


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
