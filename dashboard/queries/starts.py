"""The selection for a cold start from the genres and artists that the listener has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest

from segue.catalog.tracks import Tracks
from segue.storage.store import Store
from segue.taste.starts import MOST, StartingChoice

_LOOKED_AT = 200


def selection(store: Store, choice: StartingChoice, *, size: int) -> list[tuple[str, str]]:
    """Tracks of the chosen genres and artists in turn, each with the genre or artist that it was chosen for.

    Returns
    -------
    (track id, genre or artist) pairs, at most `size`, each track once.
    """
    tracks = Tracks(store)
    genres = [_picked(tracks.some_of_genre(genre, limit=_LOOKED_AT), genre) for genre in choice.genres[:MOST]]
    artists = [
        _picked(tracks.some_of_artist(artist, limit=_LOOKED_AT), artist) for artist in choice.artists[:MOST]
    ]
    chosen: dict[str, str] = {}
    for pair in _in_turn([*genres, *artists]):
        chosen.setdefault(*pair)
    return list(chosen.items())[:size]


def _picked(artists: Mapping[str, str], pick: str) -> list[tuple[str, str]]:
    """Tracks with their genre or artist, alternating between artists; `artists` maps track ids to artists."""
    by_artist: dict[str, list[tuple[str, str]]] = {}
    for track_id, artist in artists.items():
        by_artist.setdefault(artist, []).append((track_id, pick))
    return list(_in_turn(by_artist.values()))


def _in_turn(groups: Iterable[Sequence[tuple[str, str]]]) -> Iterable[tuple[str, str]]:
    """The first of each group, then the second of each, and so on."""
    return (track for track in chain.from_iterable(zip_longest(*groups)) if track is not None)
