"""The tags of a song that a CUE sheet cuts out of a recording: those of the sheet, then those of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from segue.audio.errors import Undecodable
from segue.catalog.credits import credits_of, is_various
from segue.catalog.cue_songs import CueSong
from segue.catalog.genres import genres_of
from segue.catalog.replay_gain import replay_gain_of
from segue.catalog.tags import Tags, clean, year_of
from segue.catalog.track import ReplayGain

_GAINS = ("track_gain", "track_peak", "album_gain", "album_peak")


def tags_of_song(tags: Tags, song: CueSong, *, path: Path, undivided: frozenset[str] = frozenset()) -> Tags:
    """The tags of a song.

    Parameters
    ----------
    tags
        The tags of the whole recording.
    undivided
        Keys of artists' names that have a separator in them.

    Raises
    ------
    Undecodable
        With "beyond-end": the song begins after the end of the recording.
    """
    own = song.track
    length = tags.duration_ms
    if length is not None and own.start * 1000 >= length:
        raise Undecodable("beyond-end", f"it begins at {own.start:.1f} s of {length / 1000:.1f} s")
    ends = (None if own.end is None else round(own.end * 1000), length)
    end = min((one for one in ends if one is not None), default=None)
    album = clean(song.album) or tags.album or tags.title
    title = clean(own.title) or f"{album or path.stem} ({song.number})"
    album_artist = clean(song.performer)
    performer = clean(own.performer) or album_artist
    credits = credits_of([performer], title=title, undivided=undivided)
    artists = tuple(filter(None, map(clean, credits.main))) if performer else tags.details.artists
    various = is_various(album_artist) if album_artist else tags.details.compilation
    named = credits_of([album_artist], undivided=undivided).main if album_artist else ()
    named = tuple(filter(None, map(clean, named))) or tags.details.album_artists
    return replace(
        tags,
        title=title,
        artist=performer or tags.artist,
        album=album,
        genres=genres_of([genre]) if (genre := clean(song.remarks.get("genre", ""))) else tags.genres,
        duration_ms=None if end is None else end - round(own.start * 1000),
        track=song.number,
        year=year_of(song.remarks.get("date", "")) or tags.year,
        details=replace(
            tags.details,
            artists=artists,
            featured=tuple(filter(None, map(clean, credits.featured))),
            album_artists=() if various else named,
            compilation=various,
            disc=_number(song.remarks.get("discnumber", "")) or tags.details.disc,
            discs=_number(song.remarks.get("totaldiscs", "")) or tags.details.discs,
            # The file's own ids, gains, lyrics and sort names are those of the whole recording.
            ids=replace(tags.details.ids, recording=None, release_track=None),
            replay_gain=_gains(song.remarks, tags.details.replay_gain),
            title_sort=None,
            artist_sort=None if performer and performer != tags.artist else tags.details.artist_sort,
        ),
        lyrics=(),
    )


def _gains(remarks: Mapping[str, str], of_file: ReplayGain) -> ReplayGain:
    """The gains in the remarks; a gain in the tags of the file holds for the album."""
    values = {name: [remarks[key]] for name in _GAINS if (key := f"replaygain_{name}") in remarks}
    own = replay_gain_of(values, Path())
    return replace(
        own,
        album_gain=of_file.track_gain if own.album_gain is None else own.album_gain,
        album_peak=of_file.track_peak if own.album_peak is None else own.album_peak,
        base_gain=of_file.base_gain,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < int(text) < 1000 else None
