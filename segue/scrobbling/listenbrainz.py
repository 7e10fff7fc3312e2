"""ListenBrainz, and servers that speak its protocol: the token check, and the submission of listens.

https://listenbrainz.readthedocs.io/en/latest/users/api/core.html. A listen that is submitted again with the
same time and names counts once there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from segue import __version__
from segue.asked_pause import asked_pause
from segue.errors import SegueError
from segue.phrases import marked
from segue.scrobbling.calling import Answer, Unanswered, call, text_of
from segue.scrobbling.heard import ScrobbledSong
from segue.scrobbling.outbox import Waiting
from segue.scrobbling.outcome import AWAY, BUSY, CREDENTIALS, Outcome, all_taken, refused_request

MOST = 50
"""Listens of a request."""
_CLIENT = "Segue"


def user_of(http: httpx.Client, address: str, token: str) -> str | None:
    """The name of the user with a token; None if the token is not valid.

    Raises
    ------
    SegueError
        The service does not answer as it should.
    """
    try:
        answer = call(http, "GET", f"{address}/1/validate-token", headers=_headers(token))
    except Unanswered:
        raise SegueError(marked("The service does not answer: try again later.")) from None
    if answer.status == httpx.codes.UNAUTHORIZED and _is_error(answer):
        return None
    content = answer.content
    if answer.status != httpx.codes.OK or content is None:
        raise SegueError(marked("The service does not answer: try again later."))
    return (text_of(content.get("user_name")) or None) if content.get("valid") is True else None


def send(http: httpx.Client, address: str, token: str, scrobbles: Sequence[Waiting]) -> Outcome:
    """Submit listens, all in one request."""
    content = {
        "listen_type": "single" if len(scrobbles) == 1 else "import",
        "payload": [listen(one.song, at=one.at) for one in scrobbles],
    }
    return _submitted(http, address, token, content, [one.scrobble_id for one in scrobbles])


def play_now(http: httpx.Client, address: str, token: str, song: ScrobbledSong) -> Outcome:
    """Tell which song plays now. The protocol allows no time with it."""
    content = {"listen_type": "playing_now", "payload": [{"track_metadata": _metadata(song)}]}
    return _submitted(http, address, token, content, [])


def _submitted(
    http: httpx.Client, address: str, token: str, content: Mapping[str, Any], ids: list[str]
) -> Outcome:
    try:
        answer = call(http, "POST", f"{address}/1/submit-listens", json=content, headers=_headers(token))
    except Unanswered:
        return Outcome(problem=AWAY)
    match answer.status:
        case httpx.codes.OK if not answer.is_page and not _is_error(answer):
            left = answer.headers.get("x-ratelimit-remaining")
            return all_taken(ids, wait_seconds=_reset(answer) if left == "0" else None)
        case httpx.codes.UNAUTHORIZED if _is_error(answer):
            return Outcome(problem=CREDENTIALS, ended=True)
        case (
            httpx.codes.BAD_REQUEST | httpx.codes.REQUEST_ENTITY_TOO_LARGE | httpx.codes.UNPROCESSABLE_ENTITY
        ):
            by_proxy = len(ids) == 1 and answer.content is None and not _accepts(http, address, token)
            return Outcome(problem=AWAY) if by_proxy else refused_request(ids)
        case httpx.codes.TOO_MANY_REQUESTS:
            return Outcome(problem=BUSY, wait_seconds=_reset(answer))
    return Outcome(problem=AWAY, wait_seconds=asked_pause(answer.headers.get("retry-after")))


def _is_error(answer: Answer) -> bool:
    """Whether an answer has the form of the service's errors. A proxy may refuse a log-in of its own."""
    return bool((answer.content or {}).get("error"))


def _accepts(http: httpx.Client, address: str, token: str) -> bool:
    """Whether the service answers a token check. If not, a page with which a listen was refused is one of a
    proxy, and the listen is not at fault.
    """
    try:
        return user_of(http, address, token) is not None
    except SegueError:
        return False


def listen(song: ScrobbledSong, *, at: int) -> dict[str, Any]:
    """A listen as the protocol has it; `at` is the start in epoch ms."""
    return {"listened_at": at // 1000, "track_metadata": _metadata(song)}


def _metadata(song: ScrobbledSong) -> dict[str, Any]:
    info: dict[str, Any] = {
        "media_player": _CLIENT,
        "submission_client": _CLIENT,
        "submission_client_version": __version__,
    }
    names = {
        "duration_ms": "duration_ms",
        "tracknumber": "number",
        "artist_names": "artists",
        "recording_mbid": "recording",
        "track_mbid": "release_track",
        "release_mbid": "release",
        "artist_mbids": "artist_ids",
    }
    info |= {name: song[own] for name, own in names.items() if own in song}  # type: ignore[literal-required]
    data: dict[str, Any] = {
        "artist_name": song["artist"],
        "track_name": song["title"],
        "additional_info": info,
    }
    if "album" in song:
        data["release_name"] = song["album"]
    return data


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}


def _reset(answer: Answer) -> float | None:
    headers = answer.headers
    return asked_pause(headers.get("x-ratelimit-reset-in") or headers.get("retry-after"))
