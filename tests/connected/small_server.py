"""A small server of OpenSubsonic for the tests, with faults of real ones, and hostile answers on request."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from segue.connected.client import LogIn

USER, PASSWORD = "ada", "pässwörd"
Parameters = dict[str, list[str]]
Answer = Callable[[BaseHTTPRequestHandler], None]


def song(number: int, **changes: Any) -> dict[str, Any]:
    """A song as servers describe it."""
    album = number // 10
    return {
        "id": f"song-{number}",
        "isDir": False,
        "title": f"Title {number}",
        "artist": f"Artist {album}",
        "album": f"Album {album}",
        "albumId": f"album-{album}",
        "path": f"Artist {album}/Album {album}/{number:03} Title {number}.flac",
        "suffix": "flac",
        "contentType": "audio/flac",
        "duration": 200 + number,
        "size": 4_000_000 + number,
        "bitRate": 8 * (4_000_000 + number) // (1000 * (200 + number)),
        "track": number % 10 + 1,
        "genre": "Folk",
        **changes,
    }


class Refused(Exception):
    """An error of the protocol, by its code."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class SmallServer:
    """Songs, playlists, the current songs, and the faults of the server."""

    songs: dict[str, dict[str, Any]] = field(default_factory=dict)
    sounds: dict[str, bytes] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    playing: list[dict[str, Any]] = field(default_factory=list)
    recent: list[dict[str, Any]] = field(default_factory=list)
    """The albums that were played last."""
    starred: list[dict[str, Any]] = field(default_factory=list)
    """The starred songs of the account."""
    lyrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The lyrics of songs, as the protocol has them."""
    keys: dict[str, str] = field(default_factory=dict)
    """API keys, and the names of their accounts."""
    mark: str | None = None
    """When the server last scanned; None: it has no `getScanStatus`."""
    searches: bool = True
    """Whether a search for nothing lists all songs."""
    forms: bool = True
    """Whether it reads forms."""
    longest_address: int = 1 << 20
    adds: bool = False
    """Whether it adds songs to a playlist instead of replacing them."""
    instead: dict[str, Answer] = field(default_factory=dict)
    """Answers of endpoints in place of the usual ones."""
    calls: list[str] = field(default_factory=list)
    """The endpoints that were called."""
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fill(self, *songs: Mapping[str, Any]) -> None:
        """Have these songs and no others."""
        self.songs = {one["id"]: dict(one) for one in songs}

    def answer(self, endpoint: str, given: Parameters) -> dict[str, Any]:
        """The content of a successful answer."""
        found: dict[str, Any] = getattr(self, f"_{endpoint}")(given)
        return found

    def _ping(self, given: Parameters) -> dict[str, Any]:
        return {}

    def _getScanStatus(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        return {"scanStatus": {"scanning": False, "count": len(self.songs), "lastScan": self.mark}}

    def _search3(self, given: Parameters) -> dict[str, Any]:
        first, number = int(given["songOffset"][0]), int(given["songCount"][0])
        page = list(self.songs.values())[first : first + number] if self.searches else []
        return {"searchResult3": {"song": page} if page else {}}

    def _getAlbumList2(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        if given["type"] == ["recent"]:
            return {"albumList2": {"album": self.recent}}
        albums = list(dict.fromkeys(one["albumId"] for one in self.songs.values() if "albumId" in one))
        first, number = int(given["offset"][0]), int(given["size"][0])
        page = [{"id": own, "name": own} for own in albums[first : first + number]]
        return {"albumList2": {"album": page} if page else {}}

    def _getAlbum(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        own = given["id"][0]
        songs = [one for one in self.songs.values() if one.get("albumId") == own]
        return {"album": {"id": own, "song": songs[0] if len(songs) == 1 else songs}}

    def _getSong(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        return {"song": self.songs[given["id"][0]]}

    def _getStarred2(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        return {"starred2": {"song": self.starred} if self.starred else {}}

    def _getLyricsBySongId(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        found = self.lyrics.get(self.songs[given["id"][0]]["id"], [])
        return {"lyricsList": {"structuredLyrics": found} if found else {}}

    def _tokenInfo(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        return {"tokenInfo": {"username": self.keys[given["apiKey"][0]]}}

    def _getUser(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        own = self.keys.get(given.get("apiKey", [""])[0], USER)
        if given["username"][0].casefold() != own.casefold():
            raise Refused(50)
        return {"user": {"username": own}}

    def _getNowPlaying(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        return {"nowPlaying": {"entry": self.playing} if self.playing else {}}

    def _getPlaylists(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        shown = [
            {name: value for name, value in one.items() if name != "songs"} for one in self.playlists.values()
        ]
        return {"playlists": {"playlist": shown} if shown else {}}

    def _getPlaylist(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        one = self.playlists[given["id"][0]]
        return {"playlist": {**one, "entry": [{"id": own} for own in one["songs"]]}}

    def _createPlaylist(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        own = given.get("playlistId", [f"list-{len(self.playlists)}"])[0]
        if "playlistId" in given:
            one = self.playlists[own]
        else:
            one = {"id": own, "name": given["name"][0], "owner": USER, "comment": "", "songs": []}
        one["songs"] = [*(one["songs"] if self.adds else []), *given.get("songId", [])]
        self.playlists[own] = one
        return {}

    def _updatePlaylist(self, given: Parameters) -> dict[str, Any]:  # noqa: N802
        one = self.playlists[given["playlistId"][0]]
        gone = {int(place) for place in given.get("songIndexToRemove", [])}
        one["songs"] = [own for place, own in enumerate(one["songs"]) if place not in gone]
        one["songs"] += given.get("songIdToAdd", [])
        one["comment"] = given.get("comment", [one["comment"]])[0]
        return {}


def status(code: int, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """An answer with a status of HTTP."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def as_json(content: object, *, code: int = 200) -> Answer:
    """An answer in JSON."""
    return status(code, headers={"Content-Type": "application/json"}, body=json.dumps(content).encode())


def failed(code: int, message: str = "no") -> Answer:
    """An error of the protocol, with status 200."""
    return as_json({"subsonic-response": {"status": "failed", "error": {"code": code, "message": message}}})


def first_then(number: int, first: Answer, then: Answer | None = None) -> Answer:
    """An answer for the first calls of an endpoint; afterwards another one, or the usual one."""
    left = [number]

    def answer(request: BaseHTTPRequestHandler) -> None:
        left[0] -= 1
        chosen = first if left[0] >= 0 else then
        chosen(request) if chosen else request.usual()  # type: ignore[attr-defined]

    return answer


class _Handler(BaseHTTPRequestHandler):
    small: SmallServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Each answer would wait for an acknowledgement of its headers, 0.04 s."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.given = parse_qs(parts.query)
        if self.small.forms:
            self.given |= parse_qs(body)
        endpoint = parts.path.rpartition("/")[2].removesuffix(".view")
        self.small.calls.append(endpoint)
        self.endpoint = endpoint
        if len(self.path) > self.small.longest_address:
            status(414)(self)
        elif endpoint in self.small.instead:
            self.small.instead[endpoint](self)
        else:
            self.usual()

    def usual(self) -> None:
        """The answer of a well-behaved server."""
        if (fault := self._refused()) is not None:
            return failed(fault)(self)
        if self.endpoint in ("download", "stream"):
            return self._send_sound()
        try:
            content = self.small.answer(self.endpoint, self.given)
        except KeyError:
            return failed(70, "there is no such thing")(self)
        except Refused as error:
            return failed(error.code)(self)
        except AttributeError:
            return status(404)(self)
        return as_json({"subsonic-response": {"status": "ok", "version": "1.16.1", **content}})(self)

    def _refused(self) -> int | None:
        """The error of a log-in; None for one that is right."""
        if key := self.given.get("apiKey", [""])[0]:
            return None if key in self.small.keys else 44
        if self.given.get("u") != [USER]:
            return 10
        salt = self.given.get("s", [""])[0]
        by_password = LogIn(user=USER, secret=PASSWORD, method="password").parameters()["p"]
        right = self.given.get("t") == [_token(PASSWORD, salt)] or self.given.get("p") == [by_password]
        return None if right else 40

    def _send_sound(self) -> None:
        data = self.small.sounds.get(self.given["id"][0])
        if data is None:
            return failed(70)(self)
        asked = self.headers.get("Range")
        usual = {"Content-Type": "audio/flac", "Accept-Ranges": "bytes"}
        if not asked:
            return status(200, headers=usual, body=data)(self)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(data)), len(data) - 1)
        if begin >= len(data):
            return status(416, headers={**usual, "Content-Range": f"bytes */{len(data)}"})(self)
        ranged = {**usual, "Content-Range": f"bytes {begin}-{end}/{len(data)}"}
        return status(206, headers=ranged, body=data[begin : end + 1])(self)


def _token(password: str, salt: str) -> str:
    return hashlib.md5((password + salt).encode(), usedforsecurity=False).hexdigest()


@contextmanager
def serving(small: SmallServer) -> Iterator[SmallServer]:
    """Within it, the server answers; it has the same port again afterwards."""
    handler = type("Handler", (_Handler,), {"small": small})
    server = ThreadingHTTPServer(("127.0.0.1", small.port), handler)
    server.daemon_threads = True
    small.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield small
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
