"""What a share link shows: a title, a cover and tracks, or the card of a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from pymongo.database import Database

from segue.catalog.covers import Covers
from segue.dashboard.people.sessions import Listener
from segue.dashboard.pictures.preview import draw
from segue.dashboard.queries import month
from segue.dashboard.queries.items import Item, list_items, read_items
from segue.social.links import Kind, Link
from segue.storage.mongo import Document
from segue.storage.store import Store


@dataclass(frozen=True)
class Shared:
    """A shared thing as a guest sees it."""

    title: str
    subtitle: str
    by: str
    """The owner's name; empty for one without."""
    items: list[Item]
    month: tuple[datetime, datetime, str] | None
    """[since, until) and the zone of a month's card."""


def shared(database: Database[Document], *, owner: str, kind: Kind, key: str) -> Shared | None:
    """What a link opens now; None when it is not there any more, or not the owner's any more.

    Raises
    ------
    ValueError
        The key names no month.
    """
    account = database.accounts.find_one({"user_id": owner}, {"name": 1})
    if account is None:
        return None
    name = account["name"]
    if kind == "track":
        found = read_items(Store(database), [key], source="home").get(key)
        return Shared(found.title, found.artist, name, [found], None) if found else None
    if kind == "playlist":
        return _playlist(database, key, owner, name)
    since, zone = month_of(key)
    start, until = month.bounds(since, zone=zone)
    title = month.title(start, zone=zone)
    return Shared(title, f"{name}'s month of music", name, [], (start, until, zone))


def _playlist(database: Database[Document], key: str, owner: str, name: str) -> Shared | None:
    found = database.playlists.find_one({"_id": key, "owner": owner})
    if found is None:
        return None
    ids = list(dict.fromkeys(found["tracks"]))
    items = list_items(Store(database), ids, source="playlist")
    count = f"{len(items)} tracks" if len(items) != 1 else "1 track"
    return Shared(found["name"], f"Playlist by {name} · {count}", name, items, None)


def month_key(since: datetime, zone: str) -> str:
    """A month as a link keeps it."""
    return f"{since.isoformat()}|{zone}"


def month_of(key: str) -> tuple[datetime, str]:
    """The inverse of :func:`month_key`."""
    since, _, zone = key.partition("|")
    moment = datetime.fromisoformat(since)
    if moment.tzinfo is None or zone not in available_timezones():
        raise ValueError(f"not a month: {key!r}")
    return moment, zone


def picture(database: Database[Document], link: Link, found: Shared) -> bytes | None:
    """The picture of a link as a PNG; None for a month in which nothing was heard."""
    if found.month is not None:
        since, until, zone = found.month
        owner = Listener(user_id=link.owner, name=found.by, session_id="")
        return month.card(database, owner, since=since, until=until, zone=zone)
    ids = list(dict.fromkeys(item.cover_id for item in found.items if item.cover_id))[:4]
    return draw(found.title, found.subtitle, Covers(Store(database)).pictures(ids))
