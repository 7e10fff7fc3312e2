"""The catalogue of another server, page by page.

A search for nothing lists all songs of most servers; the others list their albums. A list that is missing is
the end, and so is a page with known entries only: some servers begin again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segue.connected.client import OpenSubsonic
from segue.connected.faults import NoSuchThing, ServerAway, UnexpectedAnswer
from segue.connected.remote_songs import RemoteSong, identifier, in_seconds, song_of, songs_of

PAGE = 500
MOST_SONGS = 1_000_000
"""A server that lists more songs, or more albums, never ends its lists."""
LONGEST_SECONDS = 4 * 3600.0
"""A list that takes longer is given up: other libraries wait for it."""


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
    known = isinstance(last, str) and last and isinstance(count, int)
    # A digest: the texts may be of any length, and of characters that cannot be stored.
    mark = hashlib.sha256(f"{last}/{count}".encode("utf-8", "replace")).hexdigest()[:32] if known else None
    return ScanStatus(scanning=status.get("scanning") is True, mark=mark)


def all_songs(
    client: OpenSubsonic,
    *,
    progress: Callable[[int], None] = lambda number: None,
    clock: Callable[[], float] = time.monotonic,
) -> list[RemoteSong]:
    """All songs of a server, each once, with their lengths in seconds.

    Raises
    ------
    ServerFault
        It is away, too slow, or answers with an error: the list is complete, or there is none.
    """
    found: dict[str, RemoteSong] = {}
    ends = clock() + LONGEST_SECONDS

    def in_time(pages: Iterator[list[RemoteSong]]) -> Iterator[list[RemoteSong]]:
        for page in pages:
            yield page
            if clock() > ends:
                raise ServerAway(
                    f"{client.address} is too slow: its list took more than {LONGEST_SECONDS / 3600:g} hours"
                )

    try:
        for page in in_time(_searched(client)):
            _take(found, page)
            progress(len(found))
    except UnexpectedAnswer:
        if found:
            raise
    if not found:
        for page in in_time(_of_albums(client)):
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


def _take(found: dict[str, RemoteSong], page: list[RemoteSong]) -> None:
    """Add the songs of a page."""
    for one in page:
        found.setdefault(one.song_id, one)
    if len(found) > MOST_SONGS:
        raise UnexpectedAnswer(f"the server lists more than {MOST_SONGS} songs")


def _searched(client: OpenSubsonic) -> Iterator[list[RemoteSong]]:
    return (songs_of(page) for page in searched(client))


def searched(client: OpenSubsonic) -> Iterator[list[object]]:
    """All songs that a search for nothing finds, as the server describes them, page by page. A page without
    a new song is the last one.
    """
    offset, known = 0, set[str]()
    while True:
        wanted = {"query": "", "songCount": PAGE, "songOffset": offset, "albumCount": 0, "artistCount": 0}
        result = client.call("search3", wanted).get("searchResult3")
        entries = entries_of(result if isinstance(result, dict) else {}, "song")
        ids = {own for one in entries if isinstance(one, dict) and (own := identifier(one.get("id")))}
        if ids <= known:
            return
        known |= ids
        if len(known) > MOST_SONGS:
            raise UnexpectedAnswer(f"the server lists more than {MOST_SONGS} songs")
        yield entries
        offset += len(entries)


def _of_albums(client: OpenSubsonic) -> Iterator[list[RemoteSong]]:
    """The songs of all albums, an album at a time."""
    offset, known = 0, set[str]()
    while True:
        wanted = {"type": "alphabeticalByName", "size": PAGE, "offset": offset}
        result = client.call("getAlbumList2", wanted).get("albumList2")
        entries = entries_of(result if isinstance(result, dict) else {}, "album")
        albums = [
            own for entry in entries if isinstance(entry, dict) and (own := identifier(entry.get("id")))
        ]
        new = [own for own in dict.fromkeys(albums) if own not in known]
        if not new:
            return
        known.update(new)
        if len(known) > MOST_SONGS:
            raise UnexpectedAnswer(f"the server lists more than {MOST_SONGS} albums")
        offset += len(entries)
        for own in new:
            try:
                album = client.call("getAlbum", {"id": own}).get("album")
            except NoSuchThing:  # it has gone since the list was made
                album = None
            yield songs_of(entries_of(album, "song")) if isinstance(album, dict) else []


def entries_of(found: Mapping[str, Any], name: str) -> list[object]:
    """A list of an answer; a single object is a list of one, and a missing list is empty."""
    entries = found.get(name)
    if entries is None:
        return []
    return entries if isinstance(entries, list) else [entries]
