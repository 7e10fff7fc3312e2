"""Endpoints that browse the library: by artist, album and song, by folder, by genre."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.dashboard.opensubsonic import finding, ids, near, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import not_found
from segue.operations.library_status import LibraryStatus

_ARTICLES = "The A An"
_MOST_OF_ARTIST = 1000
_MOST_SIMILAR = 20
_LIBRARY = re.compile(r"[0-9]{1,6}")


def music_folders(call: Call) -> Content:
    names = call.server.tracks.library_names()
    return {"musicFolders": {"musicFolder": [{"id": n, "name": name} for n, name in enumerate(names, 1)]}}


def artists(call: Call) -> Content:
    found = _artists_of_albums(call)
    listed = shapes.indexes(shapes.artists(call, found), [artist["sort"] for artist in found])
    return {"artists": {"ignoredArticles": _ARTICLES, "index": listed}}


def indexes(call: Call) -> Content:
    changed = _last_change(call)
    since = call.parameters.optional_whole("ifModifiedSince")
    found = [] if since is not None and changed <= since else _artists_of_albums(call)
    listed = shapes.indexes(shapes.plain_artists(call, found), [artist["sort"] for artist in found])
    return {
        "indexes": {
            "ignoredArticles": _ARTICLES,
            "lastModified": changed,
            "shortcut": [],
            "index": listed,
            "child": [],
        }
    }


def _artists_of_albums(call: Call) -> list[Artist]:
    return call.server.artists.with_albums(library=finding.library(call))


def _last_change(call: Call) -> int:
    """When the library last changed, epoch ms: songs came, went or got other tags.

    Songs that went leave no time behind, so the end of the last pass over the library counts as a change.
    """
    server = call.server
    times = (
        server.albums.revision()[1],
        server.artists.revision()[1],
        LibraryStatus(server.store).last_pass().get("summary_at"),
    )
    return round(max((at.timestamp() for at in times if at is not None), default=0.0) * 1000)


def artist(call: Call) -> Content:
    found = finding.artist(call, call.parameters.text("id"))
    shape = shapes.artists(call, [found])[0]
    return {"artist": shape | {"album": shapes.albums(call, _albums_with(call, found["_id"]))}}


def _albums_with(call: Call, key: str) -> list[Album]:
    """The albums of an artist, then those of others with the artist."""
    reader = call.server.albums
    return [*reader.by_artist(key, limit=_MOST_OF_ARTIST), *reader.with_artist(key, limit=_MOST_OF_ARTIST)]


def album(call: Call) -> Content:
    found = finding.album(call, call.parameters.text("id"))
    tracks = call.server.tracks.all_on_album(found["_id"])
    titles = {track.disc: track.disc_title for track in tracks if track.disc and track.disc_title}
    shape = shapes.albums(call, [found])[0]
    if titles:
        shape["discTitles"] = [{"disc": disc, "title": title} for disc, title in sorted(titles.items())]
    return {"album": shape | {"song": shapes.songs(call, tracks)}}


def song(call: Call) -> Content:
    return {"song": shapes.song(call, finding.track(call, call.parameters.text("id")))}


def directory(call: Call) -> Content:
    text = call.parameters.text("id")
    if _LIBRARY.fullmatch(text):
        return {"directory": _library(call, int(text))}
    kind, key = ids.parse(text)
    if kind == "artist":
        found = finding.artist(call, text)
        reader = call.server.albums
        albums = [
            *reader.by_artist(key, limit=_MOST_OF_ARTIST),
            *reader.with_artist(key, limit=_MOST_OF_ARTIST),
        ]
        head = shapes.plain_artists(call, [found])[0]
        return {"directory": head | {"child": shapes.folders(call, albums)}}
    if kind == "album":
        found_album = finding.album(call, text)
        shape = shapes.folders(call, [found_album])[0]
        kept = ("id", "parent", "starred", "userRating", "playCount")
        head = {name: shape[name] for name in kept if name in shape} | {"name": shape["title"]}
        tracks = call.server.tracks.all_on_album(found_album["_id"])
        return {"directory": head | {"child": shapes.songs(call, tracks)}}
    raise not_found("folder")


def _library(call: Call, number: int) -> shapes.Shape:
    name = finding.library_of(call, number)
    found = call.server.artists.with_albums(library=name)
    children = [
        {
            "id": shape["id"],
            "parent": str(number),
            "isDir": True,
            "title": shape["name"],
            "artist": shape["name"],
        }
        for shape in shapes.plain_artists(call, found)
    ]
    return {"id": str(number), "name": name, "child": children}


def genres(call: Call) -> Content:
    albums = call.server.albums.genre_counts()
    found = [
        {"value": genre, "songCount": tracks, "albumCount": albums.get(genre, 0)}
        for genre, tracks in call.server.tracks.genre_counts()
    ]
    return {"genres": {"genre": found}}


def artist_info(call: Call) -> Content:
    return {"artistInfo": _artist_info(call, shapes.plain_artists)}


def artist_info2(call: Call) -> Content:
    return {"artistInfo2": _artist_info(call, shapes.artists)}


def _artist_info(call: Call, shape: Callable[[Call, Sequence[Artist]], list[shapes.Shape]]) -> shapes.Shape:
    found = _artist_of(call, call.parameters.text("id"))
    if found is None:
        return {"similarArtist": []}
    count = call.parameters.whole("count", _MOST_SIMILAR, most=100)
    info: shapes.Shape = {"similarArtist": shape(call, near.artists(call, found["_id"], limit=count))}
    if found["artist_id"]:
        info["musicBrainzId"] = found["artist_id"]
    return info


def _artist_of(call: Call, text: str) -> Artist | None:
    """The artist of an id, or the main artist of the song or album of an id."""
    kind, _ = ids.parse(text)
    if kind == "artist":
        return finding.artist(call, text)
    if kind == "album":
        keys = finding.album(call, text)["artist_keys"]
    else:
        keys = [credit.key for credit in finding.track(call, text).artists]
    return call.server.artists.get(keys[0]) if keys else None


def album_info(call: Call) -> Content:
    text = call.parameters.text("id")
    if ids.parse(text).kind == "track":
        album_id = finding.track(call, text).album_id
        found = call.server.albums.get(album_id) if album_id else None
    else:
        found = finding.album(call, text)
    release = found["release"] if found else None
    return {"albumInfo": {"musicBrainzId": release} if release else {}}


ENDPOINTS: dict[str, Endpoint] = {
    "getMusicFolders": music_folders,
    "getArtists": artists,
    "getIndexes": indexes,
    "getArtist": artist,
    "getAlbum": album,
    "getSong": song,
    "getMusicDirectory": directory,
    "getGenres": genres,
    "getArtistInfo": artist_info,
    "getArtistInfo2": artist_info2,
    "getAlbumInfo": album_info,
    "getAlbumInfo2": album_info,
}
