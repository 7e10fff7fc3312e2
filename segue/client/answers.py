"""The answers of the service. Fields that a newer service adds are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The listener and the rights of the key."""

    user_id: str
    name: str
    label: str
    """The name of the program."""
    scopes: tuple[str, ...]
    requests_per_minute: int


@dataclass(frozen=True, kw_only=True)
class Track:
    id: str
    title: str
    artist: str
    album: str | None = None
    genre: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The recommendation that a track came from; give it to the events of the track."""

    recommendation_id: str
    rank: int
    model: str


@dataclass(frozen=True, kw_only=True)
class Lift:
    """One of the kinds of evidence that lifted a track in a learned order."""

    evidence: str
    amount: float
    """The amount that it adds to the score."""


@dataclass(frozen=True, kw_only=True)
class Recommended(Track):
    reason: str | None = None
    """Why it is recommended, in words."""
    score: float | None = None
    """Its similarity to the track that the reason names."""
    lifted_by: tuple[Lift, ...] = ()
    """With a learned order, the evidence that lifted it most, the most first."""
    attribution: Attribution | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The listener's next tracks, the next one first."""

    recommendation_id: str
    served: str
    """"taste", or "cold-start" while nothing is known."""
    reflects_at: int
    """Time of the newest play that they reflect, epoch ms."""
    tracks: tuple[Recommended, ...]


@dataclass(frozen=True, kw_only=True)
class SimilarTrack(Track):
    similarity: float
    """Cosine of the sound of both tracks."""


@dataclass(frozen=True, kw_only=True)
class Album:
    id: str
    name: str
    artist: str
    year: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    tracks: tuple[Track, ...]
    total: int
    """The number of all tracks that match."""
    artists: tuple[str, ...]
    albums: tuple[Album, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result for an event."""

    event_id: str | None
    status: Literal["accepted", "refused", "pending"]
    reason: str | None = None


def read(kind: type[Answer], content: Mapping[str, Any], **parts: Any) -> Answer:
    """An answer from JSON; `parts` replace the fields that are answers themselves."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in content.items() if name in known} | parts)


def caller(content: Mapping[str, Any]) -> Caller:
    """The listener of a key from JSON."""
    return read(Caller, content, scopes=tuple(content["scopes"]))


def similar(content: Mapping[str, Any]) -> list[SimilarTrack]:
    """Similar tracks from JSON."""
    return [read(SimilarTrack, one) for one in content["tracks"]]


def tracks(content: Mapping[str, Any]) -> list[Track]:
    """Tracks from JSON."""
    return [read(Track, one) for one in content["tracks"]]


def found(content: Mapping[str, Any]) -> Found:
    """The result of a search from JSON."""
    return read(
        Found,
        content,
        tracks=tuple(tracks(content)),
        artists=tuple(content["artists"]),
        albums=tuple(read(Album, one) for one in content["albums"]),
    )


def results(content: Mapping[str, Any]) -> list[Result]:
    """The results for events from JSON."""
    return [read(Result, one) for one in content["results"]]


def plan(content: Mapping[str, Any]) -> Plan:
    """A plan from JSON."""
    return read(Plan, content, tracks=tuple(map(_recommended, content["tracks"])))


def _recommended(content: Mapping[str, Any]) -> Recommended:
    own = content.get("attribution")
    return read(
        Recommended,
        content,
        attribution=None if own is None else read(Attribution, own),
        lifted_by=tuple(read(Lift, one) for one in content.get("lifted_by", ())),
    )
