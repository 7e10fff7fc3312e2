"""Endpoints with lists of albums and songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from segue.catalog.albums import Album, AlbumOrder
from segue.catalog.artists import Artist
from segue.dashboard.opensubsonic import finding, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import invalid
from segue.social.activity import PrivacyChoices
from segue.social.follows import Follows

_USUAL = 10
_MOST_STARRED = 5000


def album_list(call: Call) -> Content:
    return {"albumList": {"album": shapes.folders(call, _albums(call))}}


def album_list2(call: Call) -> Content:
    return {"albumList2": {"album": shapes.albums(call, _albums(call))}}


def _albums(call: Call) -> Sequence[Album]:
    kind = call.parameters.text("type")
    if kind not in _KINDS:
        raise invalid("type", f"it must be one of {', '.join(_KINDS)}")
    return _KINDS[kind](call, call.parameters.whole("size", _USUAL, most=finding.MOST), _offset(call))


def _offset(call: Call, name: str = "offset") -> int:
    return call.parameters.whole(name, 0, most=2**31 - 1)


def _newest(call: Call, size: int, after: int) -> Sequence[Album]:
    return _page(call, size, after, by="added")


def _by_name(call: Call, size: int, after: int) -> Sequence[Album]:
    return _page(call, size, after, by="name")


def _by_artist(call: Call, size: int, after: int) -> Sequence[Album]:
    return _page(call, size, after, by="artist")


def _page(call: Call, size: int, after: int, *, by: AlbumOrder) -> Sequence[Album]:
    if not size:
        return []
    return call.server.albums.listed(by=by, limit=size, after=after, library=finding.library(call))


def _random(call: Call, size: int, _after: int) -> Sequence[Album]:
    return call.server.albums.random(limit=size, library=finding.library(call)) if size else []


def _recent(call: Call, size: int, after: int) -> Sequence[Album]:
    return _named(call, call.server.listened.by(call.user_id).recent_albums(), size, after)


def _frequent(call: Call, size: int, after: int) -> Sequence[Album]:
    return _named(call, call.server.listened.by(call.user_id).frequent_albums(), size, after)


def _highest(call: Call, size: int, after: int) -> Sequence[Album]:
    rated = call.server.marks.rated(call.user_id, "album")
    return _named(call, [mark["key"] for mark in rated], size, after)


def _starred(call: Call, size: int, after: int) -> Sequence[Album]:
    marked = call.server.marks.starred(call.user_id, "album")
    return _named(call, [mark["key"] for mark in marked], size, after)


def _named(call: Call, album_ids: Sequence[str], size: int, after: int) -> Sequence[Album]:
    """A page of the visible ones among albums, in their order."""
    library = finding.library(call)
    known = call.server.albums.several(album_ids)
    return [album for album in known if library in (None, album["library"])][after : after + size]


def _by_year(call: Call, size: int, after: int) -> Sequence[Album]:
    first, last = (call.parameters.text(name) for name in ("fromYear", "toYear"))
    years = [call.parameters.whole(name, 0, most=9999) for name in ("fromYear", "toYear")]
    if not (first.strip() and last.strip()):
        raise invalid("fromYear", "the list needs two years")
    if not size:
        return []
    return call.server.albums.of_years(*years, limit=size, after=after, library=finding.library(call))


def _by_genre(call: Call, size: int, after: int) -> Sequence[Album]:
    genre = call.parameters.text("genre")
    if not size:
        return []
    return call.server.albums.of_genre(genre, limit=size, after=after, library=finding.library(call))


_KINDS: dict[str, Callable[[Call, int, int], Sequence[Album]]] = {
    "random": _random,
    "newest": _newest,
    "highest": _highest,
    "frequent": _frequent,
    "recent": _recent,
    "alphabeticalByName": _by_name,
    "alphabeticalByArtist": _by_artist,
    "starred": _starred,
    "byYear": _by_year,
    "byGenre": _by_genre,
}


def songs_by_genre(call: Call) -> Content:
    genre = call.parameters.text("genre")
    count = call.parameters.whole("count", _USUAL, most=finding.MOST)
    tracks = (
        call.server.tracks.full_of_genre(
            genre, limit=count, after=_offset(call), library=finding.library(call)
        )
        if count
        else []
    )
    return {"songsByGenre": {"song": shapes.songs(call, tracks)}}


def starred(call: Call) -> Content:
    songs, albums, artists = _starred_objects(call)
    return {
        "starred": {
            "artist": shapes.plain_artists(call, artists),
            "album": shapes.folders(call, albums),
            "song": songs,
        }
    }


def starred2(call: Call) -> Content:
    songs, albums, artists = _starred_objects(call)
    return {
        "starred2": {
            "artist": shapes.artists(call, artists),
            "album": shapes.albums(call, albums),
            "song": songs,
        }
    }


def _starred_objects(call: Call) -> tuple[list[shapes.Shape], list[Album], list[Artist]]:
    library, server = finding.library(call), call.server
    tracks = server.tracks.in_order(server.opinions.of_kind(call.user_id, "like", limit=_MOST_STARRED))
    if library is not None:
        tracks = [track for track in tracks if track.library == library]
    album_ids = [mark["key"] for mark in server.marks.starred(call.user_id, "album")]
    albums = [album for album in server.albums.several(album_ids) if library in (None, album["library"])]
    keys = [mark["key"] for mark in server.marks.starred(call.user_id, "artist")]
    artists = [
        artist for artist in server.artists.several(keys) if library is None or finding.is_in(artist, library)
    ]
    return shapes.songs(call, tracks), albums, artists


def now_playing(call: Call) -> Content:
    """The caller's own tracks, and those of friends who share their activity."""
    now = datetime.now(UTC)
    followed = [account.user_id for account in Follows(call.server.store).followed_by(call.user_id)]
    shown = PrivacyChoices(call.server.store).showing_activity(followed)
    heard = call.server.playbacks.now([call.user_id, *shown], at=now)
    known = call.server.tracks.full(one.playback.track_id for one in heard)
    heard = [one for one in heard if one.playback.track_id in known]
    songs = shapes.songs(call, [known[one.playback.track_id] for one in heard])
    entries = []
    for number, (one, shape) in enumerate(zip(heard, songs, strict=True), 1):
        begun = now.timestamp() - one.playback.began_at / 1000
        entries.append(
            shape
            | {
                "username": one.name or "",
                "minutesAgo": max(0, round(begun / 60)),
                "playerId": number,
                "playerName": one.client,
                "state": one.playback.state,
                "positionMs": one.playback.position_at(round(now.timestamp() * 1000)),
                "playbackRate": one.playback.rate,
            }
        )
    return {"nowPlaying": {"entry": entries}}


ENDPOINTS: dict[str, Endpoint] = {
    "getAlbumList": album_list,
    "getAlbumList2": album_list2,
    "getSongsByGenre": songs_by_genre,
    "getStarred": starred,
    "getStarred2": starred2,
    "getNowPlaying": now_playing,
}
