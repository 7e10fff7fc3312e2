"""Generated playlists: the daily mix, never-heard tracks, a path, the continuation of a playlist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.items import Item, list_items
from segue.dashboard.queries.profile import KnownListener, read_listener
from segue.dashboard.queries.sounding import UnknownTrack
from segue.index.bundle import Bundle
from segue.playlists import generate
from segue.playlists.day_lists import DayLists
from segue.playlists.path import path
from segue.playlists.transitions import Material, Transitions
from segue.ranking.artist_limit import ArtistLimit
from segue.settings import Settings

SETTLED = 10
"""With at least as many liked songs, a listener's daily list stays the same all day."""


class PlaylistGenerator:
    """Generates playlists for one listener from the index in use.

    Raises
    ------
    SegueError
        The constructor: there is no index yet.
    """

    def __init__(
        self, catalogue: CatalogueReader, settings: Settings, user_id: str, *, kept: DayLists
    ) -> None:
        self._catalogue, self._settings, self._user_id, self._kept = catalogue, settings, user_id, kept
        self._bundle: Bundle = catalogue.bundle()
        self._known: KnownListener = read_listener(catalogue, settings, user_id, bundle=self._bundle)
        self._material = Material(
            self._bundle,
            Transitions(self._bundle.vectors, catalogue.moods(self._bundle)),
            ArtistLimit.of(self._bundle, settings.ranking),
        )
        self._items = settings.playlists.list_length

    def daily_mix(self, day: date) -> list[Item]:
        """Liked songs and new ones, the new ones with a note; the same all day. Empty without likes."""
        items = self._of_the_day("mix", day, self._mix)
        heard = set(self._bundle.ids(sorted(self._known.heard)))
        return [item if item.track_id in heard else replace(item, note="new to you") for item in items]

    def _mix(self, seed: str) -> list[int]:
        return generate.daily_mix(
            self._known.positive,
            seed=seed,
            items=self._items,
            familiar=self._settings.playlists.familiar_share,
            material=self._material,
            heard=self._known.heard,
            avoid=self._known.disliked,
        )

    def discovery(self, day: date) -> list[Item]:
        """Songs that the listener has never heard, as far back as plays are kept; others every day."""
        return self._of_the_day("discovery", day, self._never_heard)

    def _never_heard(self, seed: str) -> list[int]:
        return generate.discover(
            self._known.positive,
            seed=seed,
            items=self._items,
            material=self._material,
            heard=self._known.heard,
            avoid=self._known.disliked,
        )

    def _of_the_day(self, kind: str, day: date, make: Callable[[str], list[int]]) -> list[Item]:
        """The stored daily mix, or a new one; without tracks disliked since."""
        tracks = self._kept.read(self._user_id, kind, day)
        if tracks is None:
            tracks = self._bundle.ids(make(f"{self._user_id}\n{day}"))
            # A new listener's list would stay all day on the basis of a single song.
            if tracks and len(self._known.positive) >= SETTLED:
                tracks = self._kept.keep(self._user_id, kind, day, tracks)
        disliked = set(self._bundle.ids(sorted(self._known.disliked)))
        wanted = [track_id for track_id in tracks if track_id not in disliked]
        return list_items(self._catalogue.store, wanted, source="playlist")

    def continuation(self, tracks: Sequence[str]) -> list[Item]:
        """A continuation of a playlist; empty if all its tracks are newer than the index."""
        return self._shown(
            generate.continue_list(
                [row for row in self._bundle.rows(list(tracks)).tolist() if row >= 0],
                items=self._items,
                material=self._material,
                avoid=self._known.disliked,
            )
        )

    def path(self, first: str, last: str, *, items: int | None = None) -> list[Item]:
        """A path from one track to another, of `items` songs or of the usual number.

        Raises
        ------
        UnknownTrack
            The index lacks a track, or both are the same.
        """
        start, end = self._bundle.rows([first, last]).tolist()
        if start < 0 or end < 0:
            raise UnknownTrack("One of the two songs is newer than the index, or not in the library.")
        if start == end:
            raise UnknownTrack("A path needs two songs.")
        return self._shown(
            path(
                start,
                end,
                items=items or self._items,
                material=self._material,
                avoid=self._known.disliked,
            )
        )

    def _shown(self, rows: Sequence[int]) -> list[Item]:
        """Items for rows of the index, without tracks that have left the library since it was built."""
        return list_items(self._catalogue.store, self._bundle.ids(rows), source="playlist")
