"""A listener's profile over the tracks of an index, with the plays and opinions that the history lacks."""

from __future__ import annotations

from dataclasses import dataclass

from segue.dashboard.queries.catalogue import CatalogueReader
from segue.engagement.listening import Listening
from segue.index.bundle import Bundle
from segue.settings import Settings
from segue.taste.opinions import Opinions
from segue.taste.profile import ListenerProfile, build_profiles
from segue.taste.tastes import Tastes


@dataclass(frozen=True)
class KnownListener:
    """One listener; rows refer to the index."""

    profile: ListenerProfile
    heard: frozenset[int]
    """Rows in the history, and rows played as far back as plays are kept."""
    disliked: frozenset[int]

    @property
    def positive(self) -> dict[int, float]:
        """Row -> the sum of its signals, for sums above 0."""
        return self.profile.positive_rows


def read_listener(
    catalogue: CatalogueReader, settings: Settings, user_id: str, *, bundle: Bundle
) -> KnownListener:
    """Read a listener's profile, plays and dislikes; all empty for a new listener."""
    store = catalogue.store
    listeners = Tastes(store).listeners([user_id], taste=settings.taste)
    profile = build_profiles(listeners, bundle=bundle)[0]
    played = list(Listening(store).first_heard(user_id, "track_id"))
    return KnownListener(
        profile=profile,
        heard=profile.heard_rows | _indexed(bundle, played),
        disliked=_indexed(bundle, Opinions(store).disliked(user_id)),
    )


def _indexed(bundle: Bundle, track_ids: list[str]) -> frozenset[int]:
    return frozenset(bundle.rows(track_ids).tolist()) - {-1}
