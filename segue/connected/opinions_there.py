"""The stars and the ratings that an account of another server has given to songs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from segue.connected.client import OpenSubsonic
from segue.connected.listing import entries_of, searched
from segue.connected.remote_songs import identifier, moment_of

BEST = 5


@dataclass(frozen=True, kw_only=True)
class Star:
    """A star on a song."""

    song_id: str
    at: datetime | None
    """When it was given; None if the server does not tell."""


def stars(client: OpenSubsonic) -> list[Star]:
    """The starred songs of an account.

    Raises
    ------
    ServerFault
        The server is away, or has no stars.
    """
    found = client.call("getStarred2").get("starred2")
    songs = entries_of(found if isinstance(found, dict) else {}, "song")
    return [
        Star(song_id=own, at=moment_of(song.get("starred")))
        for song in songs
        if isinstance(song, dict) and (own := identifier(song.get("id")))
    ]


def ratings(client: OpenSubsonic) -> dict[str, int]:
    """The ratings of an account, 1 to 5, by song; none where a search for nothing lists no songs.

    Raises
    ------
    ServerFault
        The server is away.
    """
    return dict(_rated(client))


def _rated(client: OpenSubsonic) -> Iterator[tuple[str, int]]:
    for page in searched(client):
        for song in page:
            if isinstance(song, dict) and (own := identifier(song.get("id"))) and (rating := _rating(song)):
                yield own, rating


def _rating(song: Mapping[str, Any]) -> int | None:
    rating = song.get("userRating")
    return (
        rating if isinstance(rating, int) and not isinstance(rating, bool) and 1 <= rating <= BEST else None
    )
