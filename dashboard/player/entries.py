"""Albums and artists as entries of lists: a link to the page, and facts below it."""

from __future__ import annotations

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.navigation import address
from segue.dashboard.player.components import Entry
from segue.dashboard.queries.times import duration


def album(one: Album) -> Entry:
    """An album with its artist and year."""
    return Entry(
        name=one["name"],
        href=address("album", id=one["_id"]),
        note=" · ".join(str(fact) for fact in (one["artist"], one["year"]) if fact),
        cover=one["cover_id"],
    )


def artist(one: Artist) -> Entry:
    """An artist with the numbers of albums and songs, and genres."""
    return Entry(
        name=one["name"],
        href=address("artist", name=one["name"]),
        note=" · ".join([*counts(one), *one["genres"]]),
        cover=one["cover_id"],
    )


def counts(one: Artist) -> list[str]:
    """An artist's numbers of albums and songs."""
    albums = [ngettext("{count} album", "{count} albums", one["albums"])] if one["albums"] else []
    return [*albums, ngettext("{count} song", "{count} songs", one["tracks"] + one["featured"])]


def facts(album: Album) -> list[str]:
    """An album's artist, years, edition and length."""
    year, original = album["year"], album["original_year"]
    years = (
        gettext("{original}, released {year}", original=str(original), year=str(year))
        if year and original and original != year
        else year or original
    )
    discs = ngettext("{count} disc", "{count} discs", album["discs"]) if album["discs"] > 1 else ""
    songs = ngettext("{count} song", "{count} songs", album["tracks"])
    length = duration(round(album["duration_ms"] / 60_000))
    given = [album["artist"], years, album["edition"], discs, songs, length]
    return [str(fact) for fact in given if fact]
