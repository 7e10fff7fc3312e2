"""Files that visitors choose on a page, which Streamlit keeps in memory: their size and number are limited.

Streamlit limits the size of each file only (`server.maxUploadSize` in conf/.streamlit/config.toml), and keeps
files until their page is closed, whether or not the page has asked for any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from segue.dashboard.retry_after import retry_after
from segue.dashboard.slow_bodies import patience
from segue.people.login_sessions import COOKIE, LoginSessions
from segue.people.newcomers import limited_network
from segue.playlists.m3u import LARGEST as LARGEST_PLAYLIST

_FOLDER = "/_stcore/upload_file/"
_OVERHEAD = 64 * 1024
"""Bytes of a body beside the file."""
RETRY_SECONDS = 60


@dataclass(frozen=True)
class Limits:
    """The most bytes and files at a time; sizes of bodies, which are a little larger than their files."""

    file: int
    page: int
    files: int
    """Of a page."""
    everyone: int
    """Of all visitors of this kind; one network has half of it at most, so that it leaves room for others."""

    @property
    def network(self) -> int:
        """Of the pages of a network."""
        return self.everyone // 2


GUESTS = Limits(LARGEST_PLAYLIST + _OVERHEAD, 2 * LARGEST_PLAYLIST + 2 * _OVERHEAD, 4, 64 << 20)
"""They can import playlists."""
ACCOUNTS = Limits((64 << 20) + _OVERHEAD, 256 << 20, 200, 768 << 20)
"""They can import their listening history, too."""


class _Owner(NamedTuple):
    """The owner of a page, to whom the limits apply."""

    guest: bool
    network: str
    """Of a visitor on this machine, the listener's id."""


_NOBODY = _Owner(False, "")


class Uploads:
    """ASGI middleware: refuses files beyond the limits before their bodies are read."""

    def __init__(
        self,
        app: ASGIApp,
        login_sessions: LoginSessions,
        *,
        guests: Limits = GUESTS,
        accounts: Limits = ACCOUNTS,
        held: Callable[[], Mapping[str, list[int]]] | None = None,
    ) -> None:
        """`held` gives the sizes of the files that are kept, by page; by default those of Streamlit."""
        self._app, self._login_sessions = app, login_sessions
        self._limits = {True: guests, False: accounts}
        self._held = held or _held
        self._owners: dict[str, _Owner] = {}
        """By page."""
        self._arriving: Counter[str] = Counter()
        """Bytes by page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not path.startswith(_FOLDER) or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        page = path.removeprefix(_FOLDER).partition("/")[0]
        refusal, size = await self._judged(Request(scope), page)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._arriving[page] += size
        try:
            await self._app(scope, _prompt(receive, size), send)
        finally:
            self._arriving[page] -= size
            if not self._arriving[page]:
                del self._arriving[page]

    async def _judged(self, request: Request, page: str) -> tuple[Response | None, int]:
        """The response that refuses a file, or None; and the size of its body."""
        listener = await run_in_threadpool(self._login_sessions.find, request.cookies.get(COOKIE))
        if listener is None:
            return PlainTextResponse("no session: reload the page", 401), 0
        guest = listener.name is None
        announced = request.headers.get("content-length", "")
        # A body in parts may be longer than announced: the server goes by the parts.
        parted = "transfer-encoding" in request.headers
        if parted or not (announced.isascii() and announced.isdigit() and len(announced) < 16):
            return PlainTextResponse("Content-Length is missing", 411), 0
        size, limits = int(announced), self._limits[guest]
        held = self._held()
        sizes = {name: sum(files) + self._arriving[name] for name, files in held.items()}
        sizes |= {name: arriving for name, arriving in self._arriving.items() if name not in sizes}
        address = request.client.host if request.client else ""
        owner = _Owner(guest, limited_network(address) or listener.user_id)
        self._owners = {name: own for name, own in self._owners.items() if name in sizes} | {page: owner}
        if size > limits.file or sizes.get(page, 0) + size > limits.page:
            return PlainTextResponse("the files are too large", 413), size
        if len(held.get(page, ())) >= limits.files:
            return PlainTextResponse("too many files at a time", 413), size
        return self._room(sizes, owner, size), size

    def _room(self, sizes: Mapping[str, int], owner: _Owner, size: int) -> Response | None:
        """The response that refuses a file for which its network, or everybody, has no room."""
        guest, limits = owner.guest, self._limits[owner.guest]
        owners = {name: self._owners.get(name, _NOBODY) for name in sizes}
        if sum(held for name, held in sizes.items() if owners[name] == owner) + size > limits.network:
            return _later("your network is sending many files: try again in a minute", 429)
        if sum(held for name, held in sizes.items() if owners[name].guest == guest) + size > limits.everyone:
            return _later("many people are sending files: try again in a minute", 503)
        return None


def _later(words: str, status: int) -> Response:
    return PlainTextResponse(words, status, retry_after(RETRY_SECONDS))


def _prompt(receive: Receive, size: int) -> Receive:
    """The messages of a body, as long as they come in time."""
    last = anyio.current_time() + patience(size)

    async def receiving() -> Message:
        try:
            with anyio.fail_after(last - anyio.current_time()):
                return await receive()
        except TimeoutError:
            raise HTTPException(408, "the body came too slowly") from None

    return receiving


def _held() -> dict[str, list[int]]:
    """The sizes of the files that Streamlit keeps, by page."""
    manager = Runtime.instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    return {
        page: [len(file.data) for file in list(files.values())]
        for page, files in list(manager.file_storage.items())
    }
