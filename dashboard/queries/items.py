"""A track as pages and the player get it, with the source and attribution of its plays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segue.catalog.track_records import TrackSummary
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.reasons import reason, with_evidence
from segue.dashboard.queries.starts import selection
from segue.index.published import PublishedBundles
from segue.ranking.plan import PlannedTrack
from segue.ranking.recommendations import Recommendation, Recommendations
from segue.ranking.sources import is_exploring
from segue.ranking.variants import variant_label
from segue.storage.store import Store
from segue.taste.starts import StartingChoice, Starts

_AT_FIRST = 40
"""Tracks in the selection for a cold start."""


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The recommendation that a play comes from, for the fields of the play."""

    recommendation_id: str
    rank: int
    variant: str
    """The play's field `model`, by which outcomes are compared: the variant, with `/explore` for
    exploration; `mood:` and the index version; or the index version alone without recommendations."""
    propensity: float | None = None
    """The probability with which the track is in the list; None where it is not known."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A track in a grid, a list or the queue."""

    track_id: str
    title: str
    artist: str
    album: str | None = None
    genre: str | None = None
    cover_id: str | None = None
    duration_ms: int | None = None
    source: str
    """As in :data:`segue.plays.event.SOURCES`."""
    attribution: Attribution | None = None
    why: str | None = None
    lifted_by: tuple[tuple[str, float], ...] = ()
    """The evidence of a learned order that lifted it most, for programs."""
    score: float | None = None
    note: str | None = None
    tone: str | None = None
    number: str | None = None
    """Its number on the album, such as "7", or "B2" with the side of a record."""

    def data(self) -> dict[str, Any]:
        """The JSON object for the browser, without unknown fields."""
        fields = {
            "id": self.track_id,
            "title": self.title,
            "artist": self.artist,
            "album": self.album,
            "genre": self.genre,
            "cover": self.cover_id,
            "duration": self.duration_ms,
            "source": self.source,
            "why": self.why,
            "score": None if self.score is None else round(self.score, 4),
            "note": self.note,
            "tone": self.tone,
            "number": self.number,
            "rec": self.attribution
            and {
                "id": self.attribution.recommendation_id,
                "rank": self.attribution.rank,
                "model": self.attribution.variant,
            },
        }
        return {key: value for key, value in fields.items() if value is not None}


def read_items(store: Store, track_ids: Iterable[str], *, source: str) -> dict[str, Item]:
    """The playable tracks among `track_ids`, by id."""
    summaries = Tracks(store).summaries(track_ids)
    return {track_id: item_of(track, source=source) for track_id, track in summaries.items()}


def list_items(store: Store, track_ids: Sequence[str], *, source: str) -> list[Item]:
    """The playable tracks in the order of `track_ids`."""
    known = read_items(store, track_ids, source=source)
    return [known[track_id] for track_id in track_ids if track_id in known]


def noted_items(store: Store, noted: Sequence[tuple[str, str]], *, source: str) -> list[Item]:
    """The playable tracks of (id, note) pairs, in their order, each with its note."""
    known = read_items(store, [track_id for track_id, _ in noted], source=source)
    return [replace(known[track_id], note=note) for track_id, note in noted if track_id in known]


def item_of(track: TrackSummary, *, source: str) -> Item:
    """A track as an item."""
    return Item(
        track_id=track.track_id,
        title=track.title,
        artist=track.artist,
        album=track.album,
        genre=track.genre,
        cover_id=track.cover_id,
        duration_ms=track.duration_ms,
        source=source,
    )


@dataclass(frozen=True)
class Upcoming:
    """A listener's next tracks."""

    recommendation_id: str
    items: list[Item]
    served: str
    """"taste", or "cold-start" for the varied selection."""
    reflects_at: int = 0
    """Epoch ms of the newest play that they reflect; 0 for a cold start."""


def upcoming(store: Store, user_id: str) -> Upcoming:
    """The listener's recommendations with reasons; before the first, a cold start's selection."""
    stored = Recommendations(store).of(user_id)
    if stored is None:
        return _to_start_with(store, Starts(store).read(user_id))
    known = read_items(store, stored.named_track_ids, source="home")
    items = [
        _recommended(known[track.track_id], track, stored, rank=rank, known=known)
        for rank, track in enumerate(stored.tracks, 1)
        if track.track_id in known
    ]
    reflects_at = round(stored.reflects_at)
    return Upcoming(stored.recommendation_id, items, stored.served, reflects_at)


def _to_start_with(store: Store, choice: StartingChoice) -> Upcoming:
    bundles = PublishedBundles(store)
    version = bundles.active_version()
    chosen = selection(store, choice, size=_AT_FIRST) if choice else []
    if chosen:
        listed, reasons = [track_id for track_id, _ in chosen], dict(chosen)
        # Do not change: stored plays contain ids made from this text.
        text = f"Picks(genres={choice.genres!r}, artists={choice.artists!r})"
        name = f"start-{version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    else:
        listed, reasons = _varied(store, bundles.varied_selection(version)), {}
        name = f"start-{version}"
    known = read_items(store, listed, source="home")
    items = [
        replace(
            known[track_id],
            attribution=Attribution(recommendation_id=name, rank=rank, variant=str(version)),
            why=f"You chose {reasons[track_id]}" if track_id in reasons else None,
        )
        for rank, track_id in enumerate(listed, 1)
        if track_id in known
    ]
    return Upcoming(name, items, "cold-start")


def _varied(store: Store, selection: Sequence[str]) -> list[str]:
    """The first tracks of the varied selection; the newest ones where too few of them are visible."""
    if not store.hidden_libraries():
        return list(selection[:_AT_FIRST])
    tracks = Tracks(store)
    visible = tracks.known_ids(selection)
    chosen = [track_id for track_id in selection if track_id in visible]
    newest = tracks.newest(limit=_AT_FIRST) if len(chosen) < _AT_FIRST else []
    return list(dict.fromkeys([*chosen, *(track.track_id for track in newest)]))[:_AT_FIRST]


def _recommended(
    item: Item, track: PlannedTrack, stored: Recommendation, *, rank: int, known: Mapping[str, Item]
) -> Item:
    """A recommended track as an item, with a score only if the track that its reason names is known."""
    named = known.get(track.evidence or "")
    return replace(
        item,
        attribution=Attribution(
            recommendation_id=stored.recommendation_id,
            rank=rank,
            variant=_variant(track, stored),
            propensity=track.propensity,
        ),
        why=with_evidence(
            reason(track.reason, named.title if named else None),
            track.reason,
            () if is_exploring(track.reason) else (name for name, _ in track.lifted_by),
        ),
        lifted_by=track.lifted_by,
        score=track.similarity if named else None,
    )


def _variant(track: PlannedTrack, stored: Recommendation) -> str:
    """The label of its plays: the variant, or the index version for old recommendations without one."""
    if not stored.variant:
        return stored.index_version
    return variant_label(stored.variant, exploring=is_exploring(track.reason))
