"""Last.fm, and servers that speak its protocol (such as Libre.fm and GNU FM): the log-in, and scrobbles.

https://www.last.fm/api/webauth, https://www.last.fm/api/show/track.scrobble. A scrobble that is sent again
with the same time and names counts once there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from segue.asked_pause import asked_pause
from segue.errors import SegueError
from segue.phrases import marked
from segue.scrobbling.calling import Answer, Unanswered, call, text_of
from segue.scrobbling.heard import ScrobbledSong
from segue.scrobbling.outbox import Waiting
from segue.scrobbling.outcome import (
    AWAY,
    BUSY,
    CREDENTIALS,
    DAILY_LIMIT,
    NOT_TAKEN,
    SERVER_KEY,
    TOO_NEW,
    TOO_OLD,
    Outcome,
    refused_request,
)

MOST = 50
"""Scrobbles of a request."""
OLDEST_MS = 14 * 86_400_000
"""Older plays are answered as if they were taken, and thrown away: they are not sent."""
_TAKEN, _NO_MORE_TODAY = 0, 5
_IGNORED = {1: NOT_TAKEN, 2: NOT_TAKEN, 3: TOO_OLD, 4: TOO_NEW}
"""Why a scrobble was ignored. Any other reason is `NOT_TAKEN`, too."""
_NOT_ALLOWED, _NOT_ALLOWED_YET = 9, 14
_SESSION_ENDED = frozenset({4, _NOT_ALLOWED, _NOT_ALLOWED_YET, 17})
_SERVER_KEY = frozenset({10, 26})
_WAIT = frozenset({29})
_WRONG = frozenset({6, 7})
_SIGNATURE = 13


@dataclass(frozen=True, kw_only=True)
class Api:
    """A service, and the key with which this server calls it."""

    address: str
    page: str
    """Where a listener allows the connection."""
    key: str
    secret: str

    def allowing(self, token: str) -> str:
        """The address of the page on which a listener allows a token."""
        return f"{self.page}?{urlencode({'api_key': self.key, 'token': token})}"


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """The signature of a call: of the texts as they are, before they are encoded for an address."""
    signed = sorted((name, value) for name, value in parameters.items() if name not in ("format", "callback"))
    text = "".join(f"{name}{value}" for name, value in signed) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def new_token(http: httpx.Client, api: Api) -> str:
    """A token that the listener is to allow.

    Raises
    ------
    SegueError
        The service does not answer as it should.
    """
    token = text_of(_called(http, api, {"method": "auth.getToken"}).get("token"))
    if not token:
        raise SegueError(_NO_ANSWER)
    return token


def session_of(http: httpx.Client, api: Api, token: str) -> tuple[str, str] | None:
    """The name of the listener there and the session's key; None while the token is not allowed.

    Raises
    ------
    SegueError
        The service does not answer as it should.
    """
    content = _called(http, api, {"method": "auth.getSession", "token": token})
    if content.get("error") in (_NOT_ALLOWED_YET, 4, 15):  # not allowed so far, or expired
        return None
    session = content.get("session")
    if not isinstance(session, dict):
        raise SegueError(_NO_ANSWER)
    name, key = text_of(session.get("name")), text_of(session.get("key"))
    if not (name and key):
        raise SegueError(_NO_ANSWER)
    return name, key


_NO_ANSWER = marked("The service does not answer: try again later.")


def send(http: httpx.Client, api: Api, session: str, scrobbles: Sequence[Waiting], *, now: int) -> Outcome:
    """Send scrobbles in one request; `now` is epoch ms. Those that are too old are not sent."""
    old = {one.scrobble_id: TOO_OLD for one in scrobbles if now - one.at > OLDEST_MS}
    young = [one for one in scrobbles if one.scrobble_id not in old]
    if not young:
        return Outcome(refused=old)
    parameters = {"method": "track.scrobble", "sk": session}
    for place, one in enumerate(young):
        values = {"timestamp": str(one.at // 1000), **_named(one.song)}
        parameters |= {f"{name}[{place}]": value for name, value in values.items()}
    ids = [one.scrobble_id for one in young]
    try:
        answer = call(http, "POST", api.address, data=_signed(api, parameters))
    except Unanswered:
        return Outcome(refused=old, problem=AWAY)
    outcome = _outcome(answer, ids)
    if outcome.refused and _error(answer) == _SIGNATURE and (problem := _problem_of_secret(http, api)):
        outcome = Outcome(problem=problem)
    return Outcome(
        taken=outcome.taken,
        refused={**old, **outcome.refused},
        problem=outcome.problem,
        wait_seconds=outcome.wait_seconds,
        split=outcome.split,
        ended=outcome.ended,
    )


def play_now(http: httpx.Client, api: Api, session: str, song: ScrobbledSong) -> Outcome:
    """Tell which song plays now: https://www.last.fm/api/show/track.updateNowPlaying."""
    parameters = {"method": "track.updateNowPlaying", "sk": session, **_named(song)}
    try:
        answer = call(http, "POST", api.address, data=_signed(api, parameters))
    except Unanswered:
        return Outcome(problem=AWAY)
    if answer.status == httpx.codes.OK and answer.content is not None and "error" not in answer.content:
        return Outcome()
    return _outcome(answer, [])


def _named(song: ScrobbledSong) -> dict[str, str]:
    """The facts of a song in the words of the protocol; empty for unknown ones."""
    return {
        "artist": song["artist"],
        "track": song["title"],
        "album": song.get("album", ""),
        "albumArtist": song.get("album_artist", ""),
        "trackNumber": str(song.get("number", "")),
        "duration": str(song["duration_ms"] // 1000) if "duration_ms" in song else "",
        "mbid": song.get("recording", ""),
    }


def _outcome(answer: Answer, ids: list[str]) -> Outcome:
    content = answer.content or {}
    retry = asked_pause(answer.headers.get("retry-after"))
    known = _error(answer)
    if known in _SESSION_ENDED:
        return Outcome(problem=CREDENTIALS, ended=True)
    if known in _SERVER_KEY:
        return Outcome(problem=SERVER_KEY)
    if known in _WRONG or known == _SIGNATURE:
        return refused_request(ids)
    if known in _WAIT or answer.status == httpx.codes.TOO_MANY_REQUESTS:
        return Outcome(problem=BUSY, wait_seconds=retry)
    codes = _codes(content, len(ids))
    if answer.status != httpx.codes.OK or content.get("error") or codes is None or len(codes) != len(ids):
        return Outcome(problem=AWAY, wait_seconds=retry)
    by_id = dict(zip(ids, codes, strict=True))
    return Outcome(
        taken=frozenset(own for own, code in by_id.items() if code == _TAKEN),
        refused={
            own: _IGNORED.get(code, NOT_TAKEN)
            for own, code in by_id.items()
            if code not in (_TAKEN, _NO_MORE_TODAY)
        },
        problem=DAILY_LIMIT if _NO_MORE_TODAY in codes else None,
    )


def _error(answer: Answer) -> int | None:
    """The number of an error; servers that speak the protocol may send it as a text, or something else."""
    error = (answer.content or {}).get("error")
    if isinstance(error, str) and re.fullmatch(r"\d{1,3}", error):
        return int(error)
    return error if isinstance(error, int) and not isinstance(error, bool) else None


def _problem_of_secret(http: httpx.Client, api: Api) -> str | None:
    """Why the signature of a call with plain texts is not accepted either: then it is not the play's fault;
    None if it is.
    """
    try:
        answer = call(http, "POST", api.address, data=_signed(api, {"method": "auth.getToken"}))
    except Unanswered:
        return AWAY
    if answer.content is None:
        return AWAY
    return SERVER_KEY if "error" in answer.content else None


def _codes(content: Mapping[str, Any], number: int) -> list[int] | None:
    """The codes of a successful answer, one for each scrobble; a single one is no list there.

    Some servers only count the ignored scrobbles.
    """
    try:
        if "scrobble" not in content["scrobbles"]:
            ignored = content["scrobbles"]["@attr"]["ignored"]
            return [0] * number if str(ignored) == "0" else None
        items = content["scrobbles"]["scrobble"]
        items = items if isinstance(items, list) else [items]
        return [int(item["ignoredMessage"]["code"]) for item in items]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _called(http: httpx.Client, api: Api, parameters: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        # By POST: the address of a call may get into a log, and a token is in it.
        answer = call(http, "POST", api.address, data=_signed(api, parameters))
    except Unanswered:
        raise SegueError(_NO_ANSWER) from None
    if answer.content is None:
        raise SegueError(_NO_ANSWER)
    return answer.content


def _signed(api: Api, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a call with its signature; empty ones are left out."""
    sent = {name: value for name, value in {**parameters, "api_key": api.key}.items() if value}
    return {**sent, "api_sig": signature(sent, api.secret), "format": "json"}
