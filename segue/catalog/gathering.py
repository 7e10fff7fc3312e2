"""Keeps the collections `albums` and `artists` in line with the tracks.

Delivery: tracks are marked as assigned last. An interrupted run leaves them unmarked, and the
next completes it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from segue.audio.levels import Level
from segue.audio.loudness import together
from segue.catalog.albums import Album, AlbumCounts, Albums
from segue.catalog.artists import MOST_GENRES, Artist, Artists, ArtistShare
from segue.catalog.grouped_tracks import GroupedTrack, GroupedTracks, parts
from segue.catalog.grouping import albums_of, common_artists, most_of, without_disc
from segue.catalog.letters import sort_key
from segue.storage.store import Store

VARIOUS = "Various Artists"
"""The name of the artist of a compilation."""
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The result of a run: how many tracks were assigned, and how many albums and artists were written."""

    tracks: int
    albums: int
    artists: int


def gather(store: Store, changed: Iterable[str] = ()) -> Gathered:
    """Bring albums and artists up to date with the tracks that were written or have gone since the last run.

    Parameters
    ----------
    changed
        Further tracks to assign again, such as those that only moved to another folder.
    """
    tracks, albums, artists = GroupedTracks(store), Albums(store), Artists(store)
    wanted = list(dict.fromkeys([*tracks.to_group(), *changed]))
    album_ids: set[str] = set()
    artist_keys: set[str] = set()
    album_keys: set[str] = set()
    complete: set[str] = set()
    for ids in parts(wanted):
        noted, others = tracks.noted(ids)
        album_ids |= {track.album_id for track in noted if track.album_id}
        for known in noted:
            artist_keys |= set(known.keys)
            album_keys.add(known.album_key)
        found = list(tracks.in_any_state(others))
        album_ids |= {track.album_id for track in found if track.album_id}
        for track in found:
            artist_keys |= {*track.counted, *track.keys}
            album_keys |= {track.member.key, track.old_key or ""}
        tracks.note(found)
        alone = [track for track in found if not track.member.key]
        own = albums_of(track.member for track in alone)
        album_ids |= set(own.values())
        tracks.assign({track.track_id: own.get(track.track_id) for track in alone})
    for keys in parts(sorted(album_keys - {""})):
        bucket = list(tracks.with_keys(keys))
        assigned = albums_of(track.member for track in bucket)
        moved = {t.track_id: assigned[t.track_id] for t in bucket if assigned[t.track_id] != t.album_id}
        touched = {t.album_id for t in bucket if t.track_id in moved and t.album_id} | set(moved.values())
        album_ids |= touched
        complete -= touched
        tracks.assign(moved)
        by_album = _by_album((assigned[track.track_id], track) for track in bucket)
        # Most albums have all their tracks under these keys, and need not be read once more.
        sizes = tracks.numbers(album_ids & by_album.keys())
        whole = {own: by_album[own] for own, number in sizes.items() if number == len(by_album[own])}
        artist_keys |= _replace(albums, whole, whole)
        complete |= whole.keys()
    for ids in parts(sorted(album_ids - complete)):
        those = _by_album((track.album_id or "", track) for track in tracks.of_albums(ids))
        artist_keys |= _replace(albums, ids, those)
    for keys in parts(sorted(artist_keys)):
        artists.replace(keys, _artists(keys, tracks, albums))
    tracks.settle(wanted)
    return Gathered(tracks=len(wanted), albums=len(album_ids), artists=len(artist_keys))


def _by_album(pairs: Iterable[tuple[str, GroupedTrack]]) -> dict[str, list[GroupedTrack]]:
    """Tracks by the ids of their albums."""
    found: dict[str, list[GroupedTrack]] = defaultdict(list)
    for own, track in pairs:
        found[own].append(track)
    return found


def _replace(albums: Albums, ids: Iterable[str], tracks: Mapping[str, Sequence[GroupedTrack]]) -> set[str]:
    """Write the albums of these ids by their tracks; returns the keys of artists before and after."""
    wanted = list(ids)
    before = albums.stored(wanted)
    written = [_album(own, those) for own, those in sorted(tracks.items())]
    albums.replace(wanted, written)
    return {key for album in (*before, *written) for key in (*album["artist_keys"], *album["appearing"])}


def rebuild(store: Store) -> Gathered:
    """Compute all albums and artists again, from the tracks alone."""
    GroupedTracks(store).forget_groups()
    Albums(store).clear()
    Artists(store).clear()
    return gather(store)


def _album(album_id: str, tracks: Sequence[GroupedTrack]) -> Album:
    tracks = sorted(tracks, key=lambda track: track.track_id)
    names = [without_disc(track.album) for track in tracks if track.album]
    keys, shown, various = _artists_of_album(tracks)
    name = _first(names) or tracks[0].title
    sort = _first(track.details.get("album_sort") for track in tracks) or name
    artist_sort = _first(_sort_of(track) for track in tracks) if not various else None
    on_tracks = dict.fromkeys(key for track in tracks for key in track.keys)
    discs = {track.details.get("disc") or 1 for track in tracks}
    added = [track.added_at for track in tracks if track.added_at]
    level = _level(tracks)
    return {
        "_id": album_id,
        "library": tracks[0].member.library,
        "name": name,
        "key": _first(track.member.key for track in tracks) or "",
        "keys": sorted({track.member.key for track in tracks}),
        "artist": shown,
        "artist_keys": list(keys),
        "appearing": sorted(set(on_tracks) - set(keys)),
        "various": various,
        "sort": sort_key(sort),
        "artist_sort": sort_key(artist_sort or shown),
        "year": _first(track.member.year for track in tracks),
        "original_year": _first(track.details.get("original_year") for track in tracks),
        "edition": most_of([track.member.edition for track in tracks]),
        "release": tracks[0].member.release or most_of([track.member.release for track in tracks]),
        "release_group": most_of([(track.details.get("ids") or {}).get("release_group") for track in tracks]),
        "tracks": len(tracks),
        "discs": len(discs),
        "duration_ms": sum(track.duration_ms for track in tracks),
        "genres": _genres(tracks),
        "cover_id": _first(track.cover_id for track in tracks),
        "loudness": level.integrated if level else None,
        "peak": level.peak if level else None,
        "added_at": max(added, default=None),
    }


def _level(tracks: Sequence[GroupedTrack]) -> Level | None:
    """The loudness of an album; None until all of its tracks are measured."""
    levels = [track.level for track in tracks if track.level]
    return together(levels) if len(levels) == len(tracks) else None


def _artists_of_album(tracks: Sequence[GroupedTrack]) -> tuple[tuple[str, ...], str, bool]:
    """The keys of an album's artists, their names as one text, and whether it is a compilation."""
    members = [track.member for track in tracks]
    named = [member.album_artists for member in members if member.album_artists]
    names = _names(tracks)
    if not named and (any(member.various for member in members) or common_artists(members) is None):
        return ((), VARIOUS, True) if names else ((), "", False)
    keys = _first(named) or common_artists(members) or ()
    return keys, ", ".join(names.get(key, key) for key in keys), False


def _names(tracks: Iterable[GroupedTrack]) -> dict[str, str]:
    """The most frequent spelling of each artist's name, by key."""
    found: dict[str, list[str]] = defaultdict(list)
    for track in tracks:
        album_artists = zip(
            track.member.album_artists, track.details.get("album_artists") or (), strict=False
        )
        own = [*zip(track.member.artists, track.names, strict=True), *album_artists]
        for key, name in (*own, *zip(track.featured_keys, track.featured, strict=True)):
            found[key].append(name)
    return {key: _first(names) or key for key, names in found.items()}


def _sort_of(track: GroupedTrack) -> str | None:
    """The text by which the album's artist is sorted, where the tags give it."""
    own: str | None = track.details.get("album_artist_sort")
    same = not track.member.album_artists or set(track.member.album_artists) == set(track.member.artists)
    return own or (track.details.get("artist_sort") if same else None)


def _artists(keys: Sequence[str], tracks: GroupedTracks, albums: Albums) -> list[Artist]:
    wanted = set(keys)
    main: dict[str, list[GroupedTrack]] = defaultdict(list)
    guest: dict[str, list[GroupedTrack]] = defaultdict(list)
    for track in tracks.of_artists(keys):
        for key in wanted.intersection(track.member.artists):
            main[key].append(track)
        for key in wanted.intersection(track.featured_keys):
            guest[key].append(track)
    counts = albums.counts(keys)
    of_albums = albums.names(keys)
    found: list[Artist] = []
    for key in sorted({*main, *guest, *counts.keys()}):
        mine = sorted(main[key], key=lambda track: track.track_id)
        all_tracks = [*mine, *guest[key]]
        name = _names(all_tracks).get(key) or of_albums.get(key) or key
        sorts = [t.details.get("artist_sort") for t in mine if t.member.artists == (key,)]
        ids = [(t.details.get("ids") or {}).get("artists", [None])[0] for t in mine if t.keys == (key,)]
        shares = _shares(mine, guest[key], albums=counts.get(key, {}))
        found.append(
            {
                "_id": key,
                "name": name,
                "sort": sort_key(_first(sorts) or name),
                "artist_id": _first(ids),
                "tracks": len(mine),
                "featured": len(guest[key]),
                "albums": sum(share["albums"] for share in shares),
                "appears_on": sum(share["appears_on"] for share in shares),
                "duration_ms": sum(track.duration_ms for track in mine),
                "genres": _genres(all_tracks),
                "cover_id": _first(track.cover_id for track in all_tracks),
                "libraries": shares,
            }
        )
    return found


def _shares(
    mine: Sequence[GroupedTrack], others: Sequence[GroupedTrack], *, albums: Mapping[str, AlbumCounts]
) -> list[ArtistShare]:
    """An artist's counts by library, of the artist's tracks (`mine`) and those that feature the artist."""
    shares: list[ArtistShare] = []
    for library in sorted({*albums, *(track.member.library for track in (*mine, *others))}):
        own, featuring = (
            [track for track in tracks if track.member.library == library] for tracks in (mine, others)
        )
        counted = albums.get(library, AlbumCounts())
        shares.append(
            {
                "library": library,
                "tracks": len(own),
                "featured": len(featuring),
                "albums": counted.own,
                "appears_on": counted.others,
                "duration_ms": sum(track.duration_ms for track in own),
                "genres": _genres([*own, *featuring]),
                "cover_id": _first(track.cover_id for track in (*own, *featuring)),
            }
        )
    return shares


def _genres(tracks: Iterable[GroupedTrack]) -> list[str]:
    counts = Counter(genre for track in tracks for genre in track.genres)
    return sorted(counts, key=lambda genre: (-counts[genre], genre))[:MOST_GENRES]


def _first(values: Iterable[_T | None]) -> _T | None:
    """The most frequent of the given values; of several, the first in order."""
    counts = Counter(value for value in values if value)
    return min(counts, key=lambda value: (-counts[value], str(value)), default=None)
