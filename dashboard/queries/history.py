"""What a listener has heard and liked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from segue.dashboard.queries.items import Item, list_items, read_items
from segue.dashboard.queries.times import day
from segue.plays.event_types import EventType
from segue.storage.store import Store
from segue.taste.history import PlayedTrack, last_played
from segue.taste.opinions import Opinions
from segue.taste.tastes import Tastes


def recently_played(store: Store, user_id: str, *, limit: int = 8) -> list[Item]:
    """The tracks heard last, newest first, with what came of them."""
    last = last_played(Tastes(store).history(user_id))[:limit]
    known = read_items(store, [played.track_id for played in last], source="home")
    return [_noted(known[played.track_id], played) for played in last if played.track_id in known]


def played_by_day(
    store: Store, user_id: str, *, offset: timedelta = timedelta(), limit: int = 300
) -> list[tuple[str, list[Item]]]:
    """The tracks heard last under the days of their last plays, newest first.

    What is known are the signals that the taste is made of: each track once, with the last thing said of it,
    and no more of them than `taste.max_signals`. `offset` is how far the listener's clock is ahead of UTC.
    """
    last = last_played(Tastes(store).history(user_id))[:limit]
    known = read_items(store, [played.track_id for played in last], source="playlist")
    days: dict[str, list[Item]] = {}
    for played in last:
        if played.track_id in known:
            days.setdefault(day(played.at, offset=offset), []).append(_noted(known[played.track_id], played))
    return list(days.items())


def _noted(item: Item, played: PlayedTrack) -> Item:
    kind = EventType.named(played.event_type)
    return replace(item, note=kind.label, tone=kind.tone)


def liked(store: Store, user_id: str, *, limit: int = 200) -> list[Item]:
    """The tracks with a heart, the last one first."""
    return list_items(store, Opinions(store).liked(user_id, limit=limit), source="playlist")
