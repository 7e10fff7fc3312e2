"""The catalogue of another server, page by page.

A search for nothing lists all songs of most servers; the others list their albums. A list that is missing is
the end, and so is a page with known entries only: some servers begin again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segue.connected.client import OpenSubsonic
from segue.connected.faults import NoSuchThing, UnexpectedAnswer
from segue.connected.remote_songs import RemoteSong, identifier, in_seconds, song_of, songs_of

PAGE = 500
MOST_SONGS = 1_000_000
"""A server that lists more never ends its lists."""


@dataclass(frozen=True, kw_only=True)
class ScanStatus:
    """The state of the server's own scan."""

    scanning: bool
    mark: str | None
    """Another mark means another catalogue; None if the server does not tell."""


def scan_status(client: OpenSubsonic) -> ScanStatus:
    """The state of the server's own scan: many servers let only administrators ask."""
    try:
        found = client.call("getScanStatus").get("scanStatus")
    except (UnexpectedAnswer, NoSuchThing):
        return ScanStatus(scanning=False, mark=None)
    status = found if isinstance(found, dict) else {}
    last, count = status.get("lastScan"), status.get("count")
    mark = f"{last}/{count}" if isinstance(last, str) and last and isinstance(count, int) else None
    return ScanStatus(scanning=status.get("scanning") is True, mark=mark)


def all_songs(
    client: OpenSubsonic, *, progress: Callable[[int], None] = lambda number: None
) -> list[RemoteSong]:
    """All songs of a server, each once, with their lengths in seconds.

    Raises
    ------
    ServerFault
        It is away or answers with an error: the list is complete, or there is none.
    """
    found: dict[str, RemoteSong] = {}
    try:
        for page in _searched(client):
            if not _take(found, page):
                break
            progress(len(found))
    except UnexpectedAnswer:
        if found:
            raise
    if not found:
        for page in _of_albums(client):
            _take(found, page)
            progress(len(found))
    return in_seconds(list(found.values()))


def song(client: OpenSubsonic, song_id: str) -> RemoteSong | None:
    """A song by its id; None if the server does not have it."""
    try:
        found = client.call("getSong", {"id": song_id}).get("song")
    except NoSuchThing:
        return None
    entry = song_of(found) if isinstance(found, dict) else None
    if entry is None:
        raise UnexpectedAnswer(f"{client.address} does not describe song {song_id}")
    return entry


def _take(found: dict[str, RemoteSong], page: list[RemoteSong]) -> bool:
    """Add the songs of a page; returns whether one of them is new."""
    before = len(found)
    for one in page:
        found.setdefault(one.song_id, one)
    if len(found) > MOST_SONGS:
        raise UnexpectedAnswer(f"the server lists more than {MOST_SONGS} songs")
    return len(found) > before


def _searched(client: OpenSubsonic) -> Iterator[list[RemoteSong]]:
    offset = 0
    while True:
        wanted = {"query": "", "songCount": PAGE, "songOffset": offset, "albumCount": 0, "artistCount": 0}
        result = client.call("search3", wanted).get("searchResult3")
        entries = _list(result if isinstance(result, dict) else {}, "song")
        if not entries:
            return
        yield songs_of(entries)
        offset += len(entries)


def _of_albums(client: OpenSubsonic) -> Iterator[list[RemoteSong]]:
    """The songs of all albums, an album at a time."""
    offset, known = 0, set[str]()
    while True:
        wanted = {"type": "alphabeticalByName", "size": PAGE, "offset": offset}
        result = client.call("getAlbumList2", wanted).get("albumList2")
        entries = _list(result if isinstance(result, dict) else {}, "album")
        albums = [
            own for entry in entries if isinstance(entry, dict) and (own := identifier(entry.get("id")))
        ]
        new = [own for own in dict.fromkeys(albums) if own not in known]
        if not new:
            return
        known.update(new)
        offset += len(entries)
        for own in new:
            try:
                album = client.call("getAlbum", {"id": own}).get("album")
            except NoSuchThing:  # it has gone since the list was made
                continue
            if isinstance(album, dict):
                yield songs_of(_list(album, "song"))


def _list(found: Mapping[str, Any], name: str) -> list[object]:
    """A list of an answer; a single object is a list of one, and a missing list is empty."""
    entries = found.get(name)
    if entries is None:
        return []
    return entries if isinstance(entries, list) else [entries]
