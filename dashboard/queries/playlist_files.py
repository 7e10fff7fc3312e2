"""Export of playlists as M3U, and import by matching entries with the catalogue."""

from __future__ import annotations

from segue.catalog.track import TrackSummary
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.playlists.m3u import Entry, Listed, write_m3u
from segue.playlists.matching import Candidate, Matched, match
from segue.playlists.playlists import Playlist
from segue.storage.store import Store

_LOOKED_AT = 20


def exported(store: Store, playlist: Playlist) -> str:
    """A playlist as extended M3U, with file names without folders: the server's paths are private."""
    tracks = Tracks(store)
    known, files = tracks.even_gone(playlist.tracks), tracks.file_names(playlist.tracks)
    return write_m3u(playlist.name, [_entry(known[t], files.get(t)) for t in playlist.tracks if t in known])


def _entry(track: TrackSummary, file_name: str | None) -> Entry:
    return Entry(
        title=track.title,
        artist=track.artist or None,
        seconds=track.duration_ms / 1000 if track.duration_ms else None,
        location=file_name or f"{track.title}.mp3",
    )


def matched(catalogue: CatalogueReader, listed: Listed) -> Matched:
    """Match the entries of a playlist with the catalogue, by the words of artist and title."""

    def candidates(entry: Entry) -> list[Candidate]:
        matches = catalogue.search(f"{entry.artist or ''} {entry.title}", limit=_LOOKED_AT)
        return [
            Candidate(
                track_id=item.track_id,
                title=item.title,
                artist=item.artist,
                seconds=item.duration_ms / 1000 if item.duration_ms else None,
            )
            for item in matches
        ]

    return match(listed.entries, candidates=candidates)
