"""A submission of listens: its checks, and the songs that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from segue.imports.play import AHEAD, EARLIEST, Song, mapping_of, text_of
from segue.imports.rows import heard_on_listenbrainz

ListenType = Literal["single", "playing_now", "import"]
TYPES: tuple[ListenType, ...] = ("single", "playing_now", "import")
MOST = 1000
"""Listens of a submission, as at ListenBrainz."""
LARGEST = 10_240_000
"""Bytes of a submission, as at ListenBrainz."""
_LONGEST_CLIENT = 60


class Invalid(Exception):
    """A submission that cannot be accepted; the text is for the developer of the program."""


@dataclass(frozen=True, kw_only=True)
class Listen:
    """A song that was heard, or plays now."""

    song: Song
    at: int | None
    """When it began, epoch seconds; None: it plays now."""
    ms_played: int | None
    client: str
    """The program that sends it; may be empty."""


def listens_of(content: Mapping[str, Any]) -> tuple[ListenType, list[Listen]]:
    """The type of a submission and its listens. It is accepted as a whole or not at all.

    Raises
    ------
    Invalid
        A field is missing or impossible; the text names it.
    """
    kind = next((one for one in TYPES if one == content.get("listen_type")), None)
    if kind is None:
        raise Invalid(f"listen_type must be one of {', '.join(TYPES)}")
    payload = content.get("payload")
    if not isinstance(payload, list) or not payload:
        raise Invalid("payload must be a list of at least one listen")
    if kind != "import" and len(payload) > 1:
        raise Invalid(f"payload must have exactly one listen for the type {kind}")
    if len(payload) > MOST:
        raise Invalid(f"payload must have at most {MOST} listens")
    return kind, [_listen(one, f"payload[{place}]", kind) for place, one in enumerate(payload)]


def _listen(one: object, place: str, kind: ListenType) -> Listen:
    if not isinstance(one, dict):
        raise Invalid(f"{place} must be an object")
    data = one.get("track_metadata")
    if not isinstance(data, dict):
        raise Invalid(f"{place}.track_metadata must be an object")
    for name in ("artist_name", "track_name"):
        if not text_of(data.get(name)):
            raise Invalid(f"{place}.track_metadata.{name} must be a text")
    song, ms_played = heard_on_listenbrainz(data)
    return Listen(
        song=song,
        at=_time(one, f"{place}.listened_at", kind),
        ms_played=ms_played,
        client=_client(mapping_of(data.get("additional_info"))),
    )


def _time(one: Mapping[str, Any], place: str, kind: ListenType) -> int | None:
    if kind == "playing_now":
        if "listened_at" in one:
            raise Invalid(f"{place} must be left out for the type playing_now")
        return None
    at = one.get("listened_at")
    if not isinstance(at, int) or isinstance(at, bool):
        raise Invalid(f"{place} must be an integer: seconds since 1970")
    if not EARLIEST <= at <= datetime.now(UTC).timestamp() + AHEAD.total_seconds():
        raise Invalid(f"{place} must be seconds since 1970, and neither before 2000 nor in the future")
    return at


def _client(more: Mapping[str, Any]) -> str:
    names = (text_of(more.get(name)) for name in ("submission_client", "media_player"))
    return next(filter(None, names), "")[:_LONGEST_CLIENT]
