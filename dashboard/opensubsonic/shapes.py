"""Tracks, albums and artists in the protocol's shapes, with the caller's stars, ratings and plays.

Each function reads the caller's data for all its objects at once. A field without a value is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from segue.audio.transcoding.media_types import CONTENT_TYPES
from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.catalog.full_tracks import Credit, FullTrack
from segue.dashboard.opensubsonic import ids
from segue.dashboard.opensubsonic.call import Call
from segue.normal_forms import normalised
from segue.playlists.playlist import Playlist

Shape = dict[str, Any]
_NOT_IN_PATHS = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
_EPOCH = datetime.fromtimestamp(0, UTC)


def songs(call: Call, tracks: Sequence[FullTrack]) -> list[Shape]:
    """Tracks as `Child`, in their order."""
    track_ids = [track.track_id for track in tracks]
    given = call.server.opinions.given(call.user_id, track_ids)
    marks = call.server.marks.of(call.user_id, "track", track_ids)
    plays = call.server.listened.by(call.user_id).tracks
    shapes = []
    for track in tracks:
        shape = _song(track)
        opinion, mark, played = (
            given.get(track.track_id),
            marks.get(track.track_id),
            plays.get(track.track_id),
        )
        shape |= _given(
            starred=opinion["at"] if opinion and opinion["opinion"] == "like" else None,
            userRating=mark.get("rating") if mark else None,
            playCount=played.plays if played else 0,
            played=played.last if played else None,
        )
        shapes.append(shape)
    return shapes


def song(call: Call, track: FullTrack) -> Shape:
    """A track as `Child`."""
    return songs(call, [track])[0]


def albums(call: Call, found: Sequence[Album]) -> list[Shape]:
    """Albums as `AlbumID3`, in their order."""
    marks = call.server.marks.of(call.user_id, "album", [album["_id"] for album in found])
    plays = call.server.listened.by(call.user_id).albums
    # The name of a single artist is that of the album.
    keys = {key for album in found if len(album["artist_keys"]) > 1 for key in album["artist_keys"]}
    names = {artist["_id"]: artist["name"] for artist in call.server.artists.several(keys)} if keys else {}
    names |= {
        key: album["artist"]
        for album in found
        if len(album["artist_keys"]) == 1
        for key in album["artist_keys"]
    }
    shapes = []
    for album in found:
        mark, played = marks.get(album["_id"]), plays.get(album["_id"])
        shape = _album(album, names)
        shape |= _given(
            starred=mark.get("starred_at") if mark else None,
            userRating=mark.get("rating") if mark else None,
            playCount=played.plays if played else 0,
            played=played.last if played else None,
        )
        shapes.append(shape)
    return shapes


def folders(call: Call, found: Sequence[Album]) -> list[Shape]:
    """Albums as `Child` folders, for apps that browse folders."""
    return [
        _given(
            id=shape["id"],
            parent=shape.get("artistId"),
            isDir=True,
            title=shape["name"],
            album=shape["name"],
            artist=shape.get("artist"),
            year=shape.get("year"),
            genre=shape.get("genre"),
            coverArt=shape.get("coverArt"),
            duration=shape["duration"],
            created=shape["created"],
            starred=shape.get("starred"),
            userRating=shape.get("userRating"),
            playCount=shape.get("playCount"),
            played=shape.get("played"),
            mediaType="album",
        )
        for shape in albums(call, found)
    ]


def artists(call: Call, found: Sequence[Artist]) -> list[Shape]:
    """Artists as `ArtistID3`, in their order."""
    marks = call.server.marks.of(call.user_id, "artist", [artist["_id"] for artist in found])
    return [_artist(artist) | _marked(marks.get(artist["_id"])) for artist in found]


def plain_artists(call: Call, found: Sequence[Artist]) -> list[Shape]:
    """Artists as `Artist`, for apps that browse folders."""
    kept = ("id", "name", "starred", "userRating")
    return [{name: shape[name] for name in kept if name in shape} for shape in artists(call, found)]


def playlist(call: Call, found: Playlist, tracks: Mapping[str, FullTrack]) -> Shape:
    """A playlist as `Playlist`; `tracks` has its playable tracks."""
    playable = [tracks[track_id] for track_id in found.tracks if track_id in tracks]
    owner = call.caller.name if found.owner == call.user_id else call.server.accounts.names([found.owner])
    return _given(
        id=found.playlist_id,
        name=found.name,
        comment=found.comment or None,
        owner=owner if isinstance(owner, str) else owner.get(found.owner, ""),
        public=found.public,
        created=found.created_at or found.changed_at,
        changed=found.changed_at,
        readonly=not found.may_edit(call.user_id) or found.rules is not None,
    ) | totals(playable)


def totals(tracks: Sequence[FullTrack]) -> Shape:
    """The fields of `Playlist` that follow from its songs."""
    return _given(
        songCount=len(tracks),
        duration=sum(track.summary.duration_ms or 0 for track in tracks) // 1000,
        coverArt=first_cover(tracks),
    )


def first_cover(tracks: Iterable[FullTrack]) -> str | None:
    """The first cover among songs."""
    return next((track.summary.cover_id for track in tracks if track.summary.cover_id), None)


def indexes(shapes: Iterable[Shape], sorts: Iterable[str]) -> list[Shape]:
    """Artists by the first letter of their sort names, which are in order."""
    found: dict[str, list[Shape]] = {}
    for shape, sort in zip(shapes, sorts, strict=True):
        found.setdefault(_letter(sort), []).append(shape)
    return [{"name": letter, "artist": found[letter]} for letter in found]


def _letter(sort: str) -> str:
    first = normalised("NFD", sort[:1]).upper()[:1]
    return first if first.isalpha() else "#"


def _song(track: FullTrack) -> Shape:
    summary = track.summary
    main, gain = track.artists, track.replay_gain
    return _given(
        id=summary.track_id,
        parent=ids.album(track.album_id) if track.album_id else None,
        isDir=False,
        title=summary.title,
        album=summary.album,
        artist=summary.artist,
        track=track.number,
        year=summary.year or None,
        genre=summary.genre,
        coverArt=summary.cover_id,
        size=track.size,
        contentType=CONTENT_TYPES.get(f".{track.suffix}"),
        suffix=track.suffix or None,
        duration=round(summary.duration_ms / 1000) if summary.duration_ms else None,
        bitRate=track.kilobits,
        path=_path(track),
        isVideo=False,
        discNumber=track.disc,
        created=track.added_at,
        albumId=ids.album(track.album_id) if track.album_id else None,
        artistId=ids.artist(main[0].key) if main else None,
        type="music",
        mediaType="song",
        sortName=track.title_sort,
        musicBrainzId=track.ids.recording,
        genres=[{"name": genre} for genre in summary.genres],
        artists=_credits([*main, *track.featured]),
        displayArtist=summary.artist or None,
        albumArtists=_credits(track.album_artists),
        displayAlbumArtist=", ".join(credit.name for credit in track.album_artists) or None,
    ) | (
        {
            "replayGain": _given(
                trackGain=gain.track_gain,
                albumGain=gain.album_gain,
                trackPeak=gain.track_peak,
                albumPeak=gain.album_peak,
                baseGain=gain.base_gain,
            )
        }
        if any(value is not None for value in vars(gain).values())
        else {}
    )


def _path(track: FullTrack) -> str:
    """A path that looks like that of a file, since apps sort and cache by it. It names no folder here."""
    summary = track.summary
    artist = track.album_artists[0].name if track.album_artists else summary.artist
    parts = (artist or "Unknown artist", summary.album or "Unknown album")
    folder = "/".join(part.translate(_NOT_IN_PATHS).strip(". ") or "_" for part in parts)
    place = "-".join(f"{number:02d}" for number in (track.disc, track.number) if number)
    return (
        f"{folder}/{' '.join(filter(None, (place, summary.title.translate(_NOT_IN_PATHS))))}.{track.suffix}"
    )


def _album(album: Album, names: Mapping[str, str]) -> Shape:
    keys = album["artist_keys"]
    genres = album["genres"]
    return _given(
        id=ids.album(album["_id"]),
        name=album["name"],
        version=album["edition"],
        artist=album["artist"] or None,
        artistId=ids.artist(keys[0]) if keys else None,
        coverArt=album["cover_id"],
        songCount=album["tracks"],
        duration=album["duration_ms"] // 1000,
        created=album["added_at"] or _EPOCH,
        year=album["year"] or None,
        genre=genres[0] if genres else None,
        musicBrainzId=album["release"],
        genres=[{"name": genre} for genre in genres],
        artists=[{"id": ids.artist(key), "name": names.get(key) or key} for key in keys],
        displayArtist=album["artist"] or None,
        sortName=album["sort"],
        originalReleaseDate={"year": year} if (year := album["original_year"] or album["year"]) else None,
        releaseDate={"year": album["year"]} if album["year"] else None,
        isCompilation=album["various"],
    )


def _artist(artist: Artist) -> Shape:
    return _given(
        id=ids.artist(artist["_id"]),
        name=artist["name"],
        coverArt=artist["cover_id"],
        albumCount=artist["albums"],
        musicBrainzId=artist["artist_id"],
        sortName=artist["sort"],
        roles=["artist", "albumartist"] if artist["albums"] else ["artist"],
    )


def _marked(mark: Mapping[str, Any] | None) -> Shape:
    return _given(starred=mark.get("starred_at"), userRating=mark.get("rating")) if mark else {}


def _credits(credits: Sequence[Credit]) -> list[Shape]:
    return [{"id": ids.artist(credit.key), "name": credit.name} for credit in credits]


def _given(**fields: Any) -> Shape:
    return {name: value for name, value in fields.items() if value is not None}
