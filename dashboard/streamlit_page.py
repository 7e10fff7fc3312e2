"""Streamlit's HTML page, in which a browser begins earlier with what Segue's pages need.

- The code that runs the player's parts is loaded with Streamlit's own, no longer after the first answer of
  the page's script.
- A browser that has been here opens the WebSocket at once. A new one first asks whether the server is there,
  as Streamlit does, which gives it the cookie that a log-in at a provider needs.
- The font of texts comes after the scripts. It has Latin letters; a text with others loads the whole font.
- Until the page is drawn, its tab has Segue's name and icon.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.static_files import whole

_STATIC = Path(streamlit.__file__).parent / "static"
_SCRIPTS = _STATIC / "static/js"
_NEEDED = ("BidiComponent", "Html")
"""Of Streamlit's elements: those of our components, and of our styles."""
_IMPORTED = re.compile(r"""(?:from|import)\s*[`"']\./([\w.-]+\.js)[`"']""")
_CONNECT = """if (document.cookie.includes("_streamlit_xsrf=")) window.__streamlit = {
  BACKEND_BASE_URL: location.origin,
  HOST_CONFIG: { allowedOrigins: [location.origin], useExternalAuthToken: false,
    enableCustomParentMessages: false, blockErrorDialogs: false }
};"""
"""What Streamlit's script otherwise learns from `/_stcore/host-config`, before it opens the WebSocket."""
_ICON = "data:image/svg+xml," + quote(Path(__file__).with_name("icon.svg").read_text())
_OTHER_LETTERS = (
    "U+180-52F, U+1D00-1FFF, U+2070-209F, U+20D0-2121, U+2123-218F, U+2200-2211, U+2213-22FF, U+FB00-FB06"
)
"""Those of Source Sans that its Latin part lacks, such as Greek and Cyrillic ones."""
_OF_STREAMLITS = (b"if-none-match", b"if-modified-since", b"accept-encoding")
"""Headers by which Streamlit would answer by the age of its own page, or compress it."""


def original() -> str:
    """Streamlit's page."""
    return (_STATIC / "index.html").read_text()


@cache
def page() -> str:
    """Our page: Streamlit's with the changes that the module names."""
    text = original()
    for pattern, new in (
        (r"<title>Streamlit</title>", "<title>Segue</title>"),
        (r'href="\./favicon\.png"', f'href="{_ICON}"'),
        (r'(<link\s+rel="preload")(\s[^>]*as="font")', r'\1 fetchpriority="low"\2'),
        (r"(?=<script>)", f"<script>{_CONNECT}</script>\n    "),
        (r"(?=</head>)", f"{_preloads(text)}<style>{_other_letters()}</style>\n  "),
    ):
        text = re.sub(pattern, new, text, count=1)
    return text


def _other_letters() -> str:
    """Must come after Streamlit's own rule, of which it takes these letters."""
    return (
        "@font-face { font-family: Source Sans; font-weight: 100 900; font-style: normal; "
        f"unicode-range: {_OTHER_LETTERS}; src: url({whole('SourceSansVF-Upright')}) format('woff2') }}"
    )


def _preloads(text: str) -> str:
    needed = {file.name for name in _NEEDED for file in _SCRIPTS.glob(f"{name}.*.js")}
    found = sorted(name for name in _with_imports(needed) if f"/{name}" not in text)
    return "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">\n    ' for name in found
    )


def _with_imports(names: set[str]) -> set[str]:
    """The names of scripts, and of all those that they import."""
    found, new = set[str](), names
    while new:
        found |= new
        new = {other for name in new for other in _imports(name)} - found
    return found


def _imports(name: str) -> Iterator[str]:
    yield from _IMPORTED.findall((_SCRIPTS / name).read_text())


class StreamlitPage:
    """ASGI middleware that sends :func:`page` in place of Streamlit's page, at whatever address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._original = original().encode()
        self._plain = page().encode()
        self._compressed = gzip.compress(self._plain, mtime=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope) if scope["type"] == "http" else {}
        if "text/html" not in asked.get("accept", ""):
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name not in _OF_STREAMLITS]
        compressed = "gzip" in asked.get("accept-encoding", "")
        started: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and self._may_be_it(message):
                started = message
                return
            if started is not None:
                if message.get("body") == self._original:
                    message = {**message, "body": self._compressed if compressed else self._plain}
                    _describe(started, length=len(message["body"]), compressed=compressed)
                await send(started)
                started = None
            await send(message)

        await self._app({**scope, "headers": headers}, receive, sending)

    def _may_be_it(self, start: Message) -> bool:
        headers = Headers(scope=start)
        return start["status"] == 200 and headers.get("content-length") == str(len(self._original))


def _describe(start: Message, *, length: int, compressed: bool) -> None:
    headers = MutableHeaders(scope=start)
    headers["content-length"] = str(length)
    headers.add_vary_header("Accept-Encoding")
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    if compressed:
        headers["content-encoding"] = "gzip"
