"""A small server that speaks the protocols of ListenBrainz and of Last.fm, and can fail in many ways."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from segue.scrobbling.lastfm import signature

TOKEN, SESSION, KEY, SECRET = "lb-token-of-ada", "sk-of-ada", "KEY", "SECRET"


class Answer(Exception):
    """An answer in place of the usual one."""

    def __init__(self, status: int, content: Any = None, **headers: str) -> None:
        self.status, self.content, self.headers = status, content, headers


class Service:
    """The server. It keeps the accepted listens, each once by its time and names."""

    def __init__(self) -> None:
        self.listens: dict[tuple[Any, ...], dict[str, Any]] = {}
        """ListenBrainz: by time, artist and track."""
        self.scrobbles: dict[tuple[str, ...], dict[str, str]] = {}
        """Last.fm: by time, artist and track."""
        self.now: list[str] = []
        """The tracks that play now, as the service was told."""
        self.requests: list[tuple[str, Any]] = []
        """Paths and contents of all requests."""
        self.faults: list[Answer] = []
        """Answers to the next requests, in place of the usual ones."""
        self.codes: dict[str, int] = {}
        """Last.fm: why a track is ignored."""
        self.invalid: set[str] = set()
        """Tracks that make the service refuse the whole request."""
        self.unsigned: set[str] = set()
        """Last.fm: tracks with which it computes another signature."""
        self.allowed = False
        """Last.fm: whether the listener has allowed the token."""
        self.tokens = {TOKEN}
        self.hang = threading.Event()
        """While it is set, the next request is answered only when it is cleared."""
        self.address = ""

    def taken(self) -> list[str]:
        """The tracks that it has, in the order of their times."""
        listens = [(at, track) for at, _, track in self.listens]
        scrobbles = [(int(at), track) for at, _, track in self.scrobbles]
        return [track for _, track in sorted(listens + scrobbles)]

    # ListenBrainz

    def validate(self, token: str) -> Any:
        valid = token in self.tokens
        return {"code": 200, "valid": valid, **({"user_name": "ada-lb"} if valid else {})}

    def submit(self, token: str, content: Any) -> Any:
        if token not in self.tokens:
            raise Answer(401, {"code": 401, "error": "Invalid authorization token."})
        kind, payload = content["listen_type"], content["payload"]
        if kind == "playing_now":
            [listen] = payload
            # The service refuses any other key, the time before all.
            assert listen.keys() == {"track_metadata"}
            _check_names(listen["track_metadata"])
            self.now.append(listen["track_metadata"]["track_name"])
            return {"status": "ok"}
        assert kind in ("single", "import")
        assert kind == "import" or len(payload) == 1
        for listen in payload:
            _check_listen(listen)
            if listen["track_metadata"]["track_name"] in self.invalid:
                raise Answer(400, {"code": 400, "error": "invalid listen"})
        for listen in payload:
            data = listen["track_metadata"]
            key = (listen["listened_at"], data["artist_name"], data["track_name"])
            self.listens[key] = listen
        return {"status": "ok"}

    # Last.fm

    def call(self, sent: dict[str, str]) -> Any:
        own = {name: value for name, value in sent.items() if name != "api_sig"}
        if sent.get("api_sig") != signature(own, SECRET) or self.unsigned & set(sent.values()):
            raise Answer(403, {"error": 13, "message": "Invalid method signature supplied"})
        assert all(sent.values()), "empty values are neither sent nor signed"
        match sent["method"]:
            case "auth.getToken":
                return {"token": "token-1"}
            case "auth.getSession":
                if not self.allowed:
                    raise Answer(403, {"error": 14, "message": "Unauthorized Token"})
                return {"session": {"name": "ada-fm", "key": SESSION, "subscriber": 0}}
        if sent["sk"] != SESSION:
            raise Answer(403, {"error": 9, "message": "Invalid session key"})
        if sent["method"] == "track.updateNowPlaying":
            assert not any("[" in name or name == "timestamp" for name in sent)
            self.now.append(sent["track"])
            ignored = {"code": "0", "#text": ""}
            return {"nowplaying": {"track": {"#text": sent["track"]}, "ignoredMessage": ignored}}
        assert sent["method"] == "track.scrobble"
        return self._scrobble(sent)

    def _scrobble(self, sent: dict[str, str]) -> Any:
        count = sum(name.startswith("track[") for name in sent)
        assert 1 <= count <= 50
        items, ignored = [], 0
        for place in range(count):
            track, artist, at = (sent[f"{name}[{place}]"] for name in ("track", "artist", "timestamp"))
            if track in self.invalid:
                raise Answer(400, {"error": 6, "message": "Invalid parameters"})
            code = self.codes.get(track, 0)
            ignored += code != 0
            if not code:
                self.scrobbles[(at, artist, track)] = sent
            items.append({"track": {"#text": track}, "ignoredMessage": {"code": str(code), "#text": ""}})
        counted = {"accepted": count - ignored, "ignored": ignored}
        return {"scrobbles": {"scrobble": items[0] if count == 1 else items, "@attr": counted}}


def _check_listen(listen: dict[str, Any]) -> None:
    assert type(listen["listened_at"]) is int
    assert 1_000_000_000 < listen["listened_at"] <= time.time() + 600
    _check_names(listen["track_metadata"])


def _check_names(data: dict[str, Any]) -> None:
    assert data["artist_name"]
    assert data["track_name"]
    info = data["additional_info"]
    assert all(isinstance(one, str) and len(one) == 36 for one in info.get("artist_mbids", ()))


@contextmanager
def serving() -> Iterator[Service]:  # noqa: C901 - a handler and its server
    """A service at an address of its own."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Token ")
            self._answer(lambda: service.validate(token))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.endswith("/1/submit-listens"):
                content = json.loads(body)
                token = self.headers.get("Authorization", "").removeprefix("Token ")
                self._answer(lambda: service.submit(token, content), content)
            else:
                sent = dict(parse_qsl(body.decode(), keep_blank_values=True))
                self._answer(lambda: service.call(sent), sent)

        def _answer(self, work: Callable[[], Any], content: Any = None) -> None:
            service.requests.append((self.path, content))
            try:
                if service.faults:
                    raise service.faults.pop(0)
                answer = Answer(200, work())
            except Answer as fault:
                answer = fault
            except (AssertionError, KeyError, ValueError) as error:
                answer = Answer(418, {"error": f"the request breaks the protocol: {error!r}"})
            if answer.status == 0:  # the connection breaks
                self.close_connection = True
                return
            text = answer.content if isinstance(answer.content, str) else json.dumps(answer.content)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
