"""Endpoints that search. An empty query lists everything, for apps that keep a copy of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import finding, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.storage.keyset import Place

_USUAL = 20
_MOST = 10_000
"""Entries of a page. The protocol has no limit, and apps take a page that is too short for the last one."""
_MOST_FOUND = 2000
"""Matches of a query that pages can reach."""
_T = TypeVar("_T")


def search2(call: Call) -> Content:
    return {
        "searchResult2": {
            "artist": shapes.plain_artists(call, _artists(call)),
            "album": shapes.folders(call, _albums(call)),
            "song": shapes.songs(call, _songs(call)),
        }
    }


def search3(call: Call) -> Content:
    return {
        "searchResult3": {
            "artist": shapes.artists(call, _artists(call)),
            "album": shapes.albums(call, _albums(call)),
            "song": shapes.songs(call, _songs(call)),
        }
    }


def search(call: Call) -> Content:
    """The search of the protocol before 1.4: songs that match any of the given texts.

    `newerThan` leaves songs out that came into the library before.
    """
    parameters = call.parameters
    words = [parameters.optional(name) or "" for name in ("any", "artist", "album", "title")]
    count = parameters.whole("count", _USUAL, most=finding.MOST)
    after = parameters.whole("offset", 0, most=_MOST_FOUND)
    query = " ".join(filter(None, words))
    since = parameters.optional_whole("newerThan")
    if not query or not count:
        tracks, total = [], 0
    elif since is None:
        found = call.server.catalogue.search_ids(query, limit=after + count)
        tracks, total = call.server.tracks.in_order(found[after : after + count]), found.total
    else:
        every = call.server.tracks.in_order(call.server.catalogue.search_ids(query, limit=_MOST_FOUND))
        newer = [track for track in every if track.added_at and track.added_at.timestamp() * 1000 >= since]
        tracks, total = newer[after : after + count], len(newer)
    return {"searchResult": {"offset": after, "totalHits": total, "match": shapes.songs(call, tracks)}}


def _query(call: Call) -> str:
    """The query; empty for "", which some apps send as two quotation marks."""
    text = call.parameters.text("query").strip()
    return "" if text == '""' else text.removesuffix("*")


def _window(call: Call, kind: str) -> tuple[int, int]:
    count = call.parameters.whole(f"{kind}Count", _USUAL, most=_MOST)
    return count, call.parameters.whole(f"{kind}Offset", 0, most=2**31 - 1)


def _artists(call: Call) -> Sequence[Artist]:
    count, after = _window(call, "artist")
    library = finding.library(call)
    if not count:
        return []
    if not (query := _query(call)):
        if library is not None:
            return call.server.artists.with_albums(library=library)[after : after + count]
        return call.server.artists.page(by="name", limit=count, after=Place(None, after))
    search = call.server.catalogue.search_artists
    if library is None:
        return _page(search, query, count, after)
    own = [artist for artist in search(query, limit=_MOST_FOUND) if finding.is_in(artist, library)]
    return own[after : after + count]


def _albums(call: Call) -> Sequence[Album]:
    count, after = _window(call, "album")
    library = finding.library(call)
    if not count:
        return []
    if not (query := _query(call)):
        return call.server.albums.listed(by="name", limit=count, after=after, library=library)
    search = call.server.catalogue.search_albums
    if library is None:
        return _page(search, query, count, after)
    own = [album for album in search(query, limit=_MOST_FOUND) if album["library"] == library]
    return own[after : after + count]


def _songs(call: Call) -> Sequence[FullTrack]:
    count, after = _window(call, "song")
    library = finding.library(call)
    if not count:
        return []
    if not (query := _query(call)):
        return call.server.tracks.page(limit=count, after=after, library=library)
    reader, search = call.server.tracks, call.server.catalogue.search_ids
    if library is None:
        return reader.in_order(_page(search, query, count, after))
    found = reader.in_order(search(query, limit=_MOST_FOUND))
    return [track for track in found if track.library == library][after : after + count]


def _page(search: Callable[..., Sequence[_T]], query: str, count: int, after: int) -> Sequence[_T]:
    """A page of the matches of a query, best first."""
    if after >= _MOST_FOUND:
        return []
    return search(query, limit=min(after + count, _MOST_FOUND))[after:]


ENDPOINTS: dict[str, Endpoint] = {"search": search, "search2": search2, "search3": search3}
