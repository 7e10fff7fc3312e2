"""A listener's plays and likes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from segue.catalog.part import Part
from segue.dashboard.language.words import translated
from segue.dashboard.queries.items import Item, list_items, read_items
from segue.dashboard.queries.times import day
from segue.plays.event_types import EventType
from segue.storage.store import Store
from segue.taste.history import PlayedTrack, last_played
from segue.taste.opinions import Kind, Opinions
from segue.taste.tastes import Tastes


def recently_played(store: Store, user_id: str, *, limit: int = 8) -> list[Item]:
    """The tracks played last, newest first, with their outcomes."""
    last = last_played(Tastes(store).history(user_id))[:limit]
    known = read_items(store, [played.track_id for played in last], source="home")
    return [_noted(known[played.track_id], played) for played in last if played.track_id in known]


def played_by_day(
    store: Store, user_id: str, *, offset: timedelta = timedelta(), limit: int = 300
) -> tuple[list[tuple[str, list[Item]]], int]:
    """The tracks played last by the day of their last play, newest first.

    The history has each track once with its newest signal, and at most `taste.max_signals` of them.
    `offset` is the listener's offset from UTC.

    Returns
    -------
    At most `limit` tracks by day, and the number of all.
    """
    every = last_played(Tastes(store).history(user_id))
    last = every[:limit]
    known = read_items(store, [played.track_id for played in last], source="playlist")
    days: dict[str, list[Item]] = {}
    for played in last:
        if played.track_id in known:
            days.setdefault(day(played.at, offset=offset), []).append(_noted(known[played.track_id], played))
    return list(days.items()), len(every)


def _noted(item: Item, played: PlayedTrack) -> Item:
    kind = EventType.named(played.event_type)
    return replace(item, note=translated(kind.label), tone=kind.tone)


def judged(store: Store, user_id: str, kind: Kind, *, limit: int = 200) -> Part[Item]:
    """The liked or disliked tracks, the latest opinion first."""
    opinions = Opinions(store)
    items = list_items(store, opinions.of_kind(user_id, kind, limit=limit), source="playlist")
    number = opinions.count(user_id, kind)
    # Songs that have left the library are not counted, as far as they are known.
    return Part(items, total=len(items) if number <= limit else number)
