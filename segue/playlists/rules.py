"""The rules of a playlist that updates itself: which songs it has, in which order, and how many at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from segue.phrases import marked, phrase
from segue.playlists.playlist import PlaylistError, StoredRule, StoredRules

Field = Literal["genre", "tag", "year", "plays", "heard", "liked", "tempo", "energy", "brightness", "tone"]
Kind = Literal["text", "number", "days", "level", "yes"]
LEVELS = ("low", "middle", "high")
"""Thirds of the library by a mood."""
_OPERATORS: dict[Kind, tuple[str, ...]] = {
    "text": ("is", "is not"),
    "number": ("at least", "at most", "is"),
    "days": ("within", "not within"),
    "level": ("is", "is not"),
    "yes": ("is",),
}
"""The comparisons of each kind of value."""
KINDS: dict[Field, Kind] = {
    "genre": "text",
    "tag": "text",
    "year": "number",
    "plays": "number",
    "heard": "days",
    "liked": "yes",
    "tempo": "level",
    "energy": "level",
    "brightness": "level",
    "tone": "level",
}
"""The kind of each field's values; `heard` is the number of days since the last play."""
Order = Literal["added", "title", "artist", "year", "plays", "heard"]
MOST_RULES = 20
MOST_SONGS = 1000
"""The most songs of a playlist by rules."""
_LARGEST = 100_000
_LONGEST = 300


@dataclass(frozen=True)
class Rule:
    """A rule that a song fits or not."""

    field: Field
    operator: str
    value: str | int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a playlist."""

    every: bool
    rules: tuple[Rule, ...]
    order: Order
    most: int

    def stored(self) -> StoredRules:
        """As they are stored, and as the browser has them."""
        rules = [StoredRule(field=one.field, operator=one.operator, value=one.value) for one in self.rules]
        return {"every": self.every, "rules": rules, "order": self.order, "most": self.most}


def operators(field: Field) -> tuple[str, ...]:
    """The comparisons of a field."""
    return _OPERATORS[KINDS[field]]


def read_rules(wanted: object) -> Rules:
    """The rules of a request or a document.

    Raises
    ------
    PlaylistError
        They are none.
    """
    match wanted:
        case {"every": bool(every), "rules": list(rules), "order": str(order), "most": int(most)} if (
            order in get_args(Order) and not isinstance(most, bool)
        ):
            if not 1 <= len(rules) <= MOST_RULES:
                raise PlaylistError(phrase("A playlist has 1 to {most} rules.", most=MOST_RULES))
            if not 1 <= most <= MOST_SONGS:
                raise PlaylistError(phrase("A playlist by rules has 1 to {most} songs.", most=MOST_SONGS))
            known = tuple(_rule(one) for one in rules)
            return Rules(every=every, rules=known, order=cast(Order, order), most=most)
    raise PlaylistError(_NONE)


_NONE = marked("A rule is incomplete, or its value does not fit.")


def _rule(wanted: Mapping[str, Any] | Any) -> Rule:
    match wanted:
        case {"field": str(name), "operator": str(operator), "value": value} if name in KINDS:
            field = name
            if operator in operators(field) and (known := _value(KINDS[field], value)) is not None:
                return Rule(field, operator, known)
    raise PlaylistError(_NONE)


def _value(kind: Kind, value: Any) -> str | int | None:
    if kind in ("number", "days"):
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
        return value if whole else None
    if kind == "level":
        return value if value in LEVELS else None
    if kind == "yes":
        return value if value in ("yes", "no") else None
    text = " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""
    return text or None
