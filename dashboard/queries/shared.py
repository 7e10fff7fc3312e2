"""The content of a share link: a title, a cover and tracks, or the card of a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from segue.catalog.albums import Albums
from segue.catalog.covers import Covers
from segue.catalog.full_tracks import FullTracks
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.pictures.preview import draw
from segue.dashboard.queries import month
from segue.dashboard.queries.items import Item, item_of, list_items, read_items
from segue.people.accounts import Accounts
from segue.people.login_sessions import Listener
from segue.playlists.playlist import Playlist
from segue.playlists.playlists import Playlists
from segue.settings import EngagementSettings
from segue.social.links import Kind, Link
from segue.storage.store import Store

_YEARS = range(1970, 2200)
"""Of a month that can be shared: pandas cannot count the months of some others."""


@dataclass(frozen=True)
class SharedContent:
    """The shared content as a guest sees it."""

    title: str
    subtitle: str
    by: str
    """The owner's name; may be empty."""
    items: list[Item]
    month: tuple[datetime, datetime, str] | None
    """[since, until) and the zone of a month's card."""


def shared(store: Store, playlists: Playlists, *, owner: str, kind: Kind, key: str) -> SharedContent | None:
    """The current content of a link; None if it no longer exists or no longer belongs to the owner.

    Raises
    ------
    ValueError
        The key of a month is malformed.
    """
    account = Accounts(store).of(owner)
    if account is None:
        return None
    name = account.name
    if kind == "track":
        track = read_items(store, [key], source="home").get(key)
        return SharedContent(track.title, track.artist, name, [track], None) if track else None
    if kind == "album":
        return _album(store, key, name)
    if kind == "songs":
        items = list_items(store, key.split(), source="playlist")
        title = ngettext("{count} song", "{count} songs", len(items))
        return SharedContent(title, "", name, items, None)
    if kind == "playlist":
        return _playlist(store, playlists.read(owner, key), name)
    since, zone = month_of(key)
    start, until = month.bounds(since, zone=zone)
    title = month.title(start, zone=zone)
    return SharedContent(title, gettext("{name}'s month of music", name=name), name, [], (start, until, zone))


def _album(store: Store, key: str, name: str) -> SharedContent | None:
    album = Albums(store).get(key)
    if album is None:
        return None
    tracks = FullTracks(store).all_on_album(key)
    items = [item_of(track.summary, source="search") for track in tracks]
    return SharedContent(album["name"], album["artist"] or "", name, items, None)


def _playlist(store: Store, playlist: Playlist | None, name: str) -> SharedContent | None:
    if playlist is None:
        return None
    ids = list(dict.fromkeys(playlist.tracks))
    items = list_items(store, ids, source="playlist")
    count = ngettext("{count} song", "{count} songs", len(items))
    return SharedContent(
        playlist.name, gettext("Playlist by {name} · {count}", name=name, count=count), name, items, None
    )


def month_key(since: datetime, zone: str) -> str:
    """The key of a month's share link."""
    return f"{since.isoformat()}|{zone}"


def month_of(key: str) -> tuple[datetime, str]:
    """The inverse of :func:`month_key`."""
    since, _, zone = key.partition("|")
    moment = datetime.fromisoformat(since)
    if moment.tzinfo is None or zone not in available_timezones() or moment.year not in _YEARS:
        raise ValueError(f"not a month: {key!r}")
    return moment, zone


def picture(
    store: Store, link: Link, content: SharedContent, *, engagement: EngagementSettings
) -> bytes | None:
    """The picture of a link as a PNG; None for a month without plays."""
    if content.month is not None:
        since, until, zone = content.month
        owner = Listener(user_id=link.owner, name=content.by, session_id="")
        return month.card(store, owner, since=since, until=until, zone=zone, engagement=engagement)
    ids = list(dict.fromkeys(item.cover_id for item in content.items if item.cover_id))[:4]
    return draw(content.title, content.subtitle, Covers(store).pictures(ids))
