"""The editor of a playlist's rules for the browser: fields, comparisons and values with their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue.dashboard.language.words import translated
from segue.phrases import marked
from segue.playlists.playlists import LONGEST_NAME
from segue.playlists.rules import KINDS, LEVELS, MOST_SONGS, Field, Order, operators

_FIELDS: dict[Field, str] = {
    "genre": marked("Genre"),
    "year": marked("Year"),
    "plays": marked("Plays"),
    "heard": marked("Last played"),
    "liked": marked("Liked"),
    "tag": marked("Tag"),
    "tempo": marked("Tempo"),
    "energy": marked("Energy"),
    "brightness": marked("Brightness"),
    "tone": marked("Key"),
}
_OPERATORS = {
    "is": marked("is"),
    "is not": marked("is not"),
    "at least": marked("is at least"),
    "at most": marked("is at most"),
    "within": marked("in the last"),
    "not within": marked("not in the last"),
}
_LEVELS: dict[str, tuple[str, str, str]] = {
    "tempo": (marked("slow"), marked("medium"), marked("fast")),
    "energy": (marked("calm"), marked("medium"), marked("energetic")),
    "brightness": (marked("dark"), marked("medium"), marked("bright")),
    "tone": (marked("minor"), marked("mixed"), marked("major")),
}
_ORDERS: dict[Order, str] = {
    "added": marked("Newly added"),
    "plays": marked("Most played"),
    "heard": marked("Last played"),
    "title": marked("Title"),
    "artist": marked("Artist"),
    "year": marked("Newest release"),
}
_NEW = {
    "every": True,
    "rules": [{"field": "genre", "operator": "is", "value": ""}],
    "order": "added",
    "most": 100,
}


def editor(
    rules: Mapping[str, Any] | None, *, playlist_id: str | None, genres: Sequence[str]
) -> dict[str, Any]:
    """The editor's data; without rules, for a new playlist.

    Parameters
    ----------
    genres
        Genres to choose from.
    """
    return {
        "id": playlist_id,
        "rules": dict(rules or _NEW),
        "fields": [_field(field) for field in _FIELDS],
        "orders": [[order, translated(label)] for order, label in _ORDERS.items()],
        "most": MOST_SONGS,
        "longest": LONGEST_NAME,
        "genres": list(genres),
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field,
        "label": translated(_FIELDS[field]),
        "kind": KINDS[field],
        "operators": [[one, translated(_OPERATORS[one])] for one in operators(field)],
        "choices": _choices(field),
    }


def _choices(field: Field) -> list[list[str]] | None:
    if KINDS[field] == "yes":
        return [["yes", translated(marked("yes"))], ["no", translated(marked("no"))]]
    if KINDS[field] == "level":
        return [[level, translated(label)] for level, label in zip(LEVELS, _LEVELS[field], strict=True)]
    return None
