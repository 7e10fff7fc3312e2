"""ListenBrainz, and servers that speak its protocol: the token check, and the submission of listens.

https://listenbrainz.readthedocs.io/en/latest/users/api/core.html. A listen that is submitted again with the
same time and names counts once there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from segue import __version__
from segue.errors import SegueError
from segue.phrases import marked
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
        response = http.get(f"{address}/1/validate-token", headers=_headers(token))
        content = response.json()
    except (httpx.HTTPError, ValueError):
        raise SegueError(marked("The service does not answer: try again later.")) from None
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return None
    if response.status_code != httpx.codes.OK or not isinstance(content, dict):
        raise SegueError(marked("The service does not answer: try again later."))
    name = content.get("user_name")
    return name if content.get("valid") is True and isinstance(name, str) and name else None


def send(http: httpx.Client, address: str, token: str, scrobbles: Sequence[Waiting]) -> Outcome:
    """Submit listens, all in one request."""
    ids = [one.scrobble_id for one in scrobbles]
    content = {
        "listen_type": "single" if len(scrobbles) == 1 else "import",
        "payload": [listen(one.song, at=one.at) for one in scrobbles],
    }
    try:
        response = http.post(f"{address}/1/submit-listens", json=content, headers=_headers(token))
    except httpx.HTTPError:
        return Outcome(problem=AWAY)
    match response.status_code:
        case httpx.codes.OK:
            left = response.headers.get("x-ratelimit-remaining")
            return all_taken(ids, wait_seconds=_reset(response) if left == "0" else None)
        case httpx.codes.UNAUTHORIZED:
            return Outcome(problem=CREDENTIALS, ended=True)
        case (
            httpx.codes.BAD_REQUEST | httpx.codes.REQUEST_ENTITY_TOO_LARGE | httpx.codes.UNPROCESSABLE_ENTITY
        ):
            return refused_request(ids)
        case httpx.codes.TOO_MANY_REQUESTS:
            return Outcome(problem=BUSY, wait_seconds=_reset(response))
    return Outcome(problem=AWAY, wait_seconds=seconds_of(response.headers.get("retry-after")))


def listen(song: ScrobbledSong, *, at: int) -> dict[str, Any]:
    """A listen as the protocol has it; `at` is the start in epoch ms."""
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
    return {"listened_at": at // 1000, "track_metadata": data}


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}


def _reset(response: httpx.Response) -> float | None:
    headers = response.headers
    return seconds_of(headers.get("x-ratelimit-reset-in") or headers.get("retry-after"))


def seconds_of(text: str | None) -> float | None:
    """The seconds of a header; None if there are none."""
    return float(text) if text and text.isascii() and text.isdigit() else None
