"""A listener's profile over the tracks of an index, with the plays and opinions that the history lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from segue.dashboard.queries.catalogue import CatalogueReader
from segue.engagement.summed_listening import SummedListening
from segue.index.bundle import Bundle
from segue.plays.playbacks import SentEvent
from segue.settings import Settings, milliseconds
from segue.taste.corrections import Corrections
from segue.taste.opinions import Opinions
from segue.taste.profile import ListenerProfile, build_profiles
from segue.taste.sent_signals import with_sent
from segue.taste.tastes import Tastes


@dataclass(frozen=True)
class KnownListener:
    """One listener; rows refer to the index."""

    profile: ListenerProfile
    heard: frozenset[int]
    """Rows in the history, and rows played as far back as plays are kept."""
    disliked: frozenset[int]
    """Rows that are not recommended: disliked, or left out by a correction of the listener."""

    @property
    def positive(self) -> dict[int, float]:
        """Row -> the sum of its signals, for sums above 0."""
        return self.profile.positive_rows


def read_listener(
    catalogue: CatalogueReader,
    settings: Settings,
    user_id: str,
    *,
    bundle: Bundle,
    sent: Sequence[SentEvent] = (),
) -> KnownListener:
    """Read a listener's profile, plays and dislikes; all empty for a new listener.

    `sent` has events that the stream may not have handled yet.
    """
    store = catalogue.store
    (listener,) = Tastes(store).listeners([user_id], taste=settings.taste)
    window = milliseconds(settings.stream.window)
    listener = replace(
        listener,
        history=with_sent(listener.history, sent, signals=settings.signals, window=window),
        unwanted=catalogue.unwanted(listener.corrections, bundle),
    )
    profile = build_profiles([listener], bundle=bundle)[0]
    played = list(SummedListening(store).first_heard(user_id, "track_id"))
    return KnownListener(
        profile=profile,
        heard=profile.heard_rows | _indexed(bundle, played),
        disliked=_indexed(bundle, Opinions(store).disliked(user_id)) | profile.left_out,
    )


def not_recommended(catalogue: CatalogueReader, user_id: str, *, bundle: Bundle, at: int) -> set[str]:
    """The tracks that a listener dislikes, and those of :func:`left_out`."""
    disliked = set(Opinions(catalogue.store).disliked(user_id))
    return disliked | left_out(catalogue, user_id, bundle=bundle, at=at)


def left_out(catalogue: CatalogueReader, user_id: str, *, bundle: Bundle, at: int) -> set[str]:
    """The tracks that a listener's corrections leave out on the day of `at` (epoch ms)."""
    corrections = Corrections(catalogue.store).of([user_id]).get(user_id)
    if corrections is None:
        return set()
    rows = catalogue.unwanted(corrections, bundle).left_out(user_id, at)
    return set(bundle.ids(sorted(rows)))


def _indexed(bundle: Bundle, track_ids: list[str]) -> frozenset[int]:
    return frozenset(bundle.rows(track_ids).tolist()) - {-1}
