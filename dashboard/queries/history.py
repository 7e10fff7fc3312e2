"""What a listener has heard and liked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pymongo.database import Database

from segue.dashboard.queries.items import Item, list_items, read_items
from segue.dashboard.queries.live import heard_in
from segue.dashboard.queries.outcomes import OUTCOMES
from segue.dashboard.queries.times import day
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.opinions import Opinions


def recently_played(database: Database[Document], user_id: str, *, limit: int = 8) -> list[Item]:
    """The tracks heard last, newest first, with what came of them."""
    taste = database.tastes.find_one({"_id": user_id}, {"windows": 1}) or {"windows": {}}
    last = heard_in(taste["windows"])[:limit]
    known = read_items(Store(database), [track_id for track_id, _, _ in last], source="home")
    return [_noted(known[track_id], outcome) for track_id, outcome, _ in last if track_id in known]


def played_by_day(
    database: Database[Document], user_id: str, *, offset: timedelta = timedelta(), limit: int = 300
) -> list[tuple[str, list[Item]]]:
    """The tracks heard last under the days of their last plays, newest first.

    What is known are the signals that the taste is made of: each track once, with the last thing said of it,
    and no more of them than `taste.max_signals`. `offset` is how far the listener's clock is ahead of UTC.
    """
    taste = database.tastes.find_one({"_id": user_id}, {"windows": 1}) or {"windows": {}}
    last = heard_in(taste["windows"])[:limit]
    known = read_items(Store(database), [track_id for track_id, _, _ in last], source="playlist")
    days: dict[str, list[Item]] = {}
    for track_id, outcome, at in last:
        if track_id in known:
            days.setdefault(day(at, offset=offset), []).append(_noted(known[track_id], outcome))
    return list(days.items())


def _noted(item: Item, outcome: str) -> Item:
    words, tone = OUTCOMES.get(outcome, (outcome, ""))
    return replace(item, note=words, tone=tone)


def liked(store: Store, user_id: str, *, limit: int = 200) -> list[Item]:
    """The tracks with a heart, the last one first."""
    return list_items(store, Opinions(store).liked(user_id, limit=limit), source="playlist")
