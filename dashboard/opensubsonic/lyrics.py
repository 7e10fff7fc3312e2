"""Endpoints of lyrics: with the times of lines for apps that follow the song, and as plain text."""

from __future__ import annotations

from segue.catalog.full_tracks import FullTrack
from segue.catalog.letters import artist_key
from segue.catalog.lyrics import Lyrics
from segue.catalog.track import LONGEST
from segue.catalog.track_lyrics import TrackLyrics
from segue.dashboard.api.lyrics import lyrics_of
from segue.dashboard.opensubsonic import finding, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint

_CANDIDATES = 50


def by_song(call: Call) -> Content:
    track = finding.track(call, call.parameters.text("id"))
    versions = lyrics_of(call.server.services, track.track_id) or ()
    return {"lyricsList": {"structuredLyrics": [_structured(track, lyrics) for lyrics in versions]}}


def by_names(call: Call) -> Content:
    """The lyrics of the song whose artist and title are those of the call, in any spelling."""
    artist, title = ((call.parameters.optional(name) or "")[:LONGEST] for name in ("artist", "title"))
    for track in _named(call, artist, title):
        for lyrics in TrackLyrics(call.server.store).of(track.track_id) or ():
            words = "\n".join(line.text for line in lyrics.lines)
            return {"lyrics": {"artist": track.summary.artist, "title": track.summary.title, "value": words}}
    return {"lyrics": {"value": ""}}


def _named(call: Call, artist: str, title: str) -> list[FullTrack]:
    if not artist.strip() or not title.strip():
        return []
    tracks = call.server.tracks.in_order(
        call.server.catalogue.search_ids(f"{artist} {title}", limit=_CANDIDATES)
    )
    return [
        track
        for track in tracks
        if artist_key(track.summary.title) == artist_key(title)
        and artist_key(artist) in {artist_key(track.summary.artist), *(one.key for one in track.artists)}
    ]


def _structured(track: FullTrack, lyrics: Lyrics) -> shapes.Shape:
    lines = [
        {"value": line.text} | ({} if line.start_ms is None else {"start": line.start_ms})
        for line in lyrics.lines
    ]
    return {
        "displayArtist": track.summary.artist,
        "displayTitle": track.summary.title,
        "lang": lyrics.language,
        "synced": lyrics.synced,
        "offset": 0,
        "line": lines,
    }


ENDPOINTS: dict[str, Endpoint] = {"getLyricsBySongId": by_song, "getLyrics": by_names}
