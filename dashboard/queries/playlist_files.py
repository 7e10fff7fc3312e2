"""Export of playlists as files, and import by matching entries with the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from segue.catalog.track import file_key
from segue.catalog.track_records import MatchableTrack, TrackSummary
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.playlists.entries import Entry, Listed, path_parts
from segue.playlists.m3u import readings
from segue.playlists.matching import Matched, match
from segue.playlists.playlist import Playlist
from segue.playlists.written import Format
from segue.storage.store import Store

_LOOKED_AT = 20
_ENCODINGS_TRIED, _MOST_TRIED = 6, 200


def exported(store: Store, playlist: Playlist, form: Format) -> str:
    """A playlist as the text of a file, with file names without folders: the server's paths are private."""
    tracks = Tracks(store)
    known, files = tracks.even_gone(playlist.tracks), tracks.file_names(playlist.tracks)
    return form.write(playlist.name, [_entry(known[t], files.get(t)) for t in playlist.tracks if t in known])


def _entry(track: TrackSummary, file_name: str | None) -> Entry:
    return Entry(
        title=track.title,
        artist=track.artist or None,
        seconds=track.duration_ms / 1000 if track.duration_ms else None,
        location=file_name or f"{track.title}.mp3",
    )


def read_and_match(catalogue: CatalogueReader, data: bytes) -> tuple[Listed, Matched]:
    """A playlist and its entries, matched with the catalogue, in the encoding that has most of the names.

    Only some entries are looked for in each encoding: those of a long playlist take minutes.

    Raises
    ------
    NotPlaylist
        It is not a playlist.
    """
    tried: list[tuple[int, Listed]] = []
    for listed in islice(readings(data), _ENCODINGS_TRIED):
        if not (telling := _telling(listed)):
            return listed, matched(catalogue, listed.entries)
        tried.append((len(matched(catalogue, telling).unmatched), listed))
        if not tried[-1][0]:
            break
    _, best = min(tried, key=lambda pair: pair[0])
    return best, matched(catalogue, best.entries)


def _telling(listed: Listed) -> Sequence[Entry]:
    """Some entries whose names depend on the encoding."""
    depend = (one for one in listed.entries if not (one.shown.isascii() and one.location.isascii()))
    return list(islice(depend, _MOST_TRIED))


def matched(catalogue: CatalogueReader, entries: Sequence[Entry]) -> Matched:
    """Match the entries of a playlist with the catalogue, by their files and by artist and title."""
    names = [parts[-1] for entry in entries if (parts := path_parts(entry.location))]
    by_file = catalogue.with_file_names(names)

    def candidates(entry: Entry) -> list[MatchableTrack]:
        words = catalogue.matchable(f"{entry.artist or ''} {entry.title}", limit=_LOOKED_AT)
        parts = path_parts(entry.location)
        files = by_file.get(file_key(parts[-1]), []) if parts else []
        return list({track.track_id: track for track in [*words, *files]}.values())

    return match(entries, candidates=candidates)
