"""The attribution of plays to recommendations, signed when a list is shown and checked when a play arrives.

A browser sends the id, the rank and the model of a recommendation back with each play. The id carries a
signature of all of them, the listener and the track. A play whose signature is missing or wrong counts as one
of a track that the listener chose: so did those of players of earlier releases, which may still have some in
their outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segue.dashboard.queries.items import Item, Upcoming
from segue.people.signatures import Signatures, signatures
from segue.settings import Settings

_MARK = "."
"""Between the id of a recommendation and its signature."""
FIELDS = ("recommendation_id", "rank", "model")


def signed(upcoming: Upcoming, *, user_id: str, settings: Settings) -> Upcoming:
    """A listener's next tracks with signed attributions."""
    by = _signatures(settings)
    return replace(upcoming, items=[_signed(item, user_id, by) for item in upcoming.items])


def _signed(item: Item, user_id: str, by: Signatures) -> Item:
    own = item.attribution
    if own is None:
        return item
    signature = by.of(user_id, item.track_id, own.recommendation_id, own.rank, own.variant)
    name = f"{own.recommendation_id}{_MARK}{signature}"
    return replace(item, attribution=replace(own, recommendation_id=name))


def verified(sent: Mapping[str, Any], *, user_id: str, settings: Settings) -> dict[str, Any]:
    """The fields :data:`FIELDS` of a play that a browser sent, the id without its signature.

    Empty unless they are those of a recommendation of this track for this listener.
    """
    name, rank, model = (sent.get(field) for field in FIELDS)
    if not (isinstance(name, str) and type(rank) is int and isinstance(model, str)):
        return {}
    own, _, signature = name.rpartition(_MARK)
    if not _signatures(settings).fits(signature, user_id, sent.get("track_id"), own, rank, model):
        return {}
    return {"recommendation_id": own, "rank": rank, "model": model}


def _signatures(settings: Settings) -> Signatures:
    return signatures(settings.opensubsonic.key_file, purpose="recommendations")
