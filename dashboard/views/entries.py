"""Albums and artists as entries of lists: a link to the page, and facts below it."""

from __future__ import annotations

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.counted import counted
from segue.dashboard.navigation import address
from segue.dashboard.player.components import Entry


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
    songs = counted(one["tracks"] + one["featured"], "song")
    albums = [counted(one["albums"], "album")] if one["albums"] else []
    return Entry(
        name=one["name"],
        href=address("artist", name=one["name"]),
        note=" · ".join([*albums, songs, *one["genres"]]),
        cover=one["cover_id"],
    )


def facts(album: Album) -> list[str]:
    """An album's artist, years, edition and length."""
    year, original = album["year"], album["original_year"]
    years = f"{original}, released {year}" if year and original and original != year else year or original
    minutes = round(album["duration_ms"] / 60_000)
    length = f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
    discs = counted(album["discs"], "disc") if album["discs"] > 1 else ""
    given = [album["artist"], years, album["edition"], discs, counted(album["tracks"], "song"), length]
    return [str(fact) for fact in given if fact]
