"""Data of the pages Live and Operations, read from MongoDB."""

from __future__ import annotations

from dataclasses import dataclass

from segue.catalog.track_records import TrackSummary
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.reasons import reason
from segue.index.published import PublishedBundles
from segue.ranking import order_versions
from segue.ranking.order_versions import OrderInUse
from segue.ranking.recommendations import Recommendations
from segue.ranking.variants import SOUND_ONLY
from segue.storage.store import Store
from segue.taste.history import last_played
from segue.taste.tastes import Tastes


@dataclass(frozen=True)
class Played:
    """A played track with its newest event."""

    track: TrackSummary
    outcome: str
    at: int
    """Epoch ms."""


@dataclass(frozen=True)
class Recommended:
    """A recommended track and its reason."""

    track: TrackSummary
    score: float
    why: str


@dataclass(frozen=True)
class LiveListener:
    """One listener as the page Live shows them."""

    played: list[Played]
    played_in_all: int
    """The number of tracks in the history."""
    recommended: list[Recommended]
    served: str
    index_version: str
    variant: str
    freshness_ms: float | None
    """From the newest play to the document that reflects it; None if all plays are imported."""


def listeners(store: Store, *, limit: int = 200) -> list[str]:
    """The listeners whose recommendations changed last, newest first."""
    return [written.user_id for written in Recommendations(store).newest(limit=limit)]


def listening(store: Store, user_id: str, *, played: int = 12) -> LiveListener | None:
    """A listener's last plays and recommendations; None without recommendations."""
    recommendation = Recommendations(store).of(user_id)
    if recommendation is None:
        return None
    history = last_played(Tastes(store).history(user_id))
    latest = history[:played]
    known = Tracks(store).named([*(track.track_id for track in latest), *recommendation.named_track_ids])
    return LiveListener(
        played=[Played(known[track.track_id], track.event_type, track.at) for track in latest],
        played_in_all=len(history),
        recommended=[
            Recommended(
                known[track.track_id],
                track.similarity,
                reason(track.reason, known[track.evidence].title if track.evidence else None),
            )
            for track in recommendation.tracks
        ],
        served=recommendation.served,
        index_version=recommendation.index_version,
        variant=recommendation.variant or SOUND_ONLY,
        freshness_ms=recommendation.freshness_ms if recommendation.reflects_at else None,
    )


def catalogue_size(store: Store) -> int:
    """The number of tracks in the published index; 0 without one."""
    return PublishedBundles(store).active_count()


def freshness(store: Store, *, newest: int = 500) -> list[float]:
    """The freshness (ms) of the `newest` recommendations."""
    written = Recommendations(store).newest(limit=newest)
    return [own.freshness_ms for own in written if own.reflects_at]


def order_in_use(store: Store) -> OrderInUse:
    """The learned order in use, and how it was chosen."""
    return order_versions.in_use(store)


def index_version(store: Store) -> str:
    """The published index version; empty without one."""
    return PublishedBundles(store).active_version() or ""
