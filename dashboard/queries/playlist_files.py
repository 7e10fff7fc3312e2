"""Playlists in and out: as M3U text, and from it, matched with the catalogue."""

from __future__ import annotations

from pathlib import PurePath

from pymongo.database import Database

from segue.dashboard.queries.catalogue import Catalogue
from segue.playlists.m3u import Entry, Listed, write_m3u
from segue.playlists.matching import Candidate, Matched, match
from segue.playlists.playlists import Playlist
from segue.storage.mongo import Document

_LOOKED_AT = 20


def exported(database: Database[Document], playlist: Playlist) -> str:
    """A playlist as extended M3U. Files are named without their folders: those are the server's own."""
    shown = {"title": 1, "artist": 1, "duration_ms": 1, "path": 1}
    wanted = list(set(playlist.tracks))
    known = {found["_id"]: found for found in database.tracks.find({"_id": {"$in": wanted}}, shown)}
    return write_m3u(playlist.name, [_entry(known[t]) for t in playlist.tracks if t in known])


def _entry(track: Document) -> Entry:
    duration = track.get("duration_ms")
    title, artist = track.get("title") or track["_id"], track.get("artist") or None
    return Entry(
        title=title,
        artist=artist,
        seconds=duration / 1000 if duration else None,
        location=PurePath(track.get("path") or "").name or f"{title}.mp3",
    )


def matched(catalogue: Catalogue, listed: Listed) -> Matched:
    """Look the entries of a playlist up in the catalogue, by the words of artist and title."""

    def candidates(entry: Entry) -> list[Candidate]:
        found = catalogue.search(f"{entry.artist or ''} {entry.title}", limit=_LOOKED_AT)
        return [
            Candidate(
                track_id=item.track_id,
                title=item.title,
                artist=item.artist,
                seconds=item.duration_ms / 1000 if item.duration_ms else None,
            )
            for item in found
        ]

    return match(listed.entries, candidates=candidates)
