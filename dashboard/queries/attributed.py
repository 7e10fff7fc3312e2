"""The attribution of plays to recommendations, signed when a list is shown and checked when a play arrives.

A browser sends the id, the rank and the model of a recommendation back with each play. The id carries a
signature of all of them, the listener and the track, and the probability with which the track is in the list
(its propensity, in millionths): `id~propensity.signature`. A play whose signature is missing or wrong counts
as one of a track that the listener chose: so did those of players of earlier releases, which may still have
some in their outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segue.dashboard.queries.items import Item, Upcoming
from segue.people.signatures import Signatures, signatures
from segue.plays.event import MILLIONTHS
from segue.settings import Settings

_MARK = "."
"""Between the id of a recommendation and its signature."""
_PROPENSITY_MARK = "~"
_SENT = ("recommendation_id", "rank", "model")
IN_THE_ID = ("propensity",)
"""Fields of a play that are sent as a part of the id."""
FIELDS = (*_SENT, *IN_THE_ID)
"""The fields of a play that only a signature gives it."""


def signed(upcoming: Upcoming, *, user_id: str, settings: Settings) -> Upcoming:
    """A listener's next tracks with signed attributions."""
    by = _signatures(settings)
    return replace(upcoming, items=[_signed(item, user_id, by) for item in upcoming.items])


def _signed(item: Item, user_id: str, by: Signatures) -> Item:
    own = item.attribution
    if own is None:
        return item
    name = own.recommendation_id
    if own.propensity is not None:
        name += f"{_PROPENSITY_MARK}{max(round(own.propensity * MILLIONTHS), 1)}"
    signature = by.of(user_id, item.track_id, name, own.rank, own.variant)
    return replace(item, attribution=replace(own, recommendation_id=f"{name}{_MARK}{signature}"))


def verified(sent: Mapping[str, Any], *, user_id: str, settings: Settings) -> dict[str, Any]:
    """The fields :data:`FIELDS` of a play that a browser sent, the id without its signature.

    Empty unless they are those of a recommendation of this track for this listener. Lists of earlier releases
    have no propensity.
    """
    name, rank, model = (sent.get(field) for field in _SENT)
    if not (isinstance(name, str) and type(rank) is int and isinstance(model, str)):
        return {}
    own, _, signature = name.rpartition(_MARK)
    if not _signatures(settings).fits(signature, user_id, sent.get("track_id"), own, rank, model):
        return {}
    own, _, propensity = own.partition(_PROPENSITY_MARK)
    known = {"propensity": int(propensity)} if propensity else {}
    return {"recommendation_id": own, "rank": rank, "model": model, **known}


def _signatures(settings: Settings) -> Signatures:
    return signatures(settings.opensubsonic.key_file, purpose="recommendations")
