"""A listener's imported plays as listens of ListenBrainz, which Segue and other programs can import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segue.batches import batches
from segue.imports.days import ImportedDays, KeptPlay, plays_in
from segue.imports.play import Song
from segue.imports.songs import ImportedSongs, song_of
from segue.storage.store import Store

_AT_ONCE = 100
"""Days."""


def listens(store: Store, user_id: str) -> Iterator[dict[str, Any]]:
    """All imported plays, delayed plays and scrobbles of a listener, the oldest first."""
    days, songs = ImportedDays(store), ImportedSongs(store)
    for part in batches(days.days(user_id), _AT_ONCE):
        plays = [play for day in part for play, _ in plays_in(day)]
        known = songs.described(user_id, {play.song for play in plays})
        for play in plays:
            if play.song in known:
                yield _listen(play, song_of(known[play.song]), known[play.song]["track_id"])


def _listen(play: KeptPlay, song: Song, track_id: str | None) -> dict[str, Any]:
    """A listen that :func:`segue.imports.rows.play_of` reads."""
    sent, mapped = [*song.recordings, "", ""][:2]
    more = {
        "submission_client": "segue",
        "segue_track_id": song.track_id or track_id,
        "origin_url": song.uri,
        "recording_mbid": sent,
        "track_mbid": song.release_track,
        "duration_ms": None if song.seconds is None else round(song.seconds * 1000),
        "duration_played": None if play.ms_played is None else play.ms_played / 1000,
        "skipped": play.skipped,
    }
    data: dict[str, Any] = {
        "artist_name": song.artist,
        "track_name": song.title,
        "release_name": song.album,
        "additional_info": {name: value for name, value in more.items() if value not in (None, "")},
    }
    if mapped:
        data["mbid_mapping"] = {"recording_mbid": mapped}
    return {"listened_at": play.at, "track_metadata": data}
