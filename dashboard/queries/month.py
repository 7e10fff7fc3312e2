"""The card of a listener's month."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from segue.catalog.covers import Covers
from segue.catalog.tracks import Tracks
from segue.dashboard.language.formats import day
from segue.dashboard.pictures.month import MonthCard, draw
from segue.dashboard.queries import listening
from segue.engagement.patterns import By, calendar, clock, top
from segue.people.login_sessions import Listener
from segue.settings import EngagementSettings
from segue.storage.store import Store


def title(since: datetime, *, zone: str) -> str:
    """The name of the month that starts at `since`."""
    return day(pd.Timestamp(since).tz_convert(zone), skeleton="yMMMM")


def bounds(since: datetime, *, zone: str) -> tuple[datetime, datetime]:
    """The month that contains `since`, as [since, until)."""
    return listening.months(since, since + timedelta(seconds=1), zone=zone)[0]


def card(
    store: Store,
    listener: Listener,
    *,
    since: datetime,
    until: datetime,
    zone: str,
    engagement: EngagementSettings,
) -> bytes | None:
    """The card of [since, until) as a PNG; None without plays."""
    found = contents(store, listener, since=since, until=until, zone=zone, engagement=engagement)
    return draw(found) if found else None


def contents(
    store: Store,
    listener: Listener,
    *,
    since: datetime,
    until: datetime,
    zone: str,
    engagement: EngagementSettings,
) -> MonthCard | None:
    """The contents of the card of [since, until); None without plays."""
    span = listening.read(store, listener.user_id, since=since, until=until, zone=zone, engagement=engagement)
    if not span.plays:
        return None
    best = top(span.rows, "track_id", limit=3)["key"].to_list()
    known = Tracks(store).named(best)
    cover_id = known[best[0]].cover_id if best else None
    cover = Covers(store).read(cover_id) if cover_id else None
    return MonthCard(
        title=title(since, zone=zone),
        name=listener.name or "",
        minutes=span.minutes,
        plays=span.plays,
        days=len(calendar(span.rows)),
        new_share=span.new.share,
        artists=_named(span.rows, "artist"),
        tracks=[(known[track_id].title, known[track_id].artist) for track_id in best],
        genres=_named(span.rows, "genre"),
        clock=clock(span.rows).to_list(),
        cover=bytes(cover["data"]) if cover else None,
    )


def _named(rows: pd.DataFrame, by: By) -> list[tuple[str, float]]:
    best = top(rows, by, limit=5)
    return list(zip(best["key"], best["minutes"], strict=True))
