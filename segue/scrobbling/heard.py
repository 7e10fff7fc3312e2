"""The plays that are scrobbles, and the contents of a scrobble.

The rule is that of the services: a song of more than 30 seconds, heard for half of its length or for four
minutes. https://www.last.fm/api/scrobbling, section "When is a scrobble a scrobble?".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict, cast

from segue.catalog.full_tracks import FullTrack
from segue.plays.event_types import ENDS

SHORTEST_MS = 30_000
ENOUGH_MS = 4 * 60_000
_LONGEST_LISTENING_MS = 24 * 3_600_000
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ScrobbledSong(TypedDict):
    """The facts of a song, as they were when it was heard. Unknown ones are left out."""

    title: str
    artist: str
    album: NotRequired[str]
    album_artist: NotRequired[str]
    duration_ms: NotRequired[int]
    number: NotRequired[int]
    """Its number on the album."""
    artists: NotRequired[list[str]]
    recording: NotRequired[str]
    """Ids of MusicBrainz: of the recording, its track on the release, the release, and the artists."""
    release_track: NotRequired[str]
    release: NotRequired[str]
    artist_ids: NotRequired[list[str]]


def is_heard(play: Mapping[str, Any], *, length_ms: int | None) -> bool:
    """Whether the end of a listening makes it a scrobble.

    Parameters
    ----------
    length_ms
        The length in the catalogue, if the play has none.
    """
    if play["type"] not in ENDS:
        return False
    length = play["duration_ms"] or length_ms or 0
    if not length:
        return bool(play["ms_played"] >= ENOUGH_MS)
    return length > SHORTEST_MS and bool(play["ms_played"] >= min(length / 2, ENOUGH_MS))


def began_at(play: Mapping[str, Any], *, begun_at: int | None) -> int:
    """When the listening began that a play ends, epoch ms.

    Parameters
    ----------
    begun_at
        When the session began to play this track; None if that is not known. Then pauses count as played.
    """
    if begun_at is not None and 0 <= play["occurred_at"] - begun_at <= _LONGEST_LISTENING_MS:
        return begun_at
    return max(0, int(play["occurred_at"] - play["ms_played"]))


def song_of(track: FullTrack) -> ScrobbledSong | None:
    """The facts of a track; None if it has no title or no artist, without which no service takes it."""
    shown = track.summary
    if not shown.title or not shown.artist:
        return None
    ids = track.ids
    facts: dict[str, Any] = {
        "title": shown.title,
        "artist": shown.artist,
        "album": shown.album,
        "album_artist": track.album_artists[0].name if track.album_artists else None,
        "duration_ms": shown.duration_ms,
        "number": track.number,
        "artists": [credit.name for credit in (*track.artists, *track.featured)],
        "recording": next(iter(valid_ids([ids.recording])), None),
        "release_track": next(iter(valid_ids([ids.release_track])), None),
        "release": next(iter(valid_ids([ids.release])), None),
        "artist_ids": valid_ids(ids.artists),
    }
    return cast("ScrobbledSong", {name: fact for name, fact in facts.items() if fact})


def valid_ids(texts: Iterable[str | None]) -> list[str]:
    """The ids of MusicBrainz in some tags, each once: some programs write several into one tag.

    A service refuses a listen as a whole for an id that is none.
    """
    parts = (part for text in texts if text for part in re.split(r"[/;,\s]+", text.lower()))
    return list(dict.fromkeys(part for part in parts if _UUID.fullmatch(part)))
